//! `GET /environments` for a client that asks again and again, and the logs of invocations.

use serde_json::Value;
use serde_json::json;

use crate::support::served::Reply;
use crate::support::served::Served;
use crate::support::served::example;

fn spans(function: &Value) -> Vec<Value> {
    let environments = function["environments"].as_array().expect("environments");
    let spans = environments.iter().map(|environment| environment["spans"].as_array());
    spans.flat_map(|spans| spans.expect("spans").clone()).collect()
}

/// The changes after a cursor: its function's entry, and the next cursor.
fn changes(served: &Served, cursor: &Value) -> (Value, Value) {
    let cursor = cursor.as_str().expect("text");
    let all = served.get(&format!("/environments?since={cursor}")).json();
    assert_eq!(all["complete"], false, "{all}");
    (all["functions"][0].clone(), all["cursor"].clone())
}

#[test]
fn a_cursor_gives_what_has_changed_since() {
    let served = Served::start(&[&example("echo")], &["--reserved", "1"]);
    served.invoke("echo", "{}");
    let all = served.get("/environments").json();
    assert_eq!(all["complete"], true);
    assert_eq!(spans(&all["functions"][0]).len(), 2);
    let (none, cursor) = changes(&served, &all["cursor"]);
    assert_eq!(none["environments"], json!([]), "{none}");
    assert_eq!(none["totals"]["invocations"], 1);

    served.invoke("echo", "{\"name\":\"Ada\"}");
    let (one, cursor) = changes(&served, &cursor);
    let added = spans(&one);
    assert_eq!(added.len(), 1, "{one}");
    let figures = &added[0]["figures"];
    let expected = (&json!(false), &json!(14), &json!(14), &json!(null));
    let given = (&figures["cold"], &figures["event_bytes"], &figures["response_bytes"]);
    assert_eq!((given.0, given.1, given.2, &figures["init_ms"]), expected, "{figures}");
    let (none, _) = changes(&served, &cursor);
    assert_eq!(spans(&none).len(), 0);

    // A cursor of another server, or none, gives everything.
    for other in ["1-1", "nonsense"] {
        let all = served.get(&format!("/environments?since={other}")).json();
        assert_eq!((&all["complete"], spans(&all["functions"][0]).len()), (&json!(true), 3));
    }
}

#[test]
fn refused_invocations_and_retired_environments_are_told() {
    let served = Served::start(
        &[&example("slow")],
        &["--reserved", "1", "--env", "START_MS=1", "--idle", "60", "--speed", "100"],
    );
    served.invoke("slow", "{}");
    let cursor = served.get("/environments").json()["cursor"].clone();
    std::thread::scope(|scope| {
        scope.spawn(|| served.invoke("slow", "{\"sleep_ms\":1000}"));
        served.wait_for("slow", "it runs", |function| function["in_flight"] == 1);
        assert_eq!(served.invoke("slow", "{}").status, 429);
    });
    let (function, cursor) = changes(&served, &cursor);
    let refused = function["refused"].as_array().expect("refused");
    assert_eq!(refused.len(), 1, "{function}");
    assert_eq!(refused[0]["reason"], "the function's reserved concurrency is used up");
    let is_ended = |function: &Value| function["environments"][0]["state"] == "ended";
    served.wait_for("slow", "it ends", is_ended);
    let (function, _) = changes(&served, &cursor);
    assert_eq!(function["environments"][0]["retired"], "idle");
    assert_eq!(function["refused"], json!([]));
}

#[test]
fn each_invocation_has_its_own_log() {
    let served = Served::start(&[&example("faulty")], &["--quiet"]);
    served.invoke("faulty", "{\"fault\":\"error\",\"secret\":\"not for the log\"}");
    served.invoke("faulty", "{\"fault\":\"panic\"}");
    let logs: Vec<Value> = spans(&served.function("faulty"))
        .iter()
        .filter(|span| span["kind"] == "invocation")
        .map(|span| served.get(&format!("/environments/logs/{}", span["id"])).json())
        .collect();
    let [error, panic] = &logs[..] else { panic!("{logs:?}") };
    for (log, text) in [(error, "this error was asked for"), (panic, "this panic was asked for")] {
        let text_of = log["log"].as_str().expect("text");
        assert!(text_of.contains(text) && text_of.contains("REPORT RequestId: "), "{text_of}");
        assert_eq!(text_of.matches("START RequestId: ").count(), 1, "{text_of}");
        assert_eq!(log["dropped_bytes"], 0);
    }
    assert!(!error.to_string().contains("not for the log"), "{error}");
    for unknown in ["999999", "x", ""] {
        let reply = served.get(&format!("/environments/logs/{unknown}"));
        assert_eq!(reply.status, 404, "{reply:?}");
    }
}

#[test]
fn the_log_of_a_failed_first_init_is_kept() {
    let (_folder, library) = crate::support::fixture_in_c("environment");
    let served = Served::start(&[&library], &["--env", "FAIL_INIT=always", "--quiet"]);
    served.invoke("environment", "{}");
    let spans = spans(&served.function("environment"));
    let init = spans.iter().find(|span| span["kind"] == "init").expect("an init");
    let log = served.get(&format!("/environments/logs/{}", init["id"])).json();
    let text = log["log"].as_str().expect("text");
    assert!(text.contains("Phase: init") && !text.contains("Phase: invoke"), "{text}");
}

#[test]
fn the_feed_and_invocations_of_the_page_need_the_token() {
    let served = Served::start(&[&example("echo")], &["--credentials", "key:secret"]);
    let token = served.page_query.strip_prefix("?token=").expect("a token");
    let bearer = format!("Bearer {token}");
    let right = [("Authorization", bearer.as_str())];
    let wrong = [("Authorization", "Bearer 0123456789abcdef0123456789abcdef")];
    let statuses = |headers: &[(&str, &str)]| -> Vec<u16> {
        let replies: [Reply; 3] = [
            served.get_with("/environments?since=1-1", headers),
            served.get_with("/environments/logs/1", headers),
            served.invoke_with("echo", "{}", headers),
        ];
        replies.iter().map(|reply| reply.status).collect()
    };
    assert_eq!(statuses(&wrong), [403, 403, 403]);
    assert_eq!(statuses(&[]), [403, 403, 403]);
    assert_eq!(statuses(&right), [200, 404, 200]);
    // A page of another site has no use for it.
    let foreign = [right[0], ("Origin", "http://example.com")];
    assert_eq!(statuses(&foreign), [403, 403, 403]);
    // The files of the page hold no data, and need none.
    for file in ["/", "/page/main.js", "/page/style.css"] {
        assert_eq!(served.get(file).status, 200, "{file}");
    }
    assert_eq!(served.get("/page/other.js").status, 404);
}
