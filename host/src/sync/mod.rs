//! Values that threads share without a lock.

#[allow(unsafe_code)] // Counts references by hand.
pub mod arc_cell;
#[allow(unsafe_code)] // Dereferences the box that it leaked.
pub mod once;
