//! The stand-ins behave like the services: AWS's client for Python accepts them.

use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use crate::config::Setting;
use crate::support;
use crate::support::fakes;
use crate::support::fakes::appconfig::AppConfig;
use crate::support::fakes::extension::Extension;

#[test]
fn boto3_accepts_the_stand_ins() {
    let appconfig = AppConfig::start();
    appconfig.deploy("shop/prod/flags", "application/json", "{\"one\":1}");
    let extension = Extension::start();
    extension
        .state()
        .parameters
        .insert("/shop/key".into(), ("SecureString".into(), "hidden".into(), 3));
    extension.state().secrets.insert("shop/db".into(), ("hidden".into(), "version-1".into()));
    let python = support::root().join("target/tools/python/bin/python");
    assert!(python.exists(), "./build.sh test installs boto3");
    let output = Command::new(python)
        .arg(support::root().join("tests/it/config/external/honest.py"))
        .args([appconfig.service.to_string(), extension.port.to_string()])
        .args([fakes::ACCESS_KEY, fakes::SECRET_KEY, fakes::SESSION_TOKEN])
        .output()
        .expect("python");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(appconfig.state().sessions, 3);
}

/// moto, which accepts the first seven calls, and then checks every signature and permission.
struct Moto {
    child: Child,
    port: u16,
}

impl Moto {
    fn start() -> Moto {
        let port = support::free_port();
        let child = Command::new(support::root().join("target/tools/python/bin/python"))
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", "7")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto");
        Moto { child, port }
    }

    /// Creates parameters, secrets, and a user who may read them; returns the user's keys.
    fn user(&self) -> Value {
        let python = support::root().join("target/tools/python/bin/python");
        let output = Command::new(python)
            .arg(support::root().join("tests/it/config/external/moto.py"))
            .arg(self.port.to_string())
            .output()
            .expect("python");
        let errors = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no user: {errors}"))
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn parameters_and_secrets_come_from_a_service_that_checks_signatures() {
    let moto = Moto::start();
    let user = moto.user();
    let text = |name: &str| user[name].as_str().expect("text").to_owned();
    let declaration = "limit=ssm:/shop/limit, key=ssm:/shop/key, db=secret:shop/db, \
                       raw=secret:shop/raw, none=ssm:/shop/none";
    let setting = Setting::new(declaration)
        .service(moto.port)
        .set("AWS_ACCESS_KEY_ID", text("key"))
        .set("AWS_SECRET_ACCESS_KEY", text("secret"))
        .set("AWS_SESSION_TOKEN", "");
    let mut running = setting.start();
    for (name, expected, is_secret) in [
        ("limit", "{\"most\":7}", false),
        ("key", "hunter2", true),
        ("db", "hunter3", true),
        ("raw", "hunter4", true),
    ] {
        let value = running.await_generation(name, 1);
        assert_eq!((&value["text"], &value["secret"]), (&json!(expected), &json!(is_secret)));
    }
    while !running.log().contains("status 400: ParameterNotFound") {
        running.read("none");
    }
    assert!(!running.end().contains("hunter"));

    let mut running = setting.set("AWS_SECRET_ACCESS_KEY", "another").start();
    while !running.log().contains("cannot be fetched from ssm:/shop/limit: status 403") {
        assert!(running.read("limit")["error"].is_string());
    }
}
