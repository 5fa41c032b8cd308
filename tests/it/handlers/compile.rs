//! Invalid handlers: the compiler refuses each with one error, in the SDK's words if rustc allows
//! that.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support;

/// Writes a crate `<name>` with this `src/lib.rs` into `folder`.
fn write(folder: &Path, name: &str, dependency: &str, source: &str) {
    write_with("", folder, name, dependency, source);
}

/// The same, with a feature of the SDK.
fn write_with(feature: &str, folder: &Path, name: &str, dependency: &str, source: &str) {
    let sdk = support::root().join("sdk");
    let features = if feature.is_empty() { vec![] } else { vec![feature] };
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\
         [dependencies]\npilotlight = {{ path = {sdk:?}, features = {features:?} }}\n{dependency}\n\
         [workspace]\n"
    );
    let folder = folder.join(name);
    fs::create_dir_all(folder.join("src")).expect("a folder");
    fs::write(folder.join("Cargo.toml"), manifest).expect("written");
    fs::write(folder.join("src/lib.rs"), source).expect("written");
    // The workspace's versions are available without a network.
    fs::copy(support::root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("copied");
}

/// The errors of `cargo <command>` in this crate, with their notes.
fn errors(command: &str, folder: &Path) -> Vec<String> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([command, "--offline", "--quiet", "--message-format=json", "--target-dir"])
        .arg(support::root().join("target/compile"))
        .current_dir(folder)
        .output()
        .expect("cargo");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let errors: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .map(|line: Value| line["message"].clone())
        .filter(|message| message["level"] == "error")
        .map(|message| message["rendered"].as_str().expect("text").to_owned())
        .filter(|text| !text.starts_with("error: aborting due to"))
        .collect();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), errors.is_empty(), "{stderr}");
    errors
}

/// Checks that a library with this source has one error, which starts with `message` and contains
/// each of `notes`.
#[track_caller]
fn refused(source: &str, message: &str, notes: &[&str]) {
    refused_with("", source, message, notes);
}

/// The same, with a feature of the SDK.
#[track_caller]
fn refused_with(feature: &str, source: &str, message: &str, notes: &[&str]) {
    let folder = TempDir::new().expect("a folder");
    write_with(feature, folder.path(), "refused", "", source);
    let errors = errors("check", &folder.path().join("refused"));
    assert_eq!(errors.len(), 1, "{errors:#?}");
    let (first, _) = errors[0].split_once('\n').expect("lines");
    let (_, first) = first.split_once(": ").expect("a code");
    assert!(first.starts_with(message), "{}", errors[0]);
    for note in notes {
        assert!(errors[0].contains(note), "`{note}` is not in {}", errors[0]);
    }
    assert!(errors[0].contains("handler!("), "not at the macro: {}", errors[0]);
}

#[test]
fn types_that_no_handler_can_have_are_refused_once() {
    refused(
        "pub struct Answer;\nfn f(_: String) -> Result<Answer, String> { Ok(Answer) }\n\
         pilotlight::handler!(f);\n",
        "`Answer` cannot be a handler's response",
        &["derive serde::Serialize for it, or return pilotlight::Raw(bytes)"],
    );
    refused(
        "pub struct Question;\nfn f(_: Question) -> Result<(), String> { Ok(()) }\n\
         pilotlight::handler!(f);\n",
        "`Question` cannot be a handler's event",
        &["derive serde::Deserialize for it, or take pilotlight::Raw<&[u8]>"],
    );
    refused(
        "pub struct Failed;\nfn f(_: String) -> Result<(), Failed> { Ok(()) }\n\
         pilotlight::handler!(f);\n",
        "`Failed` cannot be a handler's error",
        &["implement std::fmt::Display for it"],
    );
}

#[test]
fn functions_that_are_not_handlers_are_refused_once() {
    refused(
        "fn f(_: String) -> String { String::new() }\npilotlight::handler!(f);\n",
        "`fn(String) -> String {f}` is not a handler",
        &["a handler is a fn(Event) -> Result<Response, Error>"],
    );
    refused(
        "async fn f(_: String) -> Result<(), String> { Ok(()) }\npilotlight::handler!(f);\n",
        "`fn(String) -> impl Future<Output = Result<(), String>> {f}` is not a handler",
        &["switch on the feature `tokio`"],
    );
    refused(
        "fn f(_: String) -> Result<(), String> { Ok(()) }\nfn g(_: u8) {}\n\
         pilotlight::handler!(f, init = g);\n",
        "`fn(u8) {g}` cannot be `init`, `before_snapshot`, `after_restore` or `shutdown`",
        &[],
    );
    refused(
        "fn f(_: String) -> Result<(), String> { Ok(()) }\nfn g(_: u8) {}\n\
         pilotlight::handler!(f, after = g);\n",
        "`fn(u8) {g}` cannot be `after`",
        &["`after` is a fn() or a fn(&Context)"],
    );
    refused(
        "fn f(_: String) -> Result<(), String> { Ok(()) }\nasync fn g() {}\n\
         pilotlight::handler!(f, after = g);\n",
        "`fn() -> impl Future<Output = ()> {g}` cannot be `after`",
        &["switch on the feature `tokio`"],
    );
}

