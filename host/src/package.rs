//! The libraries that the executable carries, if `pilotlight build` appended any.

use core::ptr;

use pilotlight_loader::Defect;
use pilotlight_loader::package;
use pilotlight_loader::package::Package;
use pilotlight_loader::package::WORDS;

/// The table, at the place that [`package`] names (layout.ld). `pilotlight build` overwrites it in
/// the file.
#[used]
#[unsafe(link_section = ".package")]
static TABLE: [u64; WORDS] = package::EMPTY;

/// The libraries that this executable carries; None if it carries nothing.
pub fn carried() -> Result<Option<Package>, Defect> {
    // SAFETY: an array of this program, read as the file has it, not as the compiler knew it.
    Package::parse(&unsafe { ptr::read_volatile(&raw const TABLE) })
}
