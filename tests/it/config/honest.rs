//! The stand-ins are like what they stand for: AWS's own client for Python says so.

use std::process::Command;

use crate::fakes;
use crate::fakes::appconfig::AppConfig;
use crate::fakes::extension::Extension;
use crate::support;

#[test]
fn boto3_takes_the_stand_ins_for_the_services() {
    let appconfig = AppConfig::start();
    appconfig.deploy("shop/prod/flags", "application/json", "{\"one\":1}");
    let extension = Extension::start();
    extension
        .state()
        .parameters
        .insert("/shop/key".into(), ("SecureString".into(), "hidden".into(), 3));
    extension.state().secrets.insert("shop/db".into(), ("hidden".into(), "version-1".into()));
    let python = support::root().join("target/tools/aws/bin/python");
    assert!(python.exists(), "./build.sh test installs boto3");
    let output = Command::new(python)
        .arg(support::root().join("tests/it/config/honest.py"))
        .args([appconfig.service.to_string(), extension.port.to_string()])
        .args([fakes::ACCESS_KEY, fakes::SECRET_KEY, fakes::SESSION_TOKEN])
        .output()
        .expect("python");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert_eq!(appconfig.state().sessions, 3);
}
