//! The fetching thread, and the store as the layer's module `services` sees it, which fetches.

use alloc::boxed::Box;

use pilotlight_host::log;
use pilotlight_host::map::Host;
use pilotlight_services_abi as abi;
use pilotlight_services_abi::Bytes;
use pilotlight_services_abi::config::FetchRequest;
use pilotlight_services_abi::config::RESTORED;
use pilotlight_services_abi::config::SECRET;

use super::fetched::Fetched;
use super::store::STORE;
use crate::environment::Environment;
use crate::services::Services;

/// Gives the store its fetching thread, which starts at the first request. The thread maps the
/// module, so that no reader waits for that.
pub fn fetch_with(
    services: &'static Services,
    host: &'static (dyn Host + Sync),
    environment: &'static Environment,
) {
    STORE.set_spawn(Box::new(move || {
        let fetch = move || match services.module(environment) {
            Some(module) => module.refresh_config(&functions()),
            None => STORE.give_up(),
        };
        host.start_thread(Box::leak(Box::new(fetch))).is_ok()
    }));
}

/// The functions that the module gets.
fn functions() -> abi::config::Host {
    abi::config::Host { next, publish, finish, log }
}

unsafe extern "C" fn next(request: *mut FetchRequest) {
    let (index, entry) = STORE.next();
    let declaration = &entry.declaration;
    let next = FetchRequest {
        index,
        source: declaration.source,
        name: Bytes::of(declaration.name),
        target: Bytes::of(declaration.target),
        ttl_ms: declaration.ttl_ms,
        flags: if declaration.is_secret { SECRET } else { 0 },
    };
    // SAFETY: the ABI's rule: `request` is writable.
    unsafe { request.write(next) };
}

unsafe extern "C" fn publish(index: u32, fetched: *const abi::config::Fetched) -> u32 {
    // SAFETY: the ABI's rule: a valid pointer for the length of the call.
    let fetched = unsafe { *fetched };
    // SAFETY: the ABI's rule for bytes.
    let copy = |bytes: Bytes| unsafe { abi::borrow(bytes) }.to_vec();
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
    let text = unsafe { abi::borrow(text) };
    log::record(log::WARN, Some(b"pilotlight"), text);
}

unsafe extern "C" fn finish(index: u32, due_ms: u64, confirmed_ms: u64) {
    STORE.finish(index, due_ms, confirmed_ms);
}
