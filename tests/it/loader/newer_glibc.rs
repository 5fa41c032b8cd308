//! A handler that was built against a glibc newer than any: refused by `dlopen`, loaded by us.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support;
use crate::support::oracle;

const HANDLER: &str = "#include <pilotlight.h>\n\
    extern int getppid(void);\n\
    static int32_t run(const pilotlight_invocation *in, pilotlight_outcome *out)\n\
    {\n\
        (void)in;\n\
        out->response.data = (const uint8_t *)(getppid() > 0 ? \"parent\" : \"none\");\n\
        out->response.length = 6;\n\
        return PILOTLIGHT_RESPONSE;\n\
    }\n\
    PILOTLIGHT_HANDLERS(NULL, {\"run\", run})\n";

/// Builds a stand-in for libc whose one symbol has a version of the future, and a handler on it.
fn build(folder: &Path) -> std::path::PathBuf {
    let path = |name: &str| folder.join(name).display().to_string();
    fs::write(path("libc.c"), "int getppid(void) { return 0; }\n").expect("written");
    fs::write(path("versions"), "GLIBC_9.99 { getppid; };\n").expect("written");
    fs::write(path("handler.c"), HANDLER).expect("written");
    let script = format!("-Wl,--version-script={}", path("versions"));
    let stand_in = ["-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libc.so.6", &script];
    support::compile(&folder.join("libc.c"), &stand_in, &folder.join("libc.so.6"));
    let library = folder.join("libhandler.so");
    let against = ["-shared", "-fPIC", "-nostdlib", &path("libc.so.6")];
    support::compile(&folder.join("handler.c"), &against, &library);
    library
}

#[test]
fn no_version_of_glibc_is_too_new() {
    let folder = TempDir::new().expect("a folder");
    let library = build(folder.path());
    let text = fs::read(&library).expect("the library");
    assert!(text.windows(10).any(|part| part == b"GLIBC_9.99"), "the version was not recorded");
    let function = support::function(&library, None);
    assert_eq!(support::response(support::cold(&function, b"{}")), b"parent");
    let refused = oracle::refusal(&library);
    assert!(refused.contains("GLIBC_9.99' not found"), "{refused}");
}
