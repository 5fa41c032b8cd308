//! AWS AppConfig, from its data service and through its agent.

use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::Running;
use super::Setting;
use crate::support;
use crate::support::fakes::Reply;
use crate::support::fakes::appconfig::AppConfig;
use crate::support::fakes::appconfig::bad_token;
use crate::support::fakes::appconfig::internal;
use crate::support::fakes::appconfig::not_found;
use crate::support::fakes::appconfig::throttled;

const PROFILE: &str = "my shop/prod/flags";
const FORMAL: &str = r#"{"formal":{"enabled":true}}"#;
const INFORMAL: &str = r#"{"formal":{"enabled":false}}"#;

/// Both servers, with one deployed version and no poll interval.
fn deployed() -> AppConfig {
    let appconfig = AppConfig::start();
    appconfig.deploy(PROFILE, "application/json", INFORMAL);
    appconfig
}

fn of_service(appconfig: &AppConfig) -> Setting {
    Setting::new("flags=appconfig:my shop/prod/flags?ttl=1ms").service(appconfig.service)
}

#[test]
fn the_data_service_is_asked_with_signatures_and_tokens_and_changes_arrive() {
    let appconfig = deployed();
    let mut running = of_service(&appconfig).start();
    let first = running.await_generation("flags", 1);
    assert_eq!(first["text"], INFORMAL);
    assert_eq!(
        (&first["contentType"], &first["version"]),
        (&json!("application/json"), &json!("v1"))
    );
    // An empty body means unchanged: content, type and version stay.
    while appconfig.state().asked < 4 {
        assert_eq!(running.read("flags")["text"], INFORMAL);
    }
    let again = running.read("flags");
    assert_eq!(
        (&again["generation"], &again["contentType"]),
        (&json!(1), &json!("application/json"))
    );
    appconfig.deploy(PROFILE, "text/plain", FORMAL);
    let second = running.await_generation("flags", 2);
    assert_eq!((&second["text"], &second["contentType"]), (&json!(FORMAL), &json!("text/plain")));
    assert_eq!(appconfig.state().sessions, 1);
    assert_eq!(running.end(), "");
}

#[test]
fn the_servers_interval_is_kept() {
    let appconfig = deployed();
    appconfig.state().poll_interval_s = 3600;
    let mut running = of_service(&appconfig).start();
    running.await_generation("flags", 1);
    // A hundred times the declaration's TTL.
    let end = Instant::now() + Duration::from_millis(100);
    while Instant::now() < end {
        assert_eq!(running.read("flags")["stale"], false);
    }
    let state = appconfig.state();
    assert_eq!((state.asked, state.sessions, state.minimum_s), (1, 1, None));
}

#[test]
fn the_service_is_told_how_often_it_will_be_asked() {
    let appconfig = deployed();
    let setting = Setting::new("flags=appconfig:my shop/prod/flags?ttl=20s");
    let mut running = setting.service(appconfig.service).start();
    running.await_generation("flags", 1);
    assert_eq!(appconfig.state().minimum_s, Some(20));
}

#[test]
fn an_expired_token_starts_a_new_session() {
    let appconfig = deployed();
    let mut running = of_service(&appconfig).start();
    running.await_generation("flags", 1);
    appconfig.expire_tokens();
    appconfig.deploy(PROFILE, "application/json", FORMAL);
    assert_eq!(running.await_generation("flags", 2)["text"], FORMAL);
    assert_eq!(appconfig.state().sessions, 2);
    assert_eq!(running.end(), "", "an expired token is no failure");
}

/// Failures leave a stale value and one record, however many they are; then the value recovers.
fn fails_and_recovers(mut running: Running, appconfig: &AppConfig, reply: &Reply, message: &str) {
    running.await_generation("flags", 1);
    // A refused token is followed by a new session, which is refused as well.
    appconfig.fail_next(3, reply);
    appconfig.deploy(PROFILE, "application/json", FORMAL);
    while !running.log().contains("cannot be fetched") {
        let value = running.read("flags");
        assert_eq!(value["text"], INFORMAL, "the old value stays");
    }
    assert_eq!(running.read("flags")["stale"], true);
    appconfig.state().faults.clear();
    running.await_generation("flags", 2);
    let log = running.end();
    let records: Vec<&str> = log.lines().collect();
    assert!(records[0].contains(message), "{log}");
    assert!(records.get(1).is_none_or(|line| line.contains("fetched again")), "{log}");
    assert!(records.len() <= 2, "{log}");
    assert!(!log.contains("formal"), "payloads are never logged: {log}");
}

