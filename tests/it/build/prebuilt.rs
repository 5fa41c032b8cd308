//! `pilotlight build LIBRARY.so`.

use std::fs;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;

use pilotlight_local::one_file;
use serde_json::Value;
use serde_json::json;

use super::GREETING;
use super::User;
use super::example;
use super::files;
use crate::support;

#[test]
fn a_library_becomes_one_file() {
    let user = User::new();
    let none = user.refused(&["run"]);
    assert!(none.starts_with("pilotlight: there is no function in target/lambda; "), "{none}");
    let text = user.succeed(&["build", &example("hello"), &example("echo")]);
    let size = fs::metadata(user.path("target/lambda/hello/bootstrap")).expect("written").len();
    let line =
        format!("target/lambda/hello/bootstrap: {size} bytes for {}\n", support::arch::arch().name);
    assert!(text.starts_with(&line), "{text}");
    assert!(text.contains("\n  run it: pilotlight run target/lambda/hello/bootstrap\n"), "{text}");
    assert_eq!(files(&user.path("target/lambda/hello")), ["bootstrap"]);
    // By its path, or by its name.
    assert_eq!(user.greeting("target/lambda/hello/bootstrap"), GREETING);
    assert_eq!(user.greeting("hello"), GREETING);
    assert_eq!(user.succeed(&["run", "echo", "--event", "7"]), "7\n");
    let several = user.refused(&["run"]);
    assert!(several.ends_with("name one of echo, hello"), "{several}");
}

#[test]
fn the_same_library_makes_the_same_file_and_zip() {
    let build = || {
        let user = User::new();
        user.succeed(&["build", &example("hello"), "--zip"]);
        let read = |file| fs::read(user.path(file)).expect("written");
        let files = ["target/lambda/hello/bootstrap", "target/lambda/hello/bootstrap.zip"];
        (files.map(read), user)
    };
    let ((first, user), (second, _)) = (build(), build());
    assert!(first == second);
    let zip = File::open(user.path("target/lambda/hello/bootstrap.zip")).expect("a zip");
    let mut archive = zip::ZipArchive::new(zip).expect("a zip");
    assert_eq!(archive.len(), 1);
    let file = archive.by_name("bootstrap").expect("at its root");
    assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
    let mode = fs::metadata(user.path("target/lambda/hello/bootstrap")).expect("a file");
    assert_eq!(mode.permissions().mode() & 0o777, 0o755);
}

#[test]
fn a_refused_library_is_not_written() {
    let user = User::new();
    let library = user.path("libbroken.so");
    let source = support::root().join("tests/fixtures/c/missing_symbol.c");
    support::compile(&source, &["-shared", "-fPIC"], &library);
    let message = user.refused(&["build", &example("hello"), "libbroken.so"]);
    let verdict = support::verdict(&library).expect("refused");
    let verdict = verdict.split_once(' ').expect("a path and its defect").1;
    assert_eq!(message, format!("pilotlight: libbroken.so {verdict}"));
    assert_eq!(files(&user.work()), ["libbroken.so"]);
    let message = user.refused(&["build", "/etc/hostname"]);
    assert!(message.ends_with("the file name of a handler library must end with .so"), "{message}");
}

#[test]
fn with_the_layer_the_library_is_alone() {
    let user = User::new();
    user.succeed(&["build", &example("hello"), "--zip"]);
    let text = user.succeed(&["build", &example("hello"), "--layer"]);
    // The bootstrap of the earlier build would be deployed with it.
    assert_eq!(files(&user.path("target/lambda/hello")), ["libhello.so"]);
    assert!(text.contains("the function needs the layer; its handler is hello"), "{text}");
    assert_eq!(user.greeting("target/lambda/hello/libhello.so"), GREETING);
    user.succeed(&["build", &example("hello")]);
    assert_eq!(files(&user.path("target/lambda/hello")), ["bootstrap"]);
}

#[test]
fn the_parts_of_the_layer_that_the_library_can_use_are_carried() {
    let user = User::new();
    let build = |arguments: &[&str]| -> Value {
        let text = user.succeed(&[&["build", &example("hello"), "--json"], arguments].concat());
        let built: Value = serde_json::from_str(&text).expect("JSON");
        built[0].clone()
    };
    let built = build(&["--zip"]);
    assert_eq!(built["carries"], json!([]));
    assert_eq!(built["handlers"], json!(["greet"]));
    let file = fs::read(user.path("target/lambda/hello/bootstrap")).expect("written");
    let carried = one_file::carried(&file).expect("a package");
    assert_eq!((carried.libc, carried.services), (None, None));
    assert_eq!(built["size"], file.len());
    assert_eq!(user.greeting("hello"), GREETING);
    let both = json!(["libc.so", "services.so"]);
    assert_eq!(build(&["--with", "services"])["carries"], both);
    let configured = support::fixture_crate("configured").display().to_string();
    let carries = |more: &[&str]| {
        let text = user.succeed(&[&["build", &configured, "--json"], more].concat());
        serde_json::from_str::<Value>(&text).expect("JSON")[0]["carries"].clone()
    };
    assert_eq!(carries(&[]), both);
    assert_eq!(carries(&["--without", "services"]), json!([]));

    let text = user.succeed(&["build", &example("hello-c")]);
    assert!(text.contains(", with libc.so\n"), "{text}");
    let message = user.refused(&["build", &example("hello-c"), "--without", "libc"]);
    assert!(
        message.ends_with("hello-c needs libc.so for `snprintf`; leave out --without libc"),
        "{message}"
    );
}

#[test]
fn paths_stand_out_where_colour_is_wanted() {
    let user = User::new();
    let arguments = ["build", &example("hello")];
    let printed = |name: &str| {
        let output = user.command(&arguments).env(name, "1").output().expect("run");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(printed("CLICOLOR_FORCE").starts_with("\x1b[1mtarget/lambda/hello/bootstrap\x1b[0m: "));
    assert!(printed("NO_COLOR").starts_with("target/lambda/hello/bootstrap: "));
}

#[test]
fn arguments_of_cargo_do_not_go_with_a_library() {
    let user = User::new();
    let output = user.pilotlight(&["build", &example("hello"), "--debug"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(message.contains("cannot be used with"), "{message}");
}

#[test]
fn check_judges_the_library_in_the_file() {
    let user = User::new();
    user.succeed(&["build", &example("hello")]);
    let text = user.succeed(&["check", "target/lambda/hello/bootstrap"]);
    assert!(text.contains("handlers: greet"), "{text}");
}
