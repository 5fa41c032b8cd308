//! The page at `/`, which shows the environments live: a few files, without external resources.

/// The page loads files of this server only, and connects to no other.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                          connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
                          frame-ancestors 'none'";

/// The file at `/`.
pub const INDEX: &str = include_str!("index.html");

/// The type and the content of the file at `/page/NAME`.
pub fn file(name: &str) -> Option<(&'static str, &'static str)> {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    Some(match name {
        "style.css" => ("text/css; charset=utf-8", include_str!("style.css")),
        "axis.js" => (SCRIPT, include_str!("axis.js")),
        "detail.js" => (SCRIPT, include_str!("detail.js")),
        "dom.js" => (SCRIPT, include_str!("dom.js")),
        "form.js" => (SCRIPT, include_str!("form.js")),
        "lane.js" => (SCRIPT, include_str!("lane.js")),
        "list.js" => (SCRIPT, include_str!("list.js")),
        "main.js" => (SCRIPT, include_str!("main.js")),
        "model.js" => (SCRIPT, include_str!("model.js")),
        "section.js" => (SCRIPT, include_str!("section.js")),
        _ => return None,
    })
}
