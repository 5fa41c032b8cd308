//! Times of fetches, and values that outlive a freeze and a restart.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::Setting;
use crate::support;
use crate::support::fakes;
use crate::support::fakes::Reply;
use crate::support::script;
use crate::support::served::Served;

/// A server that counts requests, and whose answer tests change.
struct Changing {
    port: u16,
    state: Arc<Mutex<(String, usize)>>,
}

impl Changing {
    fn start(content: &str) -> Changing {
        let state = Arc::new(Mutex::new((content.to_owned(), 0)));
        let shared = Arc::clone(&state);
        let port = fakes::serve(move |_| {
            let mut state = shared.lock().expect("unharmed");
            state.1 += 1;
            let status = if state.0.is_empty() { 500 } else { 200 };
            Reply::new(status, "text/plain", state.0.clone())
        });
        Changing { port, state }
    }

    fn change(&self, content: &str) {
        self.state.lock().expect("unharmed").0 = content.to_owned();
    }

    fn asked(&self) -> usize {
        self.state.lock().expect("unharmed").1
    }

    fn declaration(&self, options: &str) -> String {
        format!("a=http://127.0.0.1:{}/{options}", self.port)
    }
}

#[test]
fn only_prefetched_values_are_fetched_at_the_start() {
    let server = Changing::start("one");
    let running = Setting::new(&server.declaration("")).start();
    thread::sleep(Duration::from_millis(100));
    assert_eq!(server.asked(), 0);
    drop(running);
    let mut running = Setting::new(&server.declaration("?prefetch")).start();
    assert_eq!(server.asked(), 1, "before the first /next");
    let value = running.read("a");
    assert_eq!((&value["text"], &value["stale"]), (&json!("one"), &json!(false)));
    for _ in 0..10 {
        running.read("a");
    }
    assert_eq!(server.asked(), 1, "its TTL is a minute");
}

#[test]
fn a_required_value_is_waited_for_once() {
    let server = Changing::start("");
    let mut running = Setting::new(&server.declaration("?required&wait=1s")).start();
    let first = running.read("a");
    assert!(first["error"].is_string() && first["waitedMs"].as_u64() >= Some(900), "{first}");
    let second = running.read("a");
    assert!(second["waitedMs"].as_u64() < Some(900), "{second}");
    server.change("one");
    running.await_generation("a", 1);
    drop(running);
    let mut running = Setting::new(&server.declaration("?required")).start();
    assert_eq!(running.read("a")["text"], "one", "in the very first invocation");
}

#[test]
fn a_freeze_for_longer_than_the_interval_counts() {
    let server = Changing::start("one");
    let mut running = Setting::new(&server.declaration("?ttl=1s")).start();
    running.await_generation("a", 1);
    let process = running.child.id().to_string();
    let signal = |signal: &str| {
        let kill = std::process::Command::new("kill").args([signal, &process]).status();
        assert!(kill.expect("kill").success());
    };
    signal("-STOP");
    server.change("two");
    thread::sleep(Duration::from_millis(1300));
    signal("-CONT");
    let thawed = running.read("a");
    assert_eq!((&thawed["text"], &thawed["stale"]), (&json!("one"), &json!(true)));
    let next = running.await_generation("a", 2);
    assert_eq!((&next["text"], &next["stale"]), (&json!("two"), &json!(false)));
}

#[test]
fn the_last_good_value_outlives_the_process_and_is_stale() {
    let server = Changing::start("one");
    let setting = Setting::new(&server.declaration("?ttl=5s"));
    let mut running = setting.start();
    let first = running.await_generation("a", 1);
    running.end();

    server.change("");
    let mut running = setting.start();
    let kept = running.await_generation("a", 1);
    assert_eq!((&kept["text"], &kept["stale"]), (&json!("one"), &json!(true)));
    assert_eq!(kept["fetchedMs"], first["fetchedMs"]);
    server.change("two");
    assert_eq!(running.await_generation("a", 2)["text"], "two");
    running.end();

    // A file of another function, and a damaged one.
    let mut other = Setting::new(&server.declaration("?ttl=5s"));
    server.change("");
    let folder = setting.folder.path().join("pilotlight-config");
    let file = fs::read_dir(&folder).expect("kept").next().expect("one").expect("a file").path();
    other.function.name = "other".into();
    let other = other.set("TMPDIR", setting.folder.path().display());
    let mut running = other.start();
    assert!(running.read("a")["error"].is_string(), "it is not this function's");
    running.end();
    let whole = fs::read(&file).expect("readable");
    fs::write(&file, &whole[..whole.len() - 1]).expect("written");
    let mut running = setting.start();
    while !running.log().contains("cannot be fetched") {
        assert!(running.read("a")["error"].is_string(), "it is damaged");
    }
    let log = running.end();
    assert_eq!(log.matches("is ignored: it is damaged").count(), 1, "{log}");
}

