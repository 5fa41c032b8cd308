//! `sdk/include/pilotlight.h` in C++.

use std::fs;

use tempfile::TempDir;

use crate::support;

#[test]
fn the_header_is_c_plus_plus_too() {
    let folder = TempDir::new().expect("a folder");
    let source = folder.path().join("handler.cc");
    let text = "#include <pilotlight.h>\n\
        static int32_t run(const pilotlight_invocation *, pilotlight_outcome *) { return 0; }\n\
        PILOTLIGHT_HANDLERS(nullptr, {\"run\", run})\n";
    fs::write(&source, text).expect("written");
    let library = folder.path().join("libhandler.so");
    support::compile(&source, &["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"], &library);
    let function = support::function(&library, None);
    assert_eq!(support::response(support::cold(&function, b"{}")), b"");
}
