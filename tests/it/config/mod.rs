//! Cached configuration, with the real bootstrap and module, from stand-ins for every source.

mod appconfig;
mod declaring;
mod external;
mod keeping;
mod sources;

use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::process::Child;
use std::process::Stdio;
use std::time::Instant;

use pilotlight_local::function::Function;
use serde_json::Value;
use serde_json::json;
use tempfile::NamedTempFile;
use tempfile::TempDir;

use crate::support;
use crate::support::fakes;
use crate::support::script;
use crate::support::script::here;

/// A handler of `tests/fixtures/configured`, with a folder for cache files.
struct Setting {
    function: Function,
    folder: TempDir,
}

impl Setting {
    /// The handler `read` with this declaration, and no extension.
    fn new(declaration: &str) -> Setting {
        Setting::of("read", declaration)
    }

    fn of(handler: &str, declaration: &str) -> Setting {
        let library = support::fixture_crate("configured");
        Setting::with(support::function(&library, Some(handler)), declaration)
    }

    fn with(mut function: Function, declaration: &str) -> Setting {
        let folder = TempDir::new().expect("a folder");
        let folder_name = folder.path().to_str().expect("UTF-8").to_owned();
        for (name, value) in [
            ("PILOTLIGHT_CONFIG", declaration),
            ("TMPDIR", &folder_name),
            ("AWS_ACCESS_KEY_ID", fakes::ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", fakes::SECRET_KEY),
            ("AWS_SESSION_TOKEN", fakes::SESSION_TOKEN),
            ("AWS_APPCONFIG_EXTENSION_HTTP_PORT", "1"),
            ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "1"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            // Requests to this machine must not use the proxy.
            ("HTTP_PROXY", "http://127.0.0.1:1"),
            ("NO_PROXY", ""),
        ] {
            function.variables.push((name.into(), value.into()));
        }
        Setting { function, folder }
    }

    fn set(mut self, name: &str, value: impl ToString) -> Setting {
        self.function.variables.retain(|(known, _)| known != name);
        self.function.variables.push((name.into(), value.to_string()));
        self
    }

    /// Sends calls of services to this port, without a proxy.
    fn service(self, port: u16) -> Setting {
        self.set("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")).set("HTTP_PROXY", "")
    }

    fn start(&self) -> Running {
        self.start_with_workers(1).0
    }

    /// The runtime with its first worker, and the other workers' connections, which have sent
    /// `/next`.
    fn start_with_workers(&self, workers: usize) -> (Running, Vec<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let log = NamedTempFile::new().expect("a file");
        let child = self
            .function
            .command()
            .env_clear()
            .envs(self.function.environment(&here(port)))
            .current_dir(&self.function.task_root)
            .stderr(Stdio::from(log.reopen().expect("a file")))
            .spawn()
            .expect("the bootstrap");
        let accept = || {
            let mut worker = script::accept(&listener);
            script::read_head(&mut worker);
            worker
        };
        let end = Instant::now() + support::PATIENCE;
        let running = Running { child, worker: accept(), log, end };
        (running, (1..workers).map(|_| accept()).collect())
    }
}

/// A runtime whose `/next` is in flight.
struct Running {
    child: Child,
    worker: TcpStream,
    log: NamedTempFile,
    /// Time at which tests that poll give up.
    end: Instant,
}

impl Running {
    /// One invocation, up to the next `/next`.
    fn invoke(&mut self, event: &Value) -> Value {
        assert!(Instant::now() < self.end, "polled in vain:\n{}", self.log());
        self.worker.write_all(&script::next(&event.to_string()).bytes).expect("sent");
        let (head, body) = script::read_request(&mut self.worker);
        self.worker.write_all(&script::accepted().bytes).expect("sent");
        script::read_head(&mut self.worker);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert!(head.contains("/response "), "{head}{body}");
        body
    }

    /// One invocation that may fail; returns the response or the posted error.
    fn try_invoke(&mut self, event: &str) -> String {
        assert!(Instant::now() < self.end, "polled in vain:\n{}", self.log());
        self.worker.write_all(&script::next(event).bytes).expect("sent");
        let (_, body) = script::read_request(&mut self.worker);
        self.worker.write_all(&script::accepted().bytes).expect("sent");
        script::read_head(&mut self.worker);
        body
    }

    /// Calls the handler `read` with a name.
    fn read(&mut self, name: &str) -> Value {
        self.invoke(&json!({ "name": name }))
    }

    /// The same, after waiting for a value of this generation.
    fn await_generation(&mut self, name: &str, generation: u64) -> Value {
        let patience_ms = 20_000;
        let event = json!({ "name": name, "generation": generation, "patience_ms": patience_ms });
        let value = self.invoke(&event);
        assert!(value["generation"].as_u64() >= Some(generation), "{value}; {}", self.log());
        value
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).expect("the log")
    }

    /// Ends it, and returns its log.
    fn end(mut self) -> String {
        self.child.kill().expect("ended");
        self.child.wait().expect("ended");
        self.log()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
