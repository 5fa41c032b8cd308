//! moto, a stand-in for AWS of other people's that checks signatures and permissions.

use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use crate::support;
use crate::support::tool;
use crate::support::tools;

/// A server that ends with this value.
pub struct Moto {
    child: Child,
    /// Its endpoint.
    pub url: String,
}

/// A user whom it knows.
pub struct Keys {
    pub key: String,
    pub secret: String,
}

impl Moto {
    /// The first few calls are free: they make the user and what it needs.
    pub fn start(free_calls: u32) -> Moto {
        let port = support::free_port();
        let child = Command::new(tools().join("python/bin/moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", free_calls.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto: run ./build.sh test");
        Moto { child, url: format!("http://127.0.0.1:{port}") }
    }

    /// Waits for the server and makes a user for `actions` (three calls), and perhaps a function
    /// (two).
    pub fn user(&self, actions: &[&str], function: Option<&str>) -> Keys {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/it/support/moto.py");
        let mut wanted = json!({"url": self.url, "actions": actions});
        if let Some(name) = function {
            wanted["function"] = Value::from(name);
        }
        let keys = tool("python/bin/python", &[script], &wanted);
        let text = |name: &str| keys[name].as_str().expect("text").to_owned();
        Keys { key: text("key"), secret: text("secret") }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
