//! Rules of the house, checked.

mod tidy;
