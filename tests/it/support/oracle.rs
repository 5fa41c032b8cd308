//! The oracle for the bootstrap's loader: the same library through glibc's `dlopen`, called by the
//! same ABI in this process.

use std::env;
use std::ffi::CStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::slice;

use libloading::Library;
use pilotlight_abi as abi;

/// The arguments that make this program answer for another process, by its variables `ORACLE_…`.
pub const ANSWERING: [&str; 2] = ["support::oracle::answers_for_another_process", "--exact"];

/// As [`answer`], in a process of its own: two libraries that each hold the C++ library disturb
/// each other under `dlopen`.
pub fn answer_alone(library: &Path, handler: Option<&str>, event: &str) -> Vec<u8> {
    answer_alone_with(library, handler, event, "")
}

/// As [`answer_alone`], with glibc's `GLIBC_TUNABLES`.
pub fn answer_alone_with(
    library: &Path,
    handler: Option<&str>,
    event: &str,
    tunables: &str,
) -> Vec<u8> {
    let answer = library.with_extension("answer");
    let child = Command::new(env::current_exe().expect("this test"))
        .args(ANSWERING)
        .env("GLIBC_TUNABLES", tunables)
        .env("ORACLE_LIBRARY", library)
        .envs(handler.map(|handler| ("ORACLE_HANDLER", handler)))
        .env("ORACLE_EVENT", event)
        .env("ORACLE_ANSWER", &answer)
        .output()
        .expect("started");
    assert!(child.status.success(), "{}: {child:?}", library.display());
    fs::read(answer).expect("an answer")
}

#[test]
fn answers_for_another_process() {
    let Some(library) = env::var_os("ORACLE_LIBRARY") else {
        return;
    };
    let handler = env::var("ORACLE_HANDLER").ok();
    let event = env::var("ORACLE_EVENT").expect("an event");
    let answer = answer(Path::new(&library), handler.as_deref(), event.as_bytes());
    let path = env::var_os("ORACLE_ANSWER").expect("where to");
    fs::write(path, answer.expect("a response")).expect("written");
}

/// A handler's answer to `event` under `dlopen`; Err is its `errorType`.
pub fn answer(library: &Path, handler: Option<&str>, event: &[u8]) -> Result<Vec<u8>, String> {
    // SAFETY: the library is one that the tests have built.
    let library = unsafe { Library::new(library) }.expect("dlopen");
    // SAFETY: the symbol has this type, which the ABI defines.
    let exported = unsafe { library.get::<*const abi::Library>(abi::LIBRARY_SYMBOL) };
    // SAFETY: it was found, and points to constant data of the library.
    let exported = unsafe { **exported.expect("the ABI's symbol") };
    assert_eq!(exported.abi_version, abi::ABI_VERSION);
    let count = usize::try_from(exported.handler_count).expect("a count");
    // SAFETY: the ABI's rule for `handlers`.
    let handlers = unsafe { slice::from_raw_parts(exported.handlers, count) };
    let found = handlers.iter().find(|candidate| {
        // SAFETY: the ABI's rule for `name`.
        let name = unsafe { CStr::from_ptr(candidate.name) };
        handler.is_none_or(|handler| name.to_bytes() == handler.as_bytes())
    });

    let mut outcome = abi::Outcome::EMPTY;
    if let Some(init) = exported.init {
        // SAFETY: the ABI's rule for `init`; each library is opened once by this process.
        assert_eq!(unsafe { init(&raw mut outcome) }, abi::RESPONSE, "init failed");
    }
    let invocation = invocation(event);
    let call = found.and_then(|handler| handler.call).expect("the handler");
    // SAFETY: the ABI's rule for `call`; the invocation outlives the outcome.
    let code = unsafe { call(&raw const invocation, &raw mut outcome) };
    let result = match code {
        abi::RESPONSE => Ok(copy(outcome.response)),
        _ => Err(String::from_utf8(copy(outcome.error_type)).expect("UTF-8")),
    };
    if let Some(release) = outcome.release {
        // SAFETY: the ABI's rule for `release`: once, the bytes were copied.
        unsafe { release(outcome.owner) };
    }
    // Threads of the handler may still run, so the library stays.
    std::mem::forget(library);
    result
}

/// Why `dlopen` refuses a library.
pub fn refusal(library: &Path) -> String {
    // SAFETY: nothing of a library that is refused runs.
    let result = unsafe { Library::new(library) };
    let error = result.expect_err("refused");
    std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
}

fn copy(bytes: abi::Bytes) -> Vec<u8> {
    if bytes.data.is_null() {
        return Vec::new();
    }
    // SAFETY: the ABI's rule for what an outcome holds, until it is released.
    unsafe { slice::from_raw_parts(bytes.data, bytes.length) }.to_vec()
}

fn invocation(event: &[u8]) -> abi::Invocation {
    abi::Invocation {
        event: abi::Bytes::of(event),
        request_id: abi::Bytes::of(b"request"),
        ..abi::Invocation::EMPTY
    }
}
