//! Declarations of values, and the messages for mistakes.

use std::fs;

use serde_json::json;

use super::Setting;
use crate::support;

/// The error that a declaration causes at the start.
fn mistake(setting: &Setting) -> String {
    let (posted, code) = support::refusal(&setting.function);
    assert_eq!((posted.category.as_str(), code), ("Runtime.InvalidConfig", Some(10)));
    posted.message
}

#[test]
fn a_mistake_ends_the_start_with_the_text_and_what_was_expected() {
    let message = mistake(&Setting::new("a=env:A, flags=appconfg:shop/prod/flags"));
    assert!(
        message.starts_with("configuration `flags=appconfg:shop/prod/flags`: expected a source")
    );
    let message = mistake(&Setting::new("a=env:A\na=env:B"));
    assert_eq!(message, "configuration `a=env:B`: expected a name that is not declared yet");
    let message = mistake(&Setting::new("@absent.toml"));
    assert_eq!(
        message,
        "configuration `@absent.toml`: expected @ and a readable file of the function's package"
    );
}

#[test]
fn values_are_declared_in_the_variable_in_a_file_and_in_code() {
    let mut setting = Setting::new("one=env:ONE, @pilotlight.toml");
    let package = tempfile::tempdir().expect("a folder");
    let library = package.path().join("libconfigured.so");
    fs::copy(support::fixture_crate("configured"), library).expect("copied");
    let text = "# Values of this function.\n[config]\ntwo = \"file:two.json?ttl=5m\" # kept\n";
    fs::write(package.path().join("pilotlight.toml"), text).expect("written");
    fs::write(package.path().join("two.json"), "{\"two\":2}").expect("written");
    setting.function.task_root = package.path().to_path_buf();
    let setting = setting.set("ONE", "first").set("DECLARE", "three=env:ONE\nfour=env:FOUR");
    let mut running = setting.start();
    assert_eq!(running.await_generation("one", 1)["text"], "first");
    let two = running.await_generation("two", 1);
    assert_eq!((two["text"].as_str(), two["stale"].as_bool()), (Some("{\"two\":2}"), Some(false)));
    assert_eq!(two["contentType"], "application/json");
    assert_eq!(running.await_generation("three", 1)["text"], "first");
    assert_eq!(running.read("four")["error"], "configuration `four` has not arrived yet");
    assert_eq!(
        running.read("five")["error"],
        "configuration `five` is not declared; add five=<source> to PILOTLIGHT_CONFIG"
    );
    assert!(running.end().contains("`four` cannot be fetched from env:FOUR: FOUR is not set"));
}

#[test]
fn a_mistake_in_code_is_an_error_of_the_handlers_init() {
    let setting = Setting::new("").set("DECLARE", "three=nowhere");
    let (posted, code) = support::refusal(&setting.function);
    assert_eq!(code, Some(10));
    assert!(posted.message.starts_with("configuration `three=nowhere`: expected a source"));
}

#[test]
fn nothing_is_mapped_before_the_first_use() {
    let setting = Setting::new("one=env:ONE, two=ssm:/two, three=secret:three, four=file:four");
    let mut running = setting.start();
    let maps = |running: &super::Running| {
        let maps = fs::read_to_string(format!("/proc/{}/maps", running.child.id()));
        maps.expect("a process").contains("services.so")
    };
    running.invoke(&json!({ "name": "undeclared" }));
    assert!(!maps(&running), "an invocation that reads nothing maps nothing");
    running.read("one");
    assert!(maps(&running));
}
