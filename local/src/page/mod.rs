//! The page at `/`: what the environments do, live. One file, and nothing from the network.

use crate::http::Answer;

/// The page.
pub fn page() -> Answer {
    Answer { status: 200, headers: Vec::new(), body: include_bytes!("page.html").to_vec() }
        .with("Content-Type", "text/html; charset=utf-8")
        .with("Content-Security-Policy", POLICY)
}

/// The page has its styles and its program within, and asks nobody but us.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      connect-src 'self'; img-src data:";
