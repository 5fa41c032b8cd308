//! Web pages, which can send requests to any port of this machine.

use super::status_and_body;
use crate::support::served::Served;
use crate::support::served::example;

const INVOKE: &str = "POST /2015-03-31/functions/echo/invocations";
const STREAM: &str = "POST /2021-11-15/functions/echo/response-streaming-invocations";
const URL: &str = "POST /lambda-url/echo/";
const ENVIRONMENTS: &str = "GET /environments";
const PAGE: &str = "GET /";

fn invocations(served: &Served) -> u64 {
    served.function("echo")["totals"]["invocations"].as_u64().expect("a number")
}

#[test]
fn a_name_that_was_pointed_here_is_refused() {
    let served = Served::start(&[&example("echo")], &["--host", "Lambda.Internal"]);
    for host in ["attacker.example", "attacker.example:9000", "localhost.attacker.example", ""] {
        let host = format!("Host: {host}");
        for request in [INVOKE, STREAM, URL, ENVIRONMENTS, PAGE] {
            let (status, body) = status_and_body(&served, request, &[&host], "{}");
            assert_eq!(status, 403, "{request} {host}: {body}");
            assert!(body.contains("is not a name of this server: use localhost"), "{body}");
        }
    }
    // A proxy's form of the target names the host, too, and a second name could hide the first.
    let absolute = "GET http://attacker.example/environments";
    assert_eq!(status_and_body(&served, absolute, &["Host: localhost"], "").0, 403);
    let two = ["Host: localhost", "Host: attacker.example"];
    assert_eq!(status_and_body(&served, ENVIRONMENTS, &two, "").0, 400);
    assert_eq!(status_and_body(&served, ENVIRONMENTS, &[], "").0, 400);
    assert_eq!(invocations(&served), 0);
    for host in
        ["localhost:1", "LOCALHOST", "127.0.0.1", "[::1]:9000", "x.localhost", "lambda.internal"]
    {
        let host = format!("Host: {host}");
        assert_eq!(status_and_body(&served, INVOKE, &[&host], "{}").0, 200, "{host}");
    }
}

#[test]
fn a_page_of_another_site_cannot_invoke_or_look() {
    let served = Served::start(&[&example("echo")], &[]);
    let host = format!("Host: {}", served.authority());
    for foreign in [
        "Origin: https://attacker.example",
        // Another server of this machine is another origin, and a file or a sandbox has none.
        "Origin: http://localhost:3000",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        for request in [INVOKE, STREAM, ENVIRONMENTS, "OPTIONS /environments"] {
            let (status, body) = status_and_body(&served, request, &[&host, foreign], "{}");
            assert_eq!(status, 403, "{request} {foreign}: {body}");
            assert!(body.contains("must not invoke or list functions"), "{body}");
        }
        // A link may lead to the page, which shows nothing by itself.
        assert_eq!(status_and_body(&served, PAGE, &[&host, foreign], "").0, 200, "{foreign}");
    }
    assert_eq!(invocations(&served), 0);
    let own = format!("Origin: {}", served.url);
    for headers in [[own.as_str(), "Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Site: none", "X: y"]]
    {
        let headers = [&[host.as_str()], &headers[..]].concat();
        assert_eq!(status_and_body(&served, INVOKE, &headers, "{}").0, 200, "{headers:?}");
    }
}

#[test]
fn a_function_url_is_for_every_page_and_not_to_be_read_by_it() {
    let served = Served::start(&[&example("echo")], &[]);
    let foreign = [("Origin", "https://attacker.example"), ("Sec-Fetch-Site", "cross-site")];
    let reply = served.post("/lambda-url/echo/", b"{}", &foreign);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("access-control-allow-origin"), "");
    // The function sees who asks, and can refuse or allow it.
    assert_eq!(reply.json()["headers"]["origin"], "https://attacker.example");
}
