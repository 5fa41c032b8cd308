//! C streams that other threads have locked: the runtime writes out what the others hold, and waits
//! for none.

use std::fs;
use std::time::Duration;

use pilotlight_local::environment::INIT_LIMIT;
use tempfile::NamedTempFile;

use crate::support;
use crate::support::Posted;

#[test]
fn streams_that_threads_read_from_hold_up_neither_an_invocation_nor_an_exit() {
    let (_folder, library) = support::fixture_in_c("reads");
    let mut function = support::function(&library, None);
    function.timeout = Duration::from_secs(20);
    let environment = support::start(&function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    for _ in 0..2 {
        let file = NamedTempFile::new().expect("a file");
        let path = file.path().to_string_lossy();
        support::response(support::invoke(&environment, &function, path.as_bytes()));
        assert_eq!(fs::read_to_string(file.path()).expect("a file"), "written at the end");
    }
    let outcome = support::invoke(&environment, &function, b"exit").expect("reported");
    assert_eq!(Posted::read(&outcome).error_type, "ProcessExit");
    assert_eq!(environment.shared().session().exit_status().expect("ended").code(), Some(3));
}
