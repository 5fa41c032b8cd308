//! Handlers that bring an allocator of their own: the published crates of mimalloc, jemalloc and
//! dlmalloc, on four threads.

use std::fs;

use pilotlight_local::environment::INIT_LIMIT;
use tempfile::TempDir;

use crate::support;
use crate::support::oracle;

#[test]
fn handlers_may_bring_their_own_allocator() {
    let folder = TempDir::new().expect("a folder");
    for (name, function) in [
        ("mimalloc", "mi_malloc"),
        ("jemalloc", "_rjem_malloc"),
        ("dlmalloc", "insert_large_chunk"),
    ] {
        let target = "../../../target/allocators";
        let build = ["build", "--features", name, "--target-dir", target];
        let built = support::cargo("tests/fixtures/allocators", &build);
        let library = folder.path().join(format!("lib{name}.so"));
        fs::copy(support::library(&built, "allocators"), &library).expect("copied");
        let bytes = fs::read(&library).expect("the library");
        let is_in = bytes.windows(function.len()).any(|part| part == function.as_bytes());
        assert!(is_in, "{name} is not in its library");

        let function = support::function(&library, None);
        let environment = support::start(&function);
        environment.wait_initialised(INIT_LIMIT).expect("initialised");
        // The default is too little for jemalloc's thread-locals.
        let tunables = "glibc.rtld.optional_static_tls=16384";
        let by_dlopen = oracle::answer_with(&library, None, "{}", tunables).expect("a response");
        for _ in 0..3 {
            let answer = support::response(support::invoke(&environment, &function, b"{}"));
            assert_eq!(answer, by_dlopen, "{name}");
        }
    }
}
