//! `examples/deploy/publish-layer` with the AWS command, against a stand-in for AWS.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support;
use crate::support::moto::Moto;

const REGIONS: [&str; 2] = ["us-east-1", "eu-central-1"];

/// A command with another endpoint than AWS's.
fn command(endpoint: &str, program: &Path, arguments: &[&str], folder: &Path) -> Output {
    let mut path = OsString::from(support::tools().join("python/bin"));
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("PATH", path)
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "free")
        .env("AWS_SECRET_ACCESS_KEY", "free")
        .output()
        .expect("a command")
}

fn publish(endpoint: &str, regions: &[&str], folder: &Path) -> Output {
    let script = support::root().join("examples/deploy/publish-layer");
    command(endpoint, &script, regions, folder)
}

/// The answer of `aws` to a command line.
fn aws(endpoint: &str, line: &str, folder: &Path) -> Value {
    let program = support::tools().join("python/bin/aws");
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let output = command(endpoint, &program, &arguments, folder);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn both_layers_are_in_every_region_under_their_names() {
    let moto = Moto::start(1_000_000);
    moto.user(&["*"], None);
    let folder = TempDir::new().expect("a folder");
    // The second time, parameters and versions are there.
    for _ in 0..2 {
        let output = publish(&moto.url, &REGIONS, folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let layers = fs::read(folder.path().join("layers.json")).expect("layers.json");
    let layers: Value = serde_json::from_slice(&layers).expect("JSON");
    assert_eq!(layers.as_object().expect("an object").len(), REGIONS.len());
    for region in REGIONS {
        let aws =
            |line: String| aws(&moto.url, &format!("{line} --region {region}"), folder.path());
        for arch in ["arm64", "x86_64"] {
            let name = format!("pilotlight-{arch}");
            let layer =
                aws(format!("lambda get-layer-version --layer-name {name} --version-number 2"));
            assert_eq!(layer["LayerVersionArn"], layers[region][arch]);
            assert_eq!(layer["CompatibleArchitectures"], Value::from(vec![arch]));
            let zip = support::root().join(format!("dist/pilotlight-layer-{arch}.zip"));
            let size = fs::metadata(zip).expect("the layer").len();
            assert_eq!(layer["Content"]["CodeSize"], size);
            let parameter = aws(format!("ssm get-parameter --name /pilotlight/layer/{arch}"));
            assert_eq!(parameter["Parameter"]["Value"], layers[region][arch]);
        }
    }
}

#[test]
fn without_a_region_nothing_is_published() {
    let folder = TempDir::new().expect("a folder");
    let output = publish("http://127.0.0.1:1", &[], folder.path());
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(error, "publish-layer: name the regions, such as us-east-1\n");
    assert!(!folder.path().join("layers.json").exists());
}
