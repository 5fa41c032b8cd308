//! Events of HTTP requests, whatever they are: each is refused in words, or becomes a request whose
//! parts are valid.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pilotlight::http::RequestContext;
use pilotlight::http::Uri;
use pilotlight::http::request_of;
use serde_json::value::RawValue;

fuzz_target!(|input: &[u8]| {
    let request = match request_of(input) {
        Ok(request) => request,
        Err(error) => {
            assert_eq!(error.error_type(), "InvalidEvent");
            return;
        }
    };
    serde_json::from_slice::<&RawValue>(input).expect("only JSON makes a request");
    let uri = request.uri().to_string();
    assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()), "{uri}");
    let again: Uri = uri.parse().expect("a URI");
    assert!(again.path().starts_with('/'));
    // The event's host must not become a part of the path, nor the path one of the host.
    assert_eq!(
        (again.authority(), again.path()),
        (request.uri().authority(), request.uri().path())
    );
    let context: &RequestContext = request.extensions().get().expect("a context");
    context.parse::<&RawValue>().expect("JSON");
});
