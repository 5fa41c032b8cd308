//! The file that AWS's SAM builds by the template of `examples/deploy/sam`, under AWS's emulator.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use pilotlight_local::one_file;
use pilotlight_local::one_file::Files;
use tempfile::TempDir;

use crate::emulators::rie::Rie;
use crate::support;
use crate::support::arch::arch;

/// Puts a `pilotlight` there whose `build` writes hello's file, as the Makefile calls it.
fn write_command(folder: &Path) {
    let read = |name: &str| fs::read(support::dist(name)).expect("a file of dist/");
    let file = one_file::assemble(&Files {
        bootstrap: &read("layer/bootstrap"),
        handler: &read("examples/libhello.so"),
        libc: None,
        services: None,
    });
    fs::write(folder.join("file"), file.expect("assembled")).expect("written");
    let script = format!(
        "#!/bin/sh\n[ \"$*\" = 'build --arch {}' ] && mkdir -p target/lambda/hello &&\n\
         install \"$(dirname \"$0\")/file\" target/lambda/hello/bootstrap\n",
        arch().name
    );
    fs::write(folder.join("pilotlight"), script).expect("written");
    let executable = Permissions::from_mode(0o755);
    fs::set_permissions(folder.join("pilotlight"), executable).expect("made executable");
}

#[test]
fn the_file_that_sam_builds_is_the_function() {
    let crate_folder = TempDir::new().expect("a folder");
    let templates = support::root().join("examples/deploy/sam");
    for entry in fs::read_dir(templates).expect("the templates") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("UTF-8").replace("arm64", arch().name);
        let copy = crate_folder.path().join(path.file_name().expect("a name"));
        fs::write(copy, text).expect("written");
    }
    let bin = TempDir::new().expect("a folder");
    write_command(bin.path());
    let mut path = OsString::from(bin.path());
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let output = Command::new(support::tools().join("sam/bin/sam"))
        .arg("build")
        .current_dir(crate_folder.path())
        .env("PATH", path)
        .env("SAM_CLI_TELEMETRY", "0")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .output()
        .expect("SAM: run ./build.sh test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let package = crate_folder.path().join(".aws-sam/build/Function");
    let files = fs::read_dir(&package).expect("the package");
    let names: Vec<_> = files.map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, ["bootstrap"]);
    let rie = Rie::start_file(&package.join("bootstrap"), "hello");
    let answer = (200, br#"{"message":"Hello, Ada!"}"#.to_vec());
    assert_eq!(rie.invoke(br#"{"name":"Ada"}"#), answer);
    assert_eq!(rie.invoke(br#"{"name":"Ada"}"#), answer);
}
