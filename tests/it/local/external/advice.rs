//! The advice of `pilotlight check` to a library that lld links.

use std::fs;

use tempfile::TempDir;

use crate::local::check::check;
use crate::support;

#[test]
fn what_would_spare_a_start_its_relocations_is_said_until_it_is_done() {
    let folder = TempDir::new().expect("a folder");
    let source = folder.path().join("handler.c");
    let text = "#include <pilotlight.h>\n\
         static const char *many[6000] = {[0 ... 5999] = \"one\"};\n\
         static int32_t run(const pilotlight_invocation *in, pilotlight_outcome *out)\n\
         { (void)out; return many[in->event.length % 6000] != many[0]; }\n\
         PILOTLIGHT_HANDLERS(NULL, {\"run\", run})\n";
    fs::write(&source, text).expect("written");
    let advice = |options: &[&str]| {
        let library = folder.path().join("libhandler.so");
        support::compile(
            &source,
            &[&["-shared", "-fPIC", "-s", "-fuse-ld=lld"], options].concat(),
            &library,
        );
        let (code, text) = check(&library);
        assert_eq!(code, Some(0), "{text}");
        text.split_once("faster: ").map(|(_, advice)| advice.to_owned())
    };
    let (packed, placed) = ("-Wl,--pack-dyn-relocs=relr", "-Wl,--image-base=0x1000000000");
    for options in [&[][..], &[packed], &[placed]] {
        let advice = advice(options).expect("advice");
        assert!(advice.contains(" relative relocations are applied"), "{options:?}: {advice}");
        assert!(advice.contains(packed) && advice.contains(placed), "{advice}");
    }
    assert_eq!(advice(&[packed, placed]), None);
}
