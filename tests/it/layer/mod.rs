//! The files of the layer: their sizes, their bytes, and what the bootstrap asks of the system.

mod bootstrap;
mod external;
mod files;
mod layout;
mod one_file;
