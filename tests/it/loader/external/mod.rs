//! Handlers by linkers that have to be installed.

mod linkers;
