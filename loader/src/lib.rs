//! Reads, relocates and judges handler libraries: ELF in safe code over slices. The bootstrap
//! passes memory that it has mapped, `pilotlight check` copies of the file, so that both give the
//! same verdict in the same words.
//!
//! Deliberately absent: lazy binding in libraries, symbol versions, libraries that need other
//! libraries, indirect functions, copy relocations, pages both writable and executable. A library
//! that cannot do without one is refused with a [`Defect`] of its own.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod arch;
pub mod catalog;
pub mod copies;
pub mod dynamic;
pub mod elf;
mod error;
mod handlers;
mod hash_table;
mod link;
mod memory;
pub mod needed_versions;
pub mod package;
pub mod provided;
mod relocate;
mod requirements;
pub mod sections;
mod symbol;
mod symbol_hash;
mod symbolize;
pub mod tls;

pub use self::error::Defect;
pub use self::error::LoadError;
pub use self::handlers::abi_mismatch;
pub use self::link::EntrySymbol;
pub use self::link::Linked;
pub use self::link::link;
pub use self::link::link_for;
pub use self::memory::Data;
pub use self::memory::Tables;
pub use self::relocate::Provider;
pub use self::requirements::Requirements;
pub use self::symbol_hash::symbol_hash;
pub use self::symbolize::has_local;
pub use self::symbolize::nearest_symbol;
pub use self::tls::TlsPlace;
pub use self::tls::TlsTemplate;
