//! The page at `/`, which shows the environments live: one file, without external resources.

use crate::lambda::HttpResponse;

/// The response with the page.
pub fn page() -> HttpResponse {
    HttpResponse::new(200, include_bytes!("page.html").as_slice())
        .with("Content-Type", "text/html; charset=utf-8")
        .with("Content-Security-Policy", POLICY)
        .with("Referrer-Policy", "no-referrer")
}

/// The page contains its style and its script, and may connect to this server only.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";
