//! Handlers by compilers that have to be installed.

mod cpp;
