//! The advice of `pilotlight check` to a library that lld links.

use std::fs;

use pilotlight_local::check;
use tempfile::TempDir;

use crate::local::check::check as judge;
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
        let (code, text) = judge(&library);
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

#[test]
fn one_line_spares_a_cpp_library_its_hundred_symbols() {
    let folder = TempDir::new().expect("a folder");
    let source = folder.path().join("handler.cc");
    let text = "#include <iostream>\n#include <map>\n#include <pilotlight.h>\n\
         static int32_t run(const pilotlight_invocation *in, pilotlight_outcome *)\n\
         { std::map<int, std::string> map; map[1] = \"one\"; std::cout << map[in->event.length];\n\
           return 0; }\n\
         PILOTLIGHT_HANDLERS(NULL, {\"run\", run})\n";
    fs::write(&source, text).expect("written");
    let library = folder.path().join("libhandler.so");
    let judged = |options: &[&str]| {
        support::compile(&source, &[&["-shared", "-fPIC", "-O2"], options].concat(), &library);
        check::check(&library)
    };
    let refused = judged(&[]);
    assert!(refused.missing_symbols.len() > 10, "{:?}", refused.missing_symbols);
    assert_eq!(refused.remedies, ["link with -static-libstdc++ -static-libgcc"]);
    assert!(!refused.to_string().contains("missing symbols"), "{refused}");
    assert!(judged(&["-static-libstdc++", "-static-libgcc"]).loads);
    // A C compiler links no C++ library at all.
    let unlinked = judged(&["-nodefaultlibs", "-lc"]);
    assert!(unlinked.missing_libraries.is_empty(), "{unlinked}");
    assert_eq!(unlinked.remedies, refused.remedies);
}
