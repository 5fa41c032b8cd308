//! The files of a layer, by their paths in it. The build script includes this file.

/// The program, the rest of the C library, and the module that talks to AWS.
pub const FILES: [&str; 3] = ["bootstrap", "pilotlight/libc.so", "pilotlight/services.so"];
