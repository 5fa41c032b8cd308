//! The functions that the bootstrap calls, as `pilotlight_services_abi` defines them. They convert
//! arguments, call the other files and catch panics.

use std::mem::MaybeUninit;
use std::time::Duration;

use pilotlight_services_abi as abi;

use crate::bug;
use crate::config;
use crate::host;
use crate::variables::Variables;
use crate::warming::Ping;
use crate::warming::serve;

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static pilotlight_services: abi::Services = abi::Services {
    version: abi::VERSION,
    start: Some(start),
    fan_out: Some(fan_out),
    refresh_config: Some(refresh_config),
};

unsafe extern "C" fn start(host: *const abi::Host) {
    // SAFETY: the ABI's rule for `start`: a valid pointer for the length of the call.
    let offered = unsafe { *host };
    bug::note_panics();
    let _ = bug::catch(|| {
        // SAFETY: the ABI's rule for the variables: that many strings, one after another, which
        // stay.
        let variables = unsafe { Variables::read(offered.variables, offered.variable_count) };
        // SAFETY: the ABI's rule for `log`.
        unsafe { host::start(offered.log, variables) };
    });
}

unsafe extern "C" fn fan_out(fan_out: *const abi::FanOut) -> u32 {
    // SAFETY: the ABI's rule for pointers: valid for the length of the call.
    let fan_out = unsafe { *fan_out };
    let text = |bytes: abi::Bytes| {
        // SAFETY: the ABI's rule for bytes; no reference outlives the call.
        let bytes = unsafe { abi::borrow(bytes) };
        str::from_utf8(bytes).unwrap_or_default()
    };
    let served = bug::catch(|| {
        let Some(client) = host::client() else {
            return 0;
        };
        let ping = Ping {
            event: text(fan_out.ping),
            id: text(fan_out.id),
            invoked_function_arn: text(fan_out.invoked_function_arn),
            tenant_id: text(fan_out.tenant_id),
            deadline_ms: fan_out.deadline_ms,
            budget: fan_out.budget,
        };
        serve(&ping, client)
    });
    served.unwrap_or_else(|bug| {
        host::log(&format!("pilotlight: a ping's fan-out was aborted: {bug}"));
        0
    })
}

unsafe extern "C" fn refresh_config(host: *const abi::config::Host) {
    // SAFETY: the ABI's rule for `refresh_config`: a valid pointer for the length of the call.
    let host = unsafe { *host };
    let store: &'static ConfigStore = Box::leak(Box::new(ConfigStore(host)));
    let ended = bug::catch(|| {
        if let Some(client) = host::client() {
            config::refresh(store, client);
        }
    });
    if let Err(bug) = ended {
        config::Store::log(store, &format!("configuration is no longer fetched: {bug}"));
    }
}

/// The bootstrap's store.
struct ConfigStore(abi::config::Host);

impl config::Store for ConfigStore {
    fn next(&self) -> config::FetchRequest {
        let mut request = MaybeUninit::uninit();
        // SAFETY: the ABI's rule for `next`: the pointer is writable.
        unsafe { (self.0.next)(request.as_mut_ptr()) };
        // SAFETY: `next` has written the request.
        let request: abi::config::FetchRequest = unsafe { request.assume_init() };
        let text = |bytes: abi::Bytes| {
            // SAFETY: the ABI's rule for requests: their bytes live as long as the process.
            String::from_utf8_lossy(unsafe { abi::borrow(bytes) }).into_owned()
        };
        let source = usize::try_from(request.source).ok();
        config::FetchRequest {
            index: request.index,
            source: source.and_then(|source| abi::config::SOURCES.get(source)).unwrap_or(&""),
            name: text(request.name),
            target: text(request.target),
            ttl: (request.ttl_ms != 0).then(|| Duration::from_millis(request.ttl_ms)),
            is_secret: request.flags & abi::config::SECRET != 0,
        }
    }

    fn publish(&self, index: u32, value: &config::Fetched, is_restored: bool) -> bool {
        let secret = if value.is_secret { abi::config::SECRET } else { 0 };
        let restored = if is_restored { abi::config::RESTORED } else { 0 };
        let fetched = abi::config::Fetched {
            bytes: abi::Bytes::of(&value.bytes),
            content_type: abi::Bytes::of(value.content_type.as_bytes()),
            version: abi::Bytes::of(value.version.as_bytes()),
            fetched_ms: value.fetched_ms,
            flags: secret | restored,
        };
        // SAFETY: the ABI's rules for `publish` and for bytes.
        unsafe { (self.0.publish)(index, &raw const fetched) != 0 }
    }

    fn finish(&self, index: u32, due_ms: u64, confirmed_ms: Option<u64>) {
        // SAFETY: the ABI's rule for `finish`: once for each request of `next`.
        unsafe { (self.0.finish)(index, due_ms, confirmed_ms.unwrap_or(0)) };
    }

    fn log(&self, text: &str) {
        // SAFETY: the ABI's rules for `log` and for bytes.
        unsafe { (self.0.log)(abi::Bytes::of(text.as_bytes())) };
    }
}
