//! The store as foreign code sees it: handlers (the ABI's `config_` functions) and the fetching
//! module.

use alloc::vec::Vec;
use core::ptr;
use core::slice;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering;

use pilotlight_abi as abi;
use pilotlight_abi::Bytes;
use pilotlight_host::log;
use pilotlight_services_abi as services;
use pilotlight_services_abi::config::FetchRequest;
use pilotlight_services_abi::config::RESTORED;
use pilotlight_services_abi::config::SECRET;

use super::STORE;
use super::cell::Fetched;
use super::cell::Guard;
use super::store::Absent;
use crate::environment::Environment;

/// The environment, for the fetching thread, which starts later.
static ENVIRONMENT: AtomicPtr<Environment> = AtomicPtr::new(ptr::null_mut());

/// Keeps the environment for [`spawn_fetcher`].
pub fn set_environment(environment: &'static Environment) {
    ENVIRONMENT.store(ptr::from_ref(environment).cast_mut(), Ordering::Relaxed);
}

/// Starts the fetching thread; false if that fails. The thread maps the module, so that no reader
/// waits for that.
pub fn spawn_fetcher() -> bool {
    #[cfg(feature = "static")]
    return pilotlight_host::libc::start_thread(&fetch).is_ok();
    #[cfg(not(feature = "static"))]
    false
}

#[cfg(feature = "static")]
fn fetch() {
    // SAFETY: null, or the `&'static` that `set_environment` was given.
    let environment = unsafe { ENVIRONMENT.load(Ordering::Relaxed).as_ref() };
    match environment.and_then(|environment| crate::services::SERVICES.module(environment)) {
        Some(module) => module.refresh_config(&host()),
        None => STORE.give_up(),
    }
}

/// `config_declare` of the handler ABI.
///
/// # Safety
/// The ABI's rules: `declaration` is readable, and `mistake` is null or writable.
pub unsafe extern "C" fn declare(declaration: Bytes, mistake: *mut Bytes) -> i32 {
    // SAFETY: as the function's own contract.
    let text = unsafe { slice::from_raw_parts(declaration.data, declaration.length) };
    let text: &'static [u8] = Vec::leak(text.to_vec());
    let added = super::declaration::items(text).try_for_each(super::add);
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
    let name = unsafe { slice::from_raw_parts(name.data, name.length) };
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
    drop(unsafe { Guard::from_raw(owner.cast()) });
}

/// The functions that the module gets.
pub fn host() -> services::config::Host {
    services::config::Host { next, publish, finish, log }
}

unsafe extern "C" fn next(request: *mut FetchRequest) {
    let (index, entry) = STORE.next();
    let declaration = &entry.declaration;
    let next = FetchRequest {
        index,
        source: declaration.source,
        name: services::Bytes::of(declaration.name),
        target: services::Bytes::of(declaration.target),
        ttl_ms: declaration.ttl_ms,
        flags: if declaration.is_secret { SECRET } else { 0 },
    };
    // SAFETY: the ABI's rule: `request` is writable.
    unsafe { request.write(next) };
}

unsafe extern "C" fn publish(index: u32, fetched: *const services::config::Fetched) -> u32 {
    // SAFETY: the ABI's rule: a valid pointer for the length of the call.
    let fetched = unsafe { *fetched };
    // SAFETY: the ABI's rule for bytes.
    let copy = |bytes: Bytes| unsafe { services::borrow(bytes) }.to_vec();
    let value = Fetched {
        bytes: copy(fetched.bytes),
        content_type: copy(fetched.content_type),
        version: copy(fetched.version),
        fetched_ms: fetched.fetched_ms,
        generation: 0,
        is_secret: fetched.flags & SECRET != 0,
    };
    u32::from(STORE.publish(index, value, fetched.flags & RESTORED != 0))
}

unsafe extern "C" fn log(text: Bytes) {
    // SAFETY: the ABI's rule for bytes.
    let text = unsafe { services::borrow(text) };
    log::record(log::WARN, Some(b"pilotlight"), text);
}

unsafe extern "C" fn finish(index: u32, due_ms: u64, confirmed_ms: u64) {
    STORE.finish(index, due_ms, confirmed_ms);
}
