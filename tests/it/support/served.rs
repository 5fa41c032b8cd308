//! A running `pilotlight serve` for tests that are its clients.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStderr;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;

use crate::support;

/// The running command; dropping it ends it.
pub struct Served {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// The query of the page's address: empty, or `?token=TOKEN`.
    pub page_query: String,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// An answer to a client.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    headers: ureq::http::HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header's value; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// A header's values.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().expect("text"))
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON: {self:?}"))
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }
}

impl Served {
    /// Serves these libraries on a free port.
    pub fn start(libraries: &[&Path], options: &[&str]) -> Served {
        Served::start_by(command(), libraries, options)
    }

    /// Serves these libraries in a process with limited descriptors; `limit` is `ulimit`'s
    /// argument.
    pub fn start_with_descriptors(limit: &str, libraries: &[&Path], options: &[&str]) -> Served {
        let mut shell = Command::new("sh");
        let script = format!("ulimit {limit} && exec \"$0\" \"$@\"");
        shell.args(["-c", &script]).arg(command().get_program());
        Served::start_by(shell, libraries, options)
    }

    fn start_by(mut command: Command, libraries: &[&Path], options: &[&str]) -> Served {
        let mut child = command
            .arg("serve")
            .args(libraries)
            .args(["--listen", "127.0.0.1:0"])
            .args(options)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut first = String::new();
        lines.read_line(&mut first).expect("a line");
        let url = first.split_whitespace().nth(1).filter(|url| url.starts_with("http://"));
        let parts = url.and_then(|url| url.rsplit_once('/'));
        let (url, query) = parts.unwrap_or_else(|| panic!("no URL in the first line: {first}"));
        let (url, page_query) = (url.to_owned(), query.to_owned());
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        let reader = Some(thread::spawn(move || keep(lines, &kept)));
        Served { child, url, page_query, log, reader }
    }

    /// Invokes a function.
    pub fn invoke(&self, name: &str, event: &str) -> Reply {
        self.invoke_with(name, event, &[])
    }

    /// Invokes a function with these headers.
    pub fn invoke_with(&self, name: &str, event: &str, headers: &[(&str, &str)]) -> Reply {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        self.post(&path, event.as_bytes(), headers)
    }

    /// Posts to a path.
    pub fn post(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Reply {
        let mut request = agent().post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        reply(request.send(body))
    }

    /// Gets a path.
    pub fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[])
    }

    /// Gets a path with these headers.
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = agent().get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        reply(request.call())
    }

    /// Gets a path: the stream of the answer, which ends with it.
    pub fn connect(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.authority()).expect("a server");
        stream.set_read_timeout(Some(support::PATIENCE)).expect("a socket");
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        stream
    }

    /// The address as `127.0.0.1:PORT`.
    pub fn authority(&self) -> &str {
        self.url.strip_prefix("http://").expect("no TLS")
    }

    /// The command's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A function's entry of `GET /environments`.
    pub fn function(&self, name: &str) -> Value {
        let token = self.page_query.strip_prefix("?token=").unwrap_or_default();
        let all = self.get_with("/environments", &[("Authorization", &format!("Bearer {token}"))]);
        let all = all.json();
        let functions = all["functions"].as_array().expect("functions").clone();
        functions.into_iter().find(|function| function["name"] == name).expect("the function")
    }

    /// Waits until a function's entry fulfils a condition.
    pub fn wait_for(&self, name: &str, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + support::PATIENCE;
        loop {
            let function = self.function(name);
            if condition(&function) {
                return function;
            }
            assert!(Instant::now() < end, "{what}: {function:#}\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }

    /// Waits until the log contains a text: a line may be read later than the answer it belongs to.
    pub fn log_with(&self, text: &str) -> String {
        let end = Instant::now() + support::PATIENCE;
        loop {
            let log = self.log();
            if log.contains(text) {
                return log;
            }
            assert!(Instant::now() < end, "no `{text}` in the log:\n{log}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal to it.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
    }

    /// Waits for its end, and returns its exit status and its log.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("ended");
        // A process that it did not end would keep the pipe open, and this would hang.
        self.reader.take().expect("once").join().expect("read");
        (status, self.log())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The guard ends its processes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep(lines: BufReader<ChildStderr>, log: &Mutex<String>) {
    for line in lines.split(b'\n').map_while(Result::ok) {
        let mut log = log.lock().expect("the log");
        log.push_str(&String::from_utf8_lossy(&line));
        log.push('\n');
    }
}

/// The command, without variables of this machine that would change its behaviour.
pub fn command() -> Command {
    let mut command = Command::new(support::dist("bin/pilotlight"));
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"] {
        command.env_remove(name);
    }
    command
}

/// The library of an example.
pub fn example(name: &str) -> PathBuf {
    support::dist(&format!("examples/lib{name}.so"))
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    config.timeout_global(Some(support::PATIENCE)).build().new_agent()
}

fn reply(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Reply {
    let (parts, mut body) = response.expect("an answer").into_parts();
    let body = body.with_config().limit(1 << 30).read_to_vec().expect("a body");
    Reply { status: parts.status.as_u16(), headers: parts.headers, body }
}
