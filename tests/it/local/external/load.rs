//! Many small invocations: none fails, and the emulator says what of their time is its own.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::support::served::Served;
use crate::support::served::example;

#[test]
fn thousands_of_invocations_end_without_an_error() {
    let served = Served::start(&[&example("echo")], &["--quiet", "--timeout", "60"]);
    let folder = TempDir::new().expect("a folder");
    let event = folder.path().join("event.json");
    fs::write(&event, "{}").expect("written");
    for (options, most) in [(&["-c", "8"][..], 8), (&["-c", "20", "-k"], 20)] {
        let output = Command::new("ab")
            .args(["-q", "-n", "4000", "-s", "60", "-T", "application/json", "-p"])
            .arg(&event)
            .args(options)
            .arg(format!("{}/2015-03-31/functions/echo/invocations", served.url))
            .output()
            .expect("ab: run ./build.sh test");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("Complete requests:      4000"), "{output:?}");
        assert!(said.contains("Failed requests:        0"), "{said}");
        assert!(!said.contains("Non-2xx"), "{said}");
        // No more environments than there were invocations at once.
        let environments = served.function("echo")["environments"].as_array().map(Vec::len);
        assert!(environments.is_some_and(|count| (1..=most).contains(&count)), "{environments:?}");
    }
    let totals = &served.function("echo")["totals"];
    assert_eq!((&totals["invocations"], &totals["errors"]), (&8000.into(), &0.into()));
    assert!(totals["own_ms"]["median"].as_f64().is_some_and(|own| own > 0.0), "{totals}");
}
