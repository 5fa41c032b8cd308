//! The page at `/`: what the environments do, live. One file, and nothing from the network.

use crate::lambda::HttpResponse;

/// The page.
pub fn page() -> HttpResponse {
    HttpResponse::new(200, include_bytes!("page.html").as_slice())
        .with("Content-Type", "text/html; charset=utf-8")
        .with("Content-Security-Policy", POLICY)
        .with("Referrer-Policy", "no-referrer")
}

/// The page has its styles and its program within, and asks nobody but us.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";
