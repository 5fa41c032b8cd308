//! Which handler libraries this runtime calls, by the version of the ABI that they were built for.

use alloc::format;
use alloc::string::String;

use pilotlight_abi as abi;

/// Why a library that was built for this version of the ABI is not called, and what to do; None for
/// one that is.
pub fn abi_mismatch(version: u32) -> Option<String> {
    let (major, minor) = (version >> 16, version & 0xffff);
    let (ours, newest) = (abi::ABI_MAJOR, abi::ABI_MINOR);
    if major == ours && (0..=newest).contains(&minor) {
        return None;
    }
    let remedy = if major < ours {
        "build it with the SDK of this layer's version"
    } else {
        "use a newer layer, or build it with an older SDK"
    };
    Some(format!(
        "was built for handler ABI {major}.{minor}, this runtime has {ours}.{newest}; {remedy}"
    ))
}
