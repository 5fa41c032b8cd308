//! How the module is linked: what is read from storage and relocated when it is first needed is the
//! price of its first use.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Addresses that only have to be moved are a bit each, in place of 24 bytes.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,pack-relative-relocs");
    // Functions that are the same code are there once.
    println!("cargo:rustc-cdylib-link-arg=-Wl,--icf=all");
}
