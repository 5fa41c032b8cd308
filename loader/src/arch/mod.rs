//! The CPUs that libraries are built for. Each has a file of its own, which translates its
//! relocations to one vocabulary; no other file of this crate names a CPU's numbers.

mod aarch64;
mod x86_64;

pub use self::aarch64::Aarch64;
pub use self::x86_64::X86_64;

const EM_386: u16 = 3;
const EM_ARM: u16 = 40;
const EM_RISCV: u16 = 243;

/// The CPU of this build.
#[cfg(target_arch = "x86_64")]
pub type Native = X86_64;
/// The CPU of this build.
#[cfg(target_arch = "aarch64")]
pub type Native = Aarch64;

/// A CPU that Lambda offers.
pub trait Machine {
    /// `e_machine`.
    const NUMBER: u16;
    /// Its name, as Lambda spells it.
    const NAME: &'static str;
    /// The file name of glibc's dynamic linker. Libraries name it for the symbols that it defines.
    const LINKER: &'static str;
    /// The kind of nearly all relocations of a library: `B + A`.
    const RELATIVE: u32;

    /// The extension that compilers for this machine's own processor use, and not all of Lambda's
    /// processors have.
    const EXTENSION: &'static Extension;

    /// Whether code has instructions of [`Machine::EXTENSION`]; None if it cannot be read through.
    fn has_extension(code: &[u8]) -> Option<bool>;

    /// Whether code asks the processor for its extensions.
    fn asks_processor(code: &[u8]) -> bool;

    /// Translates a raw number other than [`Machine::RELATIVE`].
    fn relocation(kind: u32) -> Result<Relocation, &'static Unsupported>;
}

/// The value that a relocation other than a relative one writes: one word, if not said otherwise.
/// `A` is its addend, `S` the address of its symbol.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relocation {
    /// Nothing: the linker left an entry that it did not need.
    Nothing,
    /// `S`: a slot of the global offset table.
    Slot,
    /// `S + A`: an address in data.
    Absolute,
    /// The location of a thread-local.
    ThreadLocal(ThreadLocal),
}

/// Instructions that not every processor of a kind has.
#[derive(Debug)]
pub struct Extension {
    /// Its name.
    pub name: &'static str,
    /// The compilers' options for what all of Lambda's processors have.
    pub remedy: &'static str,
}

/// A way in which code finds a thread-local.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadLocal {
    /// Its module, for `__tls_get_addr`.
    Module,
    /// Its offset in its module.
    Offset,
    /// Its offset from the thread pointer.
    ThreadPointerOffset,
    /// Two words: the address of a function that returns its offset from the thread pointer, and a
    /// word for that function to read. Code calls it with the address of the first word.
    Descriptor,
}

/// A relocation that this loader deliberately does not apply.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Its name.
    pub name: &'static str,
    /// The remedy: compiler or linker options, or another layer.
    pub remedy: &'static str,
}

/// A symbol whose address is what a function of the library returns.
pub const INDIRECT_FUNCTION: &Unsupported =
    &Unsupported { name: "an indirect function", remedy: "build the library without ifunc" };

/// An address that has no room for 64 bits.
const SHORT_ADDRESS: &Unsupported =
    &Unsupported { name: "a 32-bit address", remedy: "compile the library with -fPIC" };

/// A number that no table holds.
const UNKNOWN: &Unsupported =
    &Unsupported { name: "an unknown relocation", remedy: "use a newer layer" };

/// A CPU's name, as Lambda and the CPU's makers spell it.
pub const fn machine_name(machine: u16) -> &'static str {
    match machine {
        EM_386 => "32-bit x86",
        EM_ARM => "32-bit Arm",
        X86_64::NUMBER => X86_64::NAME,
        Aarch64::NUMBER => Aarch64::NAME,
        EM_RISCV => "RISC-V",
        _ => "an unknown CPU",
    }
}
