//! Measures the check for pings in an ordinary invocation, in nanoseconds (`./build.sh measure`).

use std::hint::black_box;
use std::time::Instant;

use pilotlight_bootstrap::environment;
use pilotlight_bootstrap::invocation::Invocation;
use pilotlight_bootstrap::warming::event;
use pilotlight_bootstrap::warming::settings::Settings;

/// An event from API Gateway, of at least `size` bytes.
fn request(size: usize) -> Vec<u8> {
    let mut event = String::from(
        r#"{"version":"2.0","routeKey":"$default","rawPath":"/orders","headers":{"accept":"*/*","user-agent":"curl/8.5.0","x-forwarded-for":"192.0.2.1","x-forwarded-proto":"https"},"requestContext":{"accountId":"123456789012","apiId":"abc","http":{"method":"POST","path":"/orders","protocol":"HTTP/1.1"},"stage":"$default","time":"21/Nov/2026:03:04:05 +0000"},"isBase64Encoded":false,"body":"{"#,
    );
    while event.len() < size {
        event.push_str(
            r#"\"weight\":12,\"name\":\"a thing\",\"sku\":\"a-1\",\"price\":[12,\"EUR\"],"#,
        );
    }
    event.push_str(r#"\"end\":0}"}"#);
    event.into_bytes()
}

fn main() {
    let environment = environment::EMPTY;
    let settings = Settings::new(&environment);
    for size in [1 << 10, 16 << 10, 60 << 10, 1 << 20] {
        let event = request(size);
        let find = || {
            let invocation = Invocation { event: black_box(&event), ..Invocation::default() };
            event::find(&settings, &invocation, &mut |_| ())
        };
        assert_eq!(find(), None);
        // The minimum, because interrupts only add time.
        let best = (0..1000)
            .map(|_| {
                let start = Instant::now();
                (0..100).for_each(|_| assert!(find().is_none()));
                start.elapsed()
            })
            .min();
        let nanoseconds = best.unwrap_or_default().as_secs_f64() * 1e9 / 100.0;
        println!("{:>8} bytes: {nanoseconds:.0} ns", event.len());
    }
}