#[test]
fn every_error_of_the_service_leaves_the_old_value() {
    let denied = Reply::new(403, "application/json", r#"{"Message":"User is not authorized"}"#)
        .with("x-amzn-ErrorType", "AccessDeniedException");
    let bad = Reply::new(400, "application/json", r#"{"Message":"no"}"#)
        .with("x-amzn-ErrorType", "BadRequestException");
    let odd = Reply::new(502, "text/html", "<html>Bad gateway</html>");
    for (reply, message) in [
        (internal(), "status 500: InternalServerException An internal failure"),
        (denied, "status 403: AccessDeniedException User is not authorized"),
        (bad, "status 400: BadRequestException no"),
        (odd, "status 502: <html>Bad gateway</html>"),
        (not_found("Application"), "status 404: ResourceNotFoundException Application not found"),
        (not_found("Environment"), "status 404: ResourceNotFoundException Environment not found"),
        (bad_token("Corrupted"), "status 400: BadRequestException Request parameters are"),
        (bad_token("PollIntervalNotSatisfied"), "status 400: BadRequestException Request"),
    ] {
        let appconfig = deployed();
        fails_and_recovers(of_service(&appconfig).start(), &appconfig, &reply, message);
    }
}

#[test]
fn a_service_that_throttles_is_left_alone() {
    let appconfig = deployed();
    let mut running = of_service(&appconfig).start();
    running.await_generation("flags", 1);
    appconfig.fail_next(1000, &throttled());
    for _ in 0..50 {
        assert_eq!(running.read("flags")["text"], INFORMAL);
        std::thread::sleep(Duration::from_millis(10));
    }
    let asked = 1000 - appconfig.state().faults.len();
    assert_eq!(asked, 1, "the next attempt is seconds away");
    assert!(running.end().contains("status 429: ThrottlingException Rate exceeded"));
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    let appconfig = deployed();
    let setting = Setting::new("flags=appconfig:my shop/prod/other?required&wait=300ms");
    let mut running = setting.service(appconfig.service).start();
    let value = running.read("flags");
    assert_eq!(value["error"], "configuration `flags` has not arrived yet");
    let message = "`flags` cannot be fetched from appconfig:my shop/prod/other: \
                 status 404: ResourceNotFoundException ConfigurationProfile not found";
    while !running.log().contains(message) {
        running.read("flags");
    }
}

#[test]
fn an_agent_that_listens_is_asked_instead() {
    let appconfig = deployed();
    let setting = of_service(&appconfig).set("AWS_APPCONFIG_EXTENSION_HTTP_PORT", appconfig.agent);
    let mut running = setting.start();
    let value = running.await_generation("flags", 1);
    assert_eq!((&value["text"], &value["version"]), (&json!(INFORMAL), &json!("1")));
    appconfig.deploy(PROFILE, "application/json", FORMAL);
    assert_eq!(running.await_generation("flags", 2)["text"], FORMAL);
    assert_eq!(appconfig.state().sessions, 0, "the service itself is not asked");
    drop(running);
    for (status, text) in [
        (400, "invalid path"),
        (404, "no such configuration"),
        (500, "Rate exceeded, sorry"),
        (502, "bad gateway"),
        (504, "timed out"),
    ] {
        let reply = Reply::new(status, "application/text", text);
        let message = format!("status {status}: {text}");
        let appconfig = deployed();
        let setting = of_service(&appconfig);
        let setting = setting.set("AWS_APPCONFIG_EXTENSION_HTTP_PORT", appconfig.agent);
        let mut running = setting.start();
        running.await_generation("flags", 1);
        appconfig.fail_next(1, &reply);
        while !running.log().contains(&message) {
            assert_eq!(running.read("flags")["text"], INFORMAL);
        }
    }
}

#[test]
fn the_example_greets_as_the_flag_says_with_no_new_start() {
    let appconfig = deployed();
    let declaration = "flags=appconfig:my shop/prod/flags?ttl=1ms";
    let setting = Setting::with(support::example("config"), declaration);
    let mut running = setting.service(appconfig.service).start();
    let event = json!({ "name": "Ada" });
    assert_eq!(running.invoke(&event)["message"], "Hello, Ada!", "nothing has arrived yet");
    appconfig.deploy(PROFILE, "application/json", FORMAL);
    let formal = json!({ "message": "Good day, Ada." });
    assert!((0..1000).any(|_| running.invoke(&event) == formal), "{}", running.log());
    appconfig.deploy(PROFILE, "application/json", INFORMAL);
    let informal = json!({ "message": "Hello, Ada!" });
    assert!((0..1000).any(|_| running.invoke(&event) == informal), "{}", running.log());
}
