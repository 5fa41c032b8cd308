//! Fan-outs over TLS, to a server in Python.

use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;

use serde_json::json;
use tempfile::TempDir;

use crate::support::script::next;
use crate::support::tools;
use crate::warming::Served;
use crate::warming::WARMED;
use crate::warming::echo;
use crate::warming::serve;

/// A stand-in for Lambda that speaks TLS. Dropping it ends the process.
struct Server {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Server {
    fn start(bundle: &Path) -> Server {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/it/warming/external/tls.py");
        let mut child = Command::new(tools().join("python/bin/python"))
            .arg(script)
            .arg(bundle)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python: run ./build.sh test");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let port = lines.next().expect("its port").expect("text").parse().expect("a number");
        Server { child, lines, port }
    }

    /// Fans out to it, with this bundle or none.
    fn fan_out(&self, bundle: Option<&Path>) -> Served {
        let mut function = echo(&[("NO_PROXY", "127.0.0.1")]);
        let mut set = |name: &str, value: String| function.variables.push((name.to_owned(), value));
        set("AWS_ENDPOINT_URL_LAMBDA", format!("https://127.0.0.1:{}", self.port));
        set("AWS_ACCESS_KEY_ID", "key".to_owned());
        set("AWS_SECRET_ACCESS_KEY", "secret".to_owned());
        if let Some(bundle) = bundle {
            set("AWS_CA_BUNDLE", bundle.display().to_string());
        }
        let served = serve(&function, vec![next(r#"{"warmer":true,"concurrency":3}"#)]);
        assert_eq!(served.answers, [WARMED], "{}", served.log);
        served
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_certificate_is_trusted_only_with_its_authority() {
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle.pem");
    let mut server = Server::start(&bundle);
    let refused = |served: &Served, message: &str| {
        assert_eq!(served.records.len(), 2, "{}", served.log);
        assert_eq!(served.records[1]["failed"], json!(2));
        let error = served.records[1]["error"].as_str().expect("text");
        assert!(error.contains(message), "{error}");
    };
    refused(&server.fan_out(None), "UnknownIssuer");
    let missing = folder.path().join("missing.pem");
    refused(&server.fan_out(Some(&missing)), "missing.pem: No such file");
    let served = server.fan_out(Some(&bundle));
    assert_eq!(served.records.len(), 1, "{}", served.log);
    for _ in 0..2 {
        let path = server.lines.next().expect("a request").expect("text");
        assert_eq!(path, "/2015-03-31/functions/echo%3A%24LATEST/invocations");
    }
    server.child.kill().expect("it still listened");
    assert!(server.lines.next().is_none(), "nothing of the others got through");
}
