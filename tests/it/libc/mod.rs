//! The C library that handlers call: musl's, in place of the glibc that they were compiled against.

mod headers;
mod names;
mod streams;
