//! AWS's own emulator in the mode of Managed Instances: one process, several invocations at once,
//! and errors in the trailers of streams. It wants the layer (our zip, unpacked) in `/opt`, the
//! function in `/var/task`, and runs both as another user; so it gets a mount namespace of its own,
//! for which the tests must be root.

use std::cell::RefCell;
use std::path::Path;
use std::thread;

use tempfile::TempDir;

use crate::emulators::rie;
use crate::emulators::rie::Rie;
use crate::support;

/// Starts a library's only handler with four workers.
fn start(library: &Path, handler: &str) -> Rie {
    let script = "mount -t tmpfs none /opt && mount -t tmpfs none /var && mkdir -p /var/task \
        && unzip -q \"$1\" -d /opt && cp \"$2\" /var/task/ && chmod -R a+rX /opt /var/task \
        && cp \"$3\" /var/rie && cd /var/task && shift 3 && exec /var/rie \"$@\"";
    support::installed("unzip", "unzip");
    let mut command = support::installed("unshare", "util-linux");
    command.args(["--mount", "sh", "-c", script, "sh"]);
    command.arg(support::layer_zip()).arg(library).arg(rie::program());
    command.env("AWS_LAMBDA_MAX_CONCURRENCY", "4").env("_HANDLER", handler);
    Rie::launch(command, &[], TempDir::new().expect("a folder"))
}

/// Invokes the function when a worker waits for that; this emulator has no queue.
fn invoke(rie: &Rie, event: &[u8]) -> (String, Vec<u8>) {
    let answer = RefCell::new(None);
    rie.wait_for("to have a worker", || {
        let (head, body) = rie.invoke_with_headers(event);
        let is_there = !head.contains("\nError-Type: Runtime.Unavailable\r");
        answer.replace(Some((head, body)));
        is_there
    });
    answer.take().expect("an answer")
}

#[test]
fn four_invocations_run_in_one_process() {
    let (_folder, library) = support::fixture_in_c("concurrent");
    let rie = start(&library, "concurrent");
    let answers: Vec<(String, Vec<u8>)> = thread::scope(|scope| {
        let running: Vec<_> = (0..4).map(|_| scope.spawn(|| invoke(&rie, b"\"meet\""))).collect();
        running.into_iter().map(|thread| thread.join().expect("answered")).collect()
    });
    for (head, body) in answers {
        assert!(head.starts_with("HTTP/1.0 200 "), "{head}");
        // The trace is the invocation's own, and nowhere in the process's environment.
        let body = String::from_utf8(body).expect("UTF-8");
        assert!(body.ends_with(" none"), "{body}");
    }
    assert_eq!(rie.log().matches("LocalProcessSupervisor.Exec").count(), 1, "{}", rie.log());
}

#[test]
fn an_error_in_mid_stream_reaches_the_caller() {
    let (_folder, library) = support::fixture_in_c("streams");
    let rie = start(&library, "streams");
    let (head, body) = invoke(&rie, b"rest");
    assert_eq!(body, b"piecerest", "{head}");
    let (head, body) = invoke(&rie, b"fail");
    assert!(head.contains("\nError-Type: Function.StreamError\r"), "{head}");
    let body = String::from_utf8(body).expect("UTF-8");
    assert!(body.contains("after the first piece"), "{body}");
}
