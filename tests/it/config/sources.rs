//! The other sources: their values and their failures.

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use super::Setting;
use crate::support::fakes;
use crate::support::fakes::Reply;
use crate::support::fakes::extension::Extension;

const HIDDEN: &str = "hunter2-and-more";

fn extension() -> Extension {
    let extension = Extension::start();
    let parameter = |kind: &str, value: &str| (kind.to_owned(), value.to_owned(), 3);
    let mut state = extension.state();
    state.parameters.insert("/shop/limit".into(), parameter("String", "{\"most\":7}"));
    state.parameters.insert("/shop/key".into(), parameter("SecureString", HIDDEN));
    state.secrets.insert("shop/db".into(), (HIDDEN.into(), "version-1".into()));
    drop(state);
    extension
}

#[test]
fn the_extension_serves_parameters_and_secrets_once_it_is_ready() {
    let extension = extension();
    extension.state().not_ready = 2;
    let declaration = "limit=ssm:/shop/limit?required, key=ssm:/shop/key, db=secret:shop/db";
    let setting =
        Setting::new(declaration).set("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", extension.port);
    let mut running = setting.start();
    let limit = running.read("limit");
    assert_eq!((&limit["text"], &limit["version"]), (&json!("{\"most\":7}"), &json!("3")));
    assert_eq!(limit["secret"], false);
    for name in ["key", "db"] {
        let value = running.await_generation(name, 1);
        assert_eq!((&value["text"], &value["secret"]), (&json!(HIDDEN), &json!(true)));
    }
}

#[test]
fn a_secret_reaches_neither_the_log_nor_an_error_nor_a_file() {
    let extension = extension();
    let declaration = "limit=ssm:/shop/key, db=secret:shop/db?ttl=1ms, mine=env:MINE?secret";
    let setting = Setting::of("read", declaration)
        .set("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", extension.port)
        .set("MINE", HIDDEN);
    let mut running = setting.start();
    for name in ["limit", "db", "mine"] {
        assert_eq!(running.await_generation(name, 1)["secret"], true);
    }
    extension.state().secrets.clear();
    while !running.log().contains("`db` cannot be fetched") {
        running.read("db");
    }
    assert!(!running.end().contains("hunter2"));

    // Read as another type than it is.
    let mut setting = setting;
    setting.function.handler = setting.function.handler.replace(".read", ".limit");
    let mut running = setting.start();
    let event = json!({}).to_string();
    let mut body = String::new();
    while !body.contains("cannot be read") {
        body = running.try_invoke(&event);
        assert!(!body.contains("hunter2"), "{body}");
    }
    assert!(body.contains("in JSON, at line 1 column"), "{body}");
    assert!(!running.end().contains("hunter2"));
    let kept: Vec<_> = fs::read_dir(setting.folder.path()).expect("a folder").collect();
    assert!(kept.is_empty(), "{kept:?}");
}

#[test]
fn a_value_is_parsed_once_and_a_bad_one_leaves_the_last_good() {
    let content = Arc::new(Mutex::new("{\"most\":1}".to_owned()));
    let shared = Arc::clone(&content);
    let port = fakes::serve(move |_| {
        Reply::new(200, "application/json", shared.lock().expect("unharmed").clone())
    });
    let declaration = format!("limit=http://127.0.0.1:{port}/limit?ttl=1ms");
    let mut running = Setting::of("limit", &declaration).start();
    let mut limit = running.try_invoke("{}");
    while limit.contains("has not arrived yet") {
        limit = running.try_invoke("{}");
    }
    assert_eq!(limit, r#"{"most":1,"shared":true}"#);
    *content.lock().expect("unharmed") = "{\"most\":\"many\"}".into();
    while !running.log().contains("cannot be read") {
        assert_eq!(running.invoke(&json!({}))["most"], 1);
    }
    *content.lock().expect("unharmed") = "{\"most\":2}".into();
    while running.invoke(&json!({}))["most"] != 2 {}
    let log = running.end();
    let message = "configuration `limit` cannot be read: it is not a configured::Limit";
    assert_eq!(log.matches(message).count(), 1, "{log}");
}

#[test]
fn empty_and_large_bodies_arrive_and_types_are_passed_on() {
    let large = vec![b'x'; 2 << 20];
    let port = fakes::serve(move |request| match request.target.as_str() {
        "/large?of=2" => Reply::new(200, "application/octet-stream", large.clone()),
        "/typeless" => Reply { status: 200, body: b"{".to_vec(), ..Reply::default() },
        _ => Reply::new(200, "application/json; nonsense", ""),
    });
    let declaration = ["empty", "large", "typeless"].map(|name| {
        let query = if name == "large" { "?of=2?ttl=5s" } else { "" };
        format!("{name}=http://127.0.0.1:{port}/{name}{query}")
    });
    let mut running = Setting::new(&declaration.join(",")).start();
    let empty = running.await_generation("empty", 1);
    assert_eq!((&empty["length"], &empty["text"]), (&json!(0), &json!("")));
    assert_eq!(empty["contentType"], "application/json; nonsense");
    assert_eq!(running.await_generation("large", 1)["length"], 2 << 20);
    let typeless = running.await_generation("typeless", 1);
    assert_eq!((&typeless["contentType"], &typeless["length"]), (&json!(null), &json!(1)));
}

#[test]
fn a_server_that_names_its_versions_is_asked_whether_they_changed() {
    let asked = Arc::new(Mutex::new((0, 0)));
    let shared = Arc::clone(&asked);
    let port = fakes::serve(move |request| {
        let mut asked = shared.lock().expect("unharmed");
        if request.header("if-none-match") == "\"one\"" {
            asked.1 += 1;
            return Reply { status: 304, ..Reply::default() };
        }
        asked.0 += 1;
        Reply::new(200, "text/plain", "value").with("ETag", "\"one\"")
    });
    let mut running = Setting::new(&format!("a=http://127.0.0.1:{port}/?ttl=1ms")).start();
    running.await_generation("a", 1);
    while asked.lock().expect("unharmed").1 < 3 {
        assert_eq!(running.read("a")["version"], "\"one\"");
    }
    assert_eq!(asked.lock().expect("unharmed").0, 1);
}

#[test]
fn a_source_that_hangs_delays_neither_reads_nor_other_sources() {
    let hung = Duration::from_secs(20);
    let hanging =
        fakes::serve(move |_| Reply { delay: hung, ..Reply::new(200, "text/plain", "late") });
    // A port on which no process listens any more.
    let closed =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("one").port();
    let declaration =
        format!("a=http://127.0.0.1:{hanging}/, b=http://127.0.0.1:{closed}/, c=env:C?ttl=1ms");
    let mut running = Setting::new(&declaration).set("C", "here").start();
    for name in ["a", "b"] {
        let value = running.read(name);
        assert_eq!(value["error"], format!("configuration `{name}` has not arrived yet"));
        assert!(value["waitedMs"].as_u64() < Some(2500), "{value}");
    }
    assert_eq!(running.await_generation("c", 1)["text"], "here");
    while !running.log().contains("`a` cannot be fetched from http:") {
        assert!(running.read("a")["waitedMs"].as_u64() < Some(2500));
    }
    let log = running.end();
    assert!(log.contains("`b` cannot be fetched from http:: ") && log.contains("refused"), "{log}");
    assert!(log.to_lowercase().contains("timeout"), "{log}");
}
