//! Libraries that the loader maps or refuses, each judged by `dlopen` or by its own first lines.

mod damaged;
mod external;
mod fixtures;
mod newer_glibc;
mod slow;