#[test]
fn without_the_module_invocations_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let bootstrap = folder.path().join("bootstrap");
    fs::copy(support::bootstrap(), &bootstrap).expect("copied");
    let mut setting = Setting::new("a=env:A?required&wait=1h");
    setting.function.bootstrap = bootstrap;
    let mut running = setting.set("A", "x").start();
    for _ in 0..3 {
        assert_eq!(running.read("a")["error"], "configuration `a` has not arrived yet");
    }
    let log = running.end();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("services.so"), "{log}");
}

#[test]
fn four_workers_read_whole_values_that_never_go_back_while_they_change() {
    const CHANGES: u64 = 100;
    let current = Arc::new(Mutex::new(0u64));
    let shared = Arc::clone(&current);
    let port = fakes::serve(move |_| {
        // Each fetch finds a new value, up to the last.
        let mut number = shared.lock().expect("unharmed");
        *number = (*number + 1).min(CHANGES);
        Reply::new(200, "text/plain", format!("{:04}", *number).repeat(1000))
    });
    let setting = Setting::of("churn", &format!("limit=http://127.0.0.1:{port}/?ttl=1ms"));
    let setting = setting.set("AWS_LAMBDA_MAX_CONCURRENCY", 4);
    let (running, mut workers) = setting.start_with_workers(4);
    workers.push(running.worker.try_clone().expect("a socket"));
    for worker in &mut workers {
        worker.write_all(&script::next(&CHANGES.to_string()).bytes).expect("sent");
    }
    let mut reads = 0;
    for worker in &mut workers {
        let (head, body) = script::read_request(worker);
        assert!(head.contains("/response "), "{body}");
        let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(answer["seen"], CHANGES);
        reads += answer["reads"].as_u64().expect("a number");
    }
    assert!(reads >= 100_000, "{reads}");
    assert_eq!(running.end(), "");
}

/// The handler's init changes the variable `A`; the runtime reads what the process was started
/// with.
#[test]
fn c_handlers_read_configuration_and_the_variables_of_the_start() {
    let (_folder, library) = support::fixture_in_c("configured");
    let setting = Setting::with(support::function(&library, None), "a=env:A, b=env:B");
    let mut running = setting.set("A", "\"from C\"").start();
    let mut answer = json!(0);
    while answer == 0 {
        answer = running.invoke(&json!(0));
    }
    assert_eq!(answer, "from C");
    while !running.log().contains("`b` cannot be fetched from env:B") {
        running.invoke(&json!(0));
    }
}

#[test]
fn local_sources_are_not_cached() {
    let server = Changing::start("one");
    let declaration = format!("e=env:E, f=file:f.txt, {}", server.declaration(""));
    let mut setting = Setting::new(&declaration).set("E", "of E");
    let library = support::fixture_crate("configured");
    fs::copy(library, setting.folder.path().join("libconfigured.so")).expect("copied");
    fs::write(setting.folder.path().join("f.txt"), "of f").expect("written");
    setting.function.task_root = setting.folder.path().to_path_buf();
    let mut running = setting.start();
    for (name, text) in [("e", "of E"), ("f", "of f"), ("a", "one")] {
        assert_eq!(running.await_generation(name, 1)["text"], text);
    }
    running.end();
    let folder = setting.folder.path().join("pilotlight-config");
    let names = fs::read_dir(folder).expect("kept").map(|file| file.expect("one").file_name());
    let names: Vec<_> = names.map(|name| name.into_string().expect("UTF-8")).collect();
    assert!(names.len() == 1 && names[0].starts_with("a-"), "{names:?}");
}

/// The walk-through of docs/configuration.md: a change reaches environments that are frozen between
/// invocations, without a new one.
#[test]
fn a_served_function_follows_its_configuration_with_one_init() {
    let package = tempfile::tempdir().expect("a folder");
    let library = package.path().join("libconfig.so");
    fs::copy(support::dist("examples/libconfig.so"), &library).expect("copied");
    let flags = package.path().join("flags.json");
    fs::write(&flags, r#"{"formal":{"enabled":false}}"#).expect("written");
    let variable = "PILOTLIGHT_CONFIG=flags=file:flags.json?ttl=1s";
    let served = Served::start(&[&library], &["--freeze", "--env", variable]);
    let greeting = || served.invoke("config", r#"{"name":"Ada"}"#).text().to_owned();
    for _ in 0..3 {
        assert_eq!(greeting(), r#"{"message":"Hello, Ada!"}"#);
    }
    fs::write(&flags, r#"{"formal":{"enabled":true}}"#).expect("written");
    let formal = r#"{"message":"Good day, Ada."}"#;
    assert!((0..200).any(|_| {
        thread::sleep(Duration::from_millis(50));
        greeting() == formal
    }));
    assert_eq!(served.log_with("Init Duration").matches("Init Duration").count(), 1);
}
