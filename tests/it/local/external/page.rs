//! The page in Chromium: its lanes and figures, its colours, the keyboard, and the form.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support;
use crate::support::browser::Browser;
use crate::support::served::Served;
use crate::support::served::example;

/// Colours of the page, light and dark.
const INIT: [[u8; 3]; 2] = [[0xb3, 0x4a, 0x00], [0xf4, 0x9a, 0x3f]];
const INVOCATION: [[u8; 3]; 2] = [[0x1d, 0x62, 0xc4], [0x67, 0xa3, 0xff]];
const PING: [u8; 3] = [0x7d, 0x3b, 0xbd];

/// The pixels of all marks in the lanes are within these parts of the width.
const EXTENT: &str = "(() => {\
    const lanes = [...document.querySelectorAll('.row:not(.throttled) .lane')];\
    const hits = lanes.flatMap(lane => lane.hits), width = lanes[0].clientWidth;\
    return [Math.min(...hits.map(hit => hit.left)) / width, \
            Math.max(...hits.map(hit => hit.right)) / width];\
    })()";

/// Twenty invocations of `slow` at once with ApacheBench, a hundred in all.
fn load(served: &Served) {
    let folder = TempDir::new().expect("a folder");
    let event = folder.path().join("event.json");
    std::fs::write(&event, "{\"sleep_ms\":300}").expect("written");
    let output = Command::new("ab")
        .args(["-q", "-n", "100", "-c", "20", "-s", "60", "-T", "application/json", "-p"])
        .arg(&event)
        .arg(format!("{}/2015-03-31/functions/slow/invocations", served.url))
        .output()
        .expect("ab: run ./build.sh test");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("Complete requests:      100"), "{output:?}");
    assert!(!stdout.contains("Non-2xx"), "{stdout}");
}

/// Opens the page.
fn browse(served: &Served) -> Browser {
    Browser::open(&format!("{}/{}", served.url, served.page_query))
}

/// The expression of a figure of the only function.
fn figure(name: &str) -> String {
    let terms = "[...document.querySelectorAll('.totals dt')]";
    let of = format!("{terms}.find(term => term.textContent === '{name}')");
    format!("{of}?.nextSibling.firstChild.textContent")
}

