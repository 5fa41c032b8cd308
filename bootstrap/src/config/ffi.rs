//! The store as handlers see it: the `config_` functions of the handler ABI.

use alloc::vec::Vec;

use pilotlight_abi as abi;
use pilotlight_abi::Bytes;
use pilotlight_host::sync::arc_cell::Guard;

use super::declaration;
use super::fetched::Fetched;
use super::store::Absent;
use super::store::STORE;

/// `config_declare` of the handler ABI.
///
/// # Safety
/// The ABI's rules: `declaration` is readable, and `mistake` is null or writable.
pub unsafe extern "C" fn declare(declaration: Bytes, mistake: *mut Bytes) -> i32 {
    // SAFETY: as the function's own contract.
    let text = unsafe { declaration.as_slice() }.unwrap_or_default();
    let text: &'static [u8] = Vec::leak(text.to_vec());
    let added = declaration::items(text).try_for_each(|item| STORE.declare(item));
    let Err(message) = added else {
        return 0;
    };
    let message: &'static str = message.leak();
    // SAFETY: as the function's own contract.
    if let Some(mistake) = unsafe { mistake.as_mut() } {
        *mistake = Bytes::of(message.as_bytes());
    }
    libc::EINVAL
}

/// `config_read` of the handler ABI.
///
/// # Safety
/// The ABI's rules: `name` is readable, and `value` is writable.
pub unsafe extern "C" fn read(name: Bytes, deadline_ms: u64, value: *mut abi::ConfigValue) -> i32 {
    // SAFETY: as the function's own contract.
    let name = unsafe { name.as_slice() }.unwrap_or_default();
    let snapshot = match STORE.read(name, deadline_ms) {
        Ok(snapshot) => snapshot,
        Err(Absent::Unknown) => return libc::ENOENT,
        Err(Absent::NotYet) => return libc::EAGAIN,
    };
    let fetched = &*snapshot.value;
    let known = |bytes: &[u8]| if bytes.is_empty() { Bytes::ABSENT } else { Bytes::of(bytes) };
    let secret = if fetched.is_secret { abi::CONFIG_SECRET } else { 0 };
    let stale = if snapshot.is_stale { abi::CONFIG_STALE } else { 0 };
    let read = abi::ConfigValue {
        bytes: Bytes::of(&fetched.bytes),
        content_type: known(&fetched.content_type),
        version: known(&fetched.version),
        generation: fetched.generation,
        fetched_ms: snapshot.confirmed_ms,
        flags: secret | stale,
        owner: snapshot.value.into_raw().cast(),
    };
    // SAFETY: as the function's own contract.
    unsafe { value.write(read) };
    0
}

/// `config_release` of the handler ABI.
///
/// # Safety
/// The ABI's rules: `value` came from [`read`], and is released once.
pub unsafe extern "C" fn release(value: *const abi::ConfigValue) {
    // SAFETY: as the function's own contract.
    let owner = unsafe { (*value).owner };
    // SAFETY: `read` put the guard there, and the handler releases it once.
    drop(unsafe { Guard::<Fetched>::from_raw(owner.cast()) });
}
