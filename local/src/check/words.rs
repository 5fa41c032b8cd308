//! Phrases that several parts of a check have in common.

/// Names that a line shows at most.
const MAX_NAMES: usize = 10;

/// The first of the names, and the number of the others.
pub fn listed(names: &[&str]) -> String {
    let shown = names[..names.len().min(MAX_NAMES)].join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
