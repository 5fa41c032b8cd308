//! The documents with programs that have to be installed.

mod commands;
