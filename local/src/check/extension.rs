//! Instructions that not every processor of Lambda's has: whether a library needs them, as far as
//! its code tells.

use pilotlight_loader::arch::Machine;
use pilotlight_loader::sections::Section;
use pilotlight_loader::sections::sections;
use serde::Serialize;

/// Words of code that asks the kernel for the processor's extensions.
const QUESTIONS: [&[u8]; 3] = [b"getauxval", b"/proc/cpuinfo", b"/proc/self/auxv"];

/// The use of an extension of the CPU.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Extension {
    /// Its name.
    pub name: &'static str,
    /// Whether the library needs it.
    pub needed: Needed,
    #[serde(skip)]
    pub(super) remedy: &'static str,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Needed {
    /// It has no such instructions.
    No,
    /// It has such instructions, and nothing in it asks for the processor's extensions first.
    Yes,
    /// It has such instructions, and asks; or not all of its code can be read.
    Unknown,
}

/// Looks for instructions of the extension of `M` in the sections that hold code.
pub fn find<M: Machine>(file: &[u8]) -> Extension {
    let code = || {
        let code = sections(file).filter(|section: &Section| section.is_code());
        code.filter_map(|section| section.content(file))
    };
    let mut has: Vec<Option<bool>> = code().map(M::has_extension).collect();
    has.sort_unstable();
    let asks = || {
        let words = |words: &&[u8]| file.windows(words.len()).any(|part| part == *words);
        code().any(M::asks_processor) || QUESTIONS.iter().any(words)
    };
    let needed = match (has.first(), has.last()) {
        (Some(Some(_)), Some(Some(false))) => Needed::No,
        (Some(Some(_)), Some(Some(true))) if !asks() => Needed::Yes,
        _ => Needed::Unknown,
    };
    Extension { name: M::EXTENSION.name, needed, remedy: M::EXTENSION.remedy }
}
