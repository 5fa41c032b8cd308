//! The report of an invocation that is about to time out: the handler's stack.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStderr;
use std::process::Stdio;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use pilotlight_local::function::Function;
use tempfile::TempDir;

use crate::support;
use crate::support::script;
use crate::support::script::here;

/// Milliseconds from the invocation to its deadline.
const TIMEOUT_MS: u128 = 60_000;
/// Reports a tenth of a second after the start of such an invocation.
const SOON: &str = "59900";

/// `tests/fixtures/handlers/hangs.c`, with its symbols.
fn hangs() -> Function {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = LIBRARY.get_or_init(|| support::fixture_in_c("hangs"));
    support::function(library, None)
}

struct Runtime {
    child: Child,
    log: BufReader<ChildStderr>,
    workers: Vec<TcpStream>,
    folder: TempDir,
}

impl Runtime {
    fn start(function: &Function, report: &str, workers: usize) -> Runtime {
        let folder = TempDir::new().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut child = function
            .command()
            .env_clear()
            .envs(function.environment(&here(port)))
            .env("PILOTLIGHT_TIMEOUT_REPORT", report)
            .env("PILOTLIGHT_TEST_GATE", folder.path().join("gate"))
            .env("AWS_LAMBDA_MAX_CONCURRENCY", workers.to_string())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the bootstrap");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let accept = || {
            let mut worker = script::accept(&listener);
            assert!(script::read_head(&mut worker).starts_with("GET /2018-06-01/"));
            worker
        };
        let workers = (0..workers).map(|_| accept()).collect();
        Runtime { child, log, workers, folder }
    }

    /// Begins an invocation with this id on a worker.
    fn begin(&mut self, worker: usize, id: &str, event: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        let (deadline, size) = (now + TIMEOUT_MS, event.len());
        let head = format!(
            "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {id}\r\n\
             Lambda-Runtime-Deadline-Ms: {deadline}\r\nContent-Length: {size}\r\n\r\n{event}"
        );
        self.workers[worker].write_all(head.as_bytes()).expect("sent");
    }

    /// The next record of the log, in lines.
    fn record(&mut self) -> String {
        let mut line = String::new();
        self.log.read_line(&mut line).expect("UTF-8");
        line.replace('\r', "\n")
    }

    /// Lets handlers go on.
    fn open(&self) {
        fs::write(self.folder.path().join("gate"), "").expect("written");
    }

    /// The response of a worker's invocation.
    fn response(&mut self, worker: usize) -> String {
        let (_, body) = script::read_request(&mut self.workers[worker]);
        self.workers[worker].write_all(&script::accepted().bytes).expect("sent");
        script::read_head(&mut self.workers[worker]);
        body
    }

    /// Ends it, and returns the rest of the log.
    fn end(mut self) -> String {
        self.child.kill().expect("ended");
        self.child.wait().expect("ended");
        let mut rest = String::new();
        while self.log.read_line(&mut rest).expect("UTF-8") > 0 {}
        rest
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The functions of a record's frames, the innermost first, without the offsets.
fn functions(record: &str) -> Vec<&str> {
    let frames = record.lines().filter(|line| line.starts_with("    in "));
    let name = |line: &'_ str| line.find(" (").map(|at| at + 2);
    frames.filter_map(|line| line[name(line)?..].split('+').next()).collect()
}

#[test]
fn the_report_names_the_functions_and_the_handler_goes_on() {
    for (event, expected) in [
        ("\"sleep\"", &["sleep_here", "run"][..]),
        ("\"compute\"", &["compute_here", "run"]),
        ("\"sort\"", &["sleep_here", "compare", "qsort", "sort_here", "run"]),
    ] {
        let mut runtime = Runtime::start(&hangs(), SOON, 1);
        runtime.begin(0, "r1", event);
        let record = runtime.record();
        assert!(record.contains("\tr1\tWARN\tpilotlight: still running "), "{record}");
        assert!(record.contains(" ms before the time-out\n    in "), "{record}");
        let mut functions = functions(&record);
        // Those of libc.so are between them.
        functions.retain(|name| expected.contains(name));
        assert_eq!(functions, expected, "{record}");
        runtime.open();
        assert_eq!(runtime.response(0), "done");
        assert_eq!(runtime.end(), "");
    }
}

/// A plain function below an `async fn` that runs on tokio.
#[test]
fn the_report_names_the_functions_of_rust() {
    let build = ["build", "-p", "hooks", "--target-dir", "target/unstripped"];
    let whole = ["--config", "profile.release.strip=false"];
    let built = support::cargo(".", &[&build[..], &whole].concat());
    let function = support::function(&support::library(&built, "hooks"), None);
    let mut runtime = Runtime::start(&function, SOON, 1);
    runtime.begin(0, "r1", "\"hang\"");
    let record = runtime.record();
    assert!(record.contains("\tr1\tWARN\tpilotlight: still running "), "{record}");
    let frames: Vec<&str> = record.lines().skip(1).collect();
    for (frame, name) in frames.iter().zip(["hang_here", "5hooks3run", "HANDLERS6__call"]) {
        assert!(frame.contains(name), "{record}");
    }
    assert_eq!(frames.len(), 3, "{record}");
    runtime.open();
    assert_eq!(runtime.response(0), "\"init run\"");
}

#[test]
fn each_worker_has_its_own_report() {
    let mut runtime = Runtime::start(&hangs(), SOON, 2);
    runtime.begin(0, "a", "\"sleep\"");
    runtime.begin(1, "b", "\"sort\"");
    let mut records = [runtime.record(), runtime.record()];
    records.sort_by_key(|record| record.contains("\tb\t"));
    assert!(records[0].contains("\ta\tWARN\t") && !records[0].contains("sort_here"));
    assert!(records[1].contains("\tb\tWARN\t") && records[1].contains("sort_here"));
    runtime.open();
    assert_eq!([runtime.response(0), runtime.response(1)], ["done", "done"]);
}

#[test]
fn an_invocation_in_time_has_no_report_and_the_timer_means_no_later_one() {
    let mut runtime = Runtime::start(&hangs(), SOON, 1);
    runtime.begin(0, "r1", "\"now\"");
    assert_eq!(runtime.response(0), "done");
    // The timer of the invocation runs out while there is none.
    thread::sleep(Duration::from_millis(300));
    runtime.begin(0, "r2", "\"now\"");
    assert_eq!(runtime.response(0), "done");
    assert_eq!(runtime.end(), "");
}

#[test]
fn a_library_that_uses_the_signal_keeps_it() {
    let mut runtime = Runtime::start(&hangs(), SOON, 1);
    runtime.begin(0, "r1", "\"own\"");
    thread::sleep(Duration::from_millis(300));
    runtime.open();
    assert_eq!(runtime.response(0), "done");
    // From now on, the library's action is there when an invocation begins.
    fs::remove_file(runtime.folder.path().join("gate")).expect("removed");
    runtime.begin(0, "r2", "\"sleep\"");
    thread::sleep(Duration::from_millis(300));
    runtime.open();
    assert_eq!(runtime.response(0), "done");
    assert_eq!(runtime.end(), "");
}

#[test]
fn values_that_are_no_number_are_logged_and_zero_is_none() {
    for value in ["soon", "-1", "1s", ""] {
        let mut runtime = Runtime::start(&hangs(), value, 1);
        let record = runtime.record();
        let expected = format!(
            "\tWARN\tpilotlight: PILOTLIGHT_TIMEOUT_REPORT is `{value}`; expected milliseconds, or \
             0 for no report\n"
        );
        assert!(record.ends_with(&expected), "{record}");
        runtime.begin(0, "r1", "\"now\"");
        assert_eq!(runtime.response(0), "done");
        assert_eq!(runtime.end(), "");
    }
    let runtime = Runtime::start(&hangs(), "0", 1);
    let process = runtime.child.id();
    let timers = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("timers"));
    assert_eq!(timers.expect("a process"), "");
    assert_eq!(runtime.end(), "");
}
