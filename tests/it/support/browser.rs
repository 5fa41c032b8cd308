//! Headless Chromium, driven over a pipe by its DevTools Protocol.
//!
//! Source: <https://chromedevtools.github.io/devtools-protocol/>; with `--remote-debugging-pipe`, file
//! descriptors 3 and 4 carry messages that end with a zero byte.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support;

/// A browser with one page; dropping it ends it.
pub struct Browser {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    session: Option<String>,
    last: u64,
    _profile: TempDir,
}

impl Browser {
    /// Opens an address, with a window of 1400 × 900 pixels and light colours.
    pub fn open(address: &str) -> Browser {
        let profile = TempDir::new().expect("a folder");
        let mut child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<&0 4>&1", "sh"])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-sync"])
            .args(["--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .arg("--remote-debugging-pipe")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let (session, last) = (None, 0);
        let mut browser = Browser { child, requests, answers, session, last, _profile: profile };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        browser.resize(1400, 900);
        browser.use_scheme("light");
        browser.call("Page.navigate", json!({ "url": address }));
        browser.wait_for("location.href !== 'about:blank' && document.readyState", "complete");
        browser
    }

    /// Sends a command, and waits for its result.
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut request = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            request["sessionId"] = session.as_str().into();
        }
        let request = format!("{request}\0");
        self.requests.write_all(request.as_bytes()).expect("chromium: run ./build.sh test");
        loop {
            let mut answer = Vec::new();
            self.answers.read_until(0, &mut answer).expect("an answer");
            assert_eq!(answer.pop(), Some(0), "chromium ended: run ./build.sh test");
            let mut answer: Value = serde_json::from_slice(&answer).expect("JSON");
            if answer["id"] == self.last {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].take();
            }
        }
    }

    /// The value of an expression of JavaScript, once it is settled.
    pub fn run(&mut self, script: &str) -> Value {
        let parameters =
            json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let mut result = self.call("Runtime.evaluate", parameters);
        assert!(result["exceptionDetails"].is_null(), "{script}: {result}");
        result["result"]["value"].take()
    }

    /// Waits until an expression has this value.
    #[track_caller]
    pub fn wait_for(&mut self, script: &str, expected: impl Into<Value>) {
        let (expected, end) = (expected.into(), Instant::now() + support::PATIENCE / 4);
        loop {
            let value = self.run(script);
            if value == expected {
                return;
            }
            let text = "document.body?.innerText";
            assert!(Instant::now() < end, "{script} is {value}\n{}", self.run(text));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the page's text contains this one.
    #[track_caller]
    pub fn wait_for_text(&mut self, text: &str) {
        let text = Value::from(text);
        self.wait_for(&format!("document.body?.innerText.includes({text}) ?? false"), true);
    }

    /// Presses a key, with Ctrl if the name begins so.
    pub fn press(&mut self, key: &str) {
        let name = key.strip_prefix("Ctrl+").unwrap_or(key);
        let modifiers = if name == key { 0 } else { 2 };
        let code = match name {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            "ArrowDown" => 40,
            _ => 0,
        };
        let text = if name.len() == 1 { name } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({
                "type": kind, "key": name, "text": text, "modifiers": modifiers,
                "windowsVirtualKeyCode": code,
            });
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Types a text into the focused field.
    pub fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Makes the window as large as these numbers of pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Prefers `light` or `dark` colours.
    pub fn use_scheme(&mut self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// Writes a screenshot of the whole page.
    pub fn shoot(&mut self, picture: &Path) {
        let options = json!({ "format": "png", "captureBeyondViewport": true });
        let shot = self.call("Page.captureScreenshot", options);
        let png = BASE64_STANDARD.decode(shot["data"].as_str().expect("base64")).expect("base64");
        fs::write(picture, png).expect("written");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its other processes end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
