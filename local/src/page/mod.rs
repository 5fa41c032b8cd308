//! The page at `/`, which shows the environments live: one file, without external resources.

/// The HTML file.
pub const HTML: &[u8] = include_bytes!("page.html");

/// The page contains its style and its script, and may connect to this server only.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                          script-src 'unsafe-inline'; connect-src 'self'; img-src data:; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