/// Counts the pixels of a screenshot that have this colour.
fn pixels(picture: &Path, colour: [u8; 3]) -> usize {
    let mut reader = png::Decoder::new(BufReader::new(File::open(picture).expect("a picture")))
        .read_info()
        .expect("PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut bytes).expect("a frame");
    let size = frame.color_type.samples();
    bytes[..frame.buffer_size()].chunks(size).filter(|pixel| pixel[..3] == colour).count()
}

/// The path of a screenshot, which stays for inspection.
fn picture(name: &str) -> PathBuf {
    let folder = support::root().join("target/page");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.join(format!("{name}.png"))
}

#[test]
fn pings_are_told_from_invocations() {
    let options = ["--warm", "rate(1 hour)", "--warm-concurrency", "3", "--timeout", "60"];
    let variables = ["--env", "START_MS=1", "--env", "PILOTLIGHT_WARM_DELAY=3000"];
    let served = Served::start(&[&example("slow")], &[&options[..], &variables].concat());
    served.wait_for("slow", "three pings", |function| function["totals"]["pings"]["count"] == 3);
    let mut browser = browse(&served);
    browser.wait_for(&figure("pings"), "3");
    browser.wait_for(&figure("cold starts"), "0");
    for text in ["pings for 3, rate(1 hour), here every 60 min", "3 cold, ", "warm, 0× and 1 ping,"]
    {
        browser.wait_for_text(text);
    }
    browser.wait_for("document.querySelectorAll('.entry.ping').length", 3);
    let picture = picture("pings");
    browser.shoot(&picture);
    // The key has as many pixels of either colour; the marks are all pings.
    let [pings, invocations] = [PING, INVOCATION[0]].map(|colour| pixels(&picture, colour));
    assert!(pings > 150 && invocations > 100, "{pings}, {invocations}");
}

#[test]
fn twenty_cold_starts_are_seen_and_then_none() {
    let library = example("slow");
    let served = Served::start(&[&library], &["--freeze", "--reserved", "30", "--timeout", "60"]);
    let mut browser = browse(&served);
    browser.wait_for_text("No environments: the next invocation will be cold.");
    load(&served);
    let totals = served.function("slow")["totals"].clone();
    assert_eq!((&totals["cold"], &totals["warm"]), (&20.into(), &80.into()), "{totals}");
    browser.wait_for(&figure("cold starts"), "20");
    browser.wait_for(&figure("warm"), "80");
    browser.wait_for(&figure("throttles"), "0");
    browser.wait_for("document.querySelectorAll('.row.frozen .lane').length", 20);
    let extent = browser.run(EXTENT);
    let [left, right] = [0, 1].map(|end| extent[end].as_f64().expect("a number"));
    assert!(
        left < 0.15 && right - left > 0.6,
        "a burst of three seconds fills the width: {extent}"
    );

    // A selection and the elements stay while figures change.
    browser.run(
        "window.lane = document.querySelector('.lane'); \
         getSelection().selectAllChildren(document.querySelector('.row:nth-child(2) .name'))",
    );
    let selected = browser.run("getSelection().toString()");
    assert!(selected.as_str().is_some_and(|text| text.starts_with("#2 frozen, ")), "{selected}");
    load(&served);
    browser.wait_for(&figure("warm"), "180");
    browser.wait_for(&figure("cold starts"), "20");
    assert_eq!(browser.run("getSelection().toString()"), selected);
    assert_eq!(browser.run("window.lane.isConnected"), true);
    browser.run("getSelection().removeAllRanges()");
    let name = "document.querySelector('.row:nth-child(2) .name').textContent";
    browser.wait_for(&format!("{name} === {selected}"), false);

    let shots = [("light", 1400, "light"), ("dark", 1400, "dark")];
    let phones = [("phone", 390, "light"), ("phone-dark", 390, "dark")];
    for (name, width, scheme) in shots.into_iter().chain(phones) {
        browser.resize(width, 900);
        browser.use_scheme(scheme);
        browser.run("new Promise(done => setTimeout(done, 600))");
        let picture = picture(name);
        browser.shoot(&picture);
        for (what, colours) in [("init", INIT), ("invocations", INVOCATION)] {
            let colour = colours[usize::from(scheme == "dark")];
            assert!(pixels(&picture, colour) > 400, "no {what} in {name}");
        }
        let wide = browser.run("document.documentElement.scrollWidth");
        assert_eq!(wide, width, "{name} scrolls to the side");
    }
}

#[test]
fn failures_are_told_and_every_text_has_contrast() {
    let served = Served::start(
        &[&example("faulty"), &example("slow")],
        &["--reserved", "1", "--timeout", "0.5", "--env", "START_MS=1"],
    );
    for fault in ["error", "exit", "sleep", "sleep"] {
        served.invoke("faulty", &json!({ "fault": fault }).to_string());
    }
    let mut browser = browse(&served);
    browser.wait_for_text("RequestedError: this error was asked for");
    browser.wait_for_text("1× crash");
    browser.wait_for_text("2× timeout");
    browser.wait_for_text("Task timed out after 0.50 seconds");
    browser.run("document.querySelector('.failures .timeout button').click()");
    browser.wait_for("document.querySelector('#log').textContent.includes('REPORT')", true);
    let contrast = include_str!("page.js");
    for (scheme, width) in [("light", 1400), ("dark", 1400), ("dark", 390)] {
        browser.use_scheme(scheme);
        browser.resize(width, 900);
        let found = browser.run(contrast);
        assert_eq!(found["faint"], json!([]), "{scheme}");
        assert!(found["texts"].as_u64().is_some_and(|texts| texts > 80), "{found}");
    }
}

#[test]
fn a_keyboard_is_enough() {
    let served = Served::start(&[&example("echo"), &example("faulty")], &[]);
    served.invoke("echo", "{}");
    served.invoke("faulty", "{\"fault\":\"error\"}");
    let mut browser = browse(&served);
    // Two inits and two invocations.
    browser.wait_for("document.querySelectorAll('.entry').length", 4);
    let mut order = Vec::new();
    for _ in 0..8 {
        browser.press("Tab");
        let focused = "document.activeElement.id || document.activeElement.className";
        order.push(browser.run(focused).as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(order[..3], ["skip", "window", "pause"], "{order:?}");
    assert_eq!(order[4..], ["function", "type", "recent", "event"], "{order:?}");

    browser.run("document.activeElement.blur()");
    let selected = "document.querySelector('[aria-selected=true]')?.textContent ?? ''";
    browser.press("j");
    let newest = browser.run(selected);
    assert!(newest.as_str().is_some_and(|text| text.contains("faulty#1 ✕ error")), "{newest}");
    browser.press("l");
    assert_eq!(browser.run("document.activeElement.id"), "log");
    browser.wait_for_text("REPORT RequestId");
    browser.press("f");
    browser.wait_for("document.querySelectorAll('.entry').length", 1);
    browser.press("f");
    browser.run("document.querySelector('#list').focus()");
    browser.press("ArrowDown");
    browser.press("ArrowDown");
    let older = browser.run(selected);
    assert!(older.as_str().is_some_and(|text| text.contains("echo#1")), "{older}");
    browser.press("p");
    browser.wait_for("document.querySelector('#live').textContent", "paused");
    served.invoke("echo", "{}");
    browser.run("new Promise(done => setTimeout(done, 700))");
    assert_eq!(browser.run("document.querySelectorAll('.entry').length"), 4);
    browser.press("p");
    browser.wait_for("document.querySelectorAll('.entry').length", 5);
}

#[test]
fn the_form_invokes_and_remembers() {
    let served = Served::start(&[&example("echo")], &["--credentials", "key:secret"]);
    let mut browser = browse(&served);
    browser.wait_for("document.querySelector('#function').value", "echo");
    browser.press("e");
    browser.run("document.querySelector('#event').select()");
    browser.type_text("{\"name\":");
    browser.press("Ctrl+Enter");
    browser.wait_for_text("The event is not JSON");
    assert_eq!(served.function("echo")["totals"]["invocations"], 0);
    browser.type_text("\"Ada\"}");
    browser.press("Ctrl+Enter");
    browser.wait_for("document.querySelector('#response').textContent", "{\"name\":\"Ada\"}");
    // Its log is shown as soon as the server tells of it.
    browser.wait_for_text("REPORT RequestId");
    let facts = browser.run("document.querySelector('#facts').innerText");
    assert!(facts.as_str().is_some_and(|facts| facts.contains("14 bytes")), "{facts}");
    let function = served.function("echo");
    let spans = function["environments"][0]["spans"].as_array().expect("spans");
    assert_eq!(spans.last().map(|span| &span["figures"]["event_bytes"]), Some(&Value::from(14)));

    // The event is offered again when the page is opened again.
    browser.run("window.isOld = true; location.reload()");
    browser.wait_for("Boolean(window.isOld)", false);
    browser.wait_for(
        "document.querySelector('#recent')?.options[1]?.textContent",
        "echo: {\"name\":\"Ada\"}",
    );
    browser.wait_for("document.querySelector('#event').value", "{\"name\":\"Ada\"}");
    let mut without = Browser::open(&format!("{}/", served.url));
    without.wait_for_text("with its token");
}

/// A page of another origin, whose script sends every request that a page can send.
#[test]
fn a_page_of_another_site_invokes_nothing_but_function_urls() {
    let served = Served::start(&[&example("echo")], &[]);
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("page.html");
    let script = format!(
        "<body><script>\
         const send = (path, options) => fetch('{}' + path, options).then(() => 'sent', () => 'lost');\
         const post = {{ method: 'POST', mode: 'no-cors', body: new Blob(['{{}}']) }};\
         Promise.all([send('/2015-03-31/functions/echo/invocations', post), \
         send('/2021-11-15/functions/echo/response-streaming-invocations', post), \
         send('/lambda-url/echo/', post), send('/environments', {{}})])\
         .then(all => document.body.append(all.join(' ')));\
         </script>",
        served.url
    );
    std::fs::write(&file, script).expect("written");
    // All requests were sent, and the script could not read the response that CORS protects.
    Browser::open(&format!("file://{}", file.display())).wait_for_text("sent sent sent lost");
    assert_eq!(served.function("echo")["totals"]["invocations"], 1);
}