#[test]
fn options_that_do_not_exist_or_are_given_twice_are_refused() {
    for options in ["last = g", "init = g, init = g", "after = g, shutdown"] {
        let last = options.rsplit([',', ' ']).find(|word| word.len() > 1).expect("a name");
        let source = format!(
            "fn f(_: String) -> Result<(), String> {{ Ok(()) }}\nfn g() {{}}\n\
             pilotlight::handler!(f, {options});\n"
        );
        let message = format!("`{last}` is no option of handler!, is given twice,");
        refused(&source, &message, &["the options are init, after, before_snapshot,"]);
    }
}

#[test]
fn handlers_that_cannot_be_told_apart_are_refused() {
    refused(
        "mod a { pub fn f(_: String) -> Result<(), String> { Ok(()) } }\nuse a::f;\n\
         pilotlight::handler!(a::f, f);\n",
        "evaluation panicked: two handlers have the same name",
        &[],
    );
    refused(
        "fn f<T>(_: String) -> Result<(), String> { Ok(()) }\npilotlight::handler!(f::<u8>);\n",
        "evaluation panicked: a handler is named without its type parameters",
        &[],
    );
    refused(
        "fn f(_: String) -> Result<(), String> { Ok(()) }\npilotlight::handler!(f);\n\
         mod a { pub fn g(_: u8) -> Result<(), String> { Ok(()) } pilotlight::handler!(g); }\n",
        "the name `only_one_handler_macro_per_library` is defined multiple times",
        &[],
    );
}

#[test]
fn a_library_that_depends_on_another_is_refused_by_name() {
    let folder = TempDir::new().expect("a folder");
    let other = "pub fn f(_: String) -> Result<(), String> { Ok(()) }\npilotlight::handler!(f);\n";
    write(folder.path(), "other", "", other);
    let source = "fn g(text: String) -> Result<(), String> { other::f(text) }\n\
        pilotlight::handler!(g);\n";
    write(folder.path(), "dependent", "other = { path = \"../other\" }", source);
    let errors = errors("build", &folder.path().join("dependent"));
    let symbol = "symbol: a_handler_library_cannot_depend_on_another";
    assert!(errors.len() == 1 && errors[0].contains(symbol), "{errors:#?}");
}

#[test]
fn valid_handlers_compile_without_a_warning_and_without_unsafe_code() {
    let source = "#![forbid(unsafe_code)]\n#![deny(warnings)]\n\
        pub mod a {\n\
            pub fn f(_: &str) -> Result<(), Box<dyn std::error::Error>> { Ok(()) }\n\
            pub fn set_up() -> Result<(), std::fmt::Error> { Ok(()) }\n\
            pub fn close() -> Result<(), String> { Ok(()) }\n\
            pub fn flush(_: &pilotlight::Context) -> Result<(), String> { Ok(()) }\n\
        }\n\
        fn g<'a>(text: &'a str) -> Result<&'a str, std::borrow::Cow<'a, str>> { Ok(text) }\n\
        pub fn now() {}\n";
    let folder = TempDir::new().expect("a folder");
    let forms = [
        "a::f, crate::g, init = a::set_up, shutdown = self::a::close",
        "a::f, g, shutdown = now, after = a::flush, init = now, before_snapshot = a::close,",
        "g, after_restore = a::set_up, after = now",
        "g, after = a::close",
        "g,",
    ];
    for form in forms {
        let source = format!("{source}pilotlight::handler!({form});\n");
        write(folder.path(), "allowed", "", &source);
        assert_eq!(errors("check", &folder.path().join("allowed")), [""; 0], "{form}");
    }
}

#[test]
fn functions_and_services_of_http_compile_without_a_warning() {
    let source = "#![forbid(unsafe_code)]\n#![deny(warnings)]\n\
        use std::{convert::Infallible, future::{ready, Ready}, task::{Context, Poll}};\n\
        use pilotlight::http::{Body, Request, Response};\n\
        #[derive(Clone)]\npub struct App;\n\
        impl tower_service::Service<Request> for App {\n\
            type Response = Response<Body>;\n\
            type Error = Infallible;\n\
            type Future = Ready<Result<Response<Body>, Infallible>>;\n\
            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {\n\
                Poll::Ready(Ok(()))\n\
            }\n\
            fn call(&mut self, request: Request) -> Self::Future {\n\
                ready(Ok(Response::new(request.into_body())))\n\
            }\n\
        }\n\
        pub async fn app() -> std::io::Result<App> { Ok(App) }\n\
        pub fn f(request: Request) -> Result<Response<Body>, String> {\n\
            Ok(Response::new(request.into_body()))\n\
        }\n\
        pub fn now() {}\n";
    let folder = TempDir::new().expect("a folder");
    let forms =
        ["http!(App)", "http!(app().await?, init = now, after = now,)", "handler!(f, init = now)"];
    for form in forms {
        let source = format!("{source}pilotlight::{form};\n");
        write_with("http", folder.path(), "allowed", "tower-service = \"0.3\"", &source);
        assert_eq!(errors("check", &folder.path().join("allowed")), [""; 0], "{form}");
    }
}

#[test]
fn a_request_s_response_is_one_of_http() {
    refused_with(
        "http",
        "fn f(_: pilotlight::http::Request) -> Result<String, String> { Ok(String::new()) }\n\
         pilotlight::handler!(f);\n",
        "`String` cannot be a handler's response",
        &["a handler that takes a pilotlight::http::Request, and no other, returns an http::Resp"],
    );
    refused_with(
        "http",
        "pub struct Question;\nfn f(_: Question) -> Result<(), String> { Ok(()) }\n\
         pilotlight::handler!(f);\n",
        "`Question` cannot be a handler's event",
        &["for HTTP, take a pilotlight::http::Request"],
    );
}
