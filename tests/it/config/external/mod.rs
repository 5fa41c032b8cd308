//! Configuration from services and tools of other people.

mod honest;
