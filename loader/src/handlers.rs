//! The versions of the handler ABI that this runtime can call.

use alloc::format;
use alloc::string::String;

use pilotlight_abi as abi;

/// The reason that a library built for this version of the ABI is refused, and what to do; None if
/// it is accepted.
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
