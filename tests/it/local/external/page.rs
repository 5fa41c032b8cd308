//! The page in headless Chromium: its texts, and the pixels that show twenty concurrent
//! invocations, cold and then warm.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::support;
use crate::support::served::Served;
use crate::support::served::example;

/// Colours of the page, light and dark.
const INIT: [[u8; 3]; 2] = [[0xeb, 0x68, 0x34], [0xd9, 0x59, 0x26]];
const INVOCATION: [[u8; 3]; 2] = [[0x2a, 0x78, 0xd6], [0x39, 0x87, 0xe5]];

const PING: [u8; 3] = [0x8a, 0x63, 0xc9];

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

/// Runs Chromium on the page.
fn chromium(served: &Served, arguments: &[&str]) -> String {
    let separator = if served.page_query.is_empty() { "?" } else { "&" };
    let page = format!("{}/{}{separator}seconds=3600", served.url, served.page_query);
    browse(&page, arguments)
}

/// Runs Chromium on an address for 1.5 s of virtual time.
fn browse(address: &str, arguments: &[&str]) -> String {
    let profile = TempDir::new().expect("a folder");
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--hide-scrollbars", "--virtual-time-budget=1500"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .arg(address)
        .output()
        .expect("chromium: run ./build.sh test");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
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

/// The folder of the screenshots, which stay for inspection.
fn pictures() -> PathBuf {
    let folder = support::root().join("target/page");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn pings_are_told_from_invocations() {
    let options = ["--warm", "rate(1 hour)", "--warm-concurrency", "3", "--timeout", "60"];
    let variables = ["--env", "START_MS=1", "--env", "PILOTLIGHT_WARM_DELAY=3000"];
    let served = Served::start(&[&example("slow")], &[&options[..], &variables].concat());
    served.wait_for("slow", "three pings", |function| function["totals"]["pings"]["count"] == 3);
    let page = chromium(&served, &["--dump-dom"]);
    for text in [
        "pings for 3, rate(1 hour), here every 3600.0 s",
        "<dt>cold</dt><dd>0",
        "<dt>pings</dt><dd>3 <small>3 cold</small>",
        "<dt>billed for pings</dt>",
        "idle, 0× and 1 ping,",
    ] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    let picture = pictures().join("pings.png");
    let shot = format!("--screenshot={}", picture.display());
    chromium(
        &served,
        &["--window-size=1200,600", "--blink-settings=preferredColorScheme=1", &shot],
    );
    // The legend has as many pixels of either colour; the bars are all pings.
    let [pings, invocations] = [PING, INVOCATION[0]].map(|colour| pixels(&picture, colour));
    assert!(pings > invocations && invocations > 100, "{pings}, {invocations}");
}

#[test]
fn twenty_cold_starts_are_seen_and_then_none() {
    let library = example("slow");
    let served = Served::start(&[&library], &["--freeze", "--reserved", "30", "--timeout", "60"]);
    let texts = |page: &str, expected: &[&str]| {
        for text in expected {
            assert!(page.contains(text), "no {text} in {page}");
        }
    };
    let empty = chromium(&served, &["--dump-dom"]);
    texts(&empty, &["live", "No environments: the next invocation will be cold."]);
    load(&served);
    let totals = served.function("slow")["totals"].clone();
    assert_eq!((&totals["cold"], &totals["warm"]), (&20.into(), &80.into()), "{totals}");
    let cold = chromium(&served, &["--dump-dom"]);
    let figure = |name: &str, value: u32| format!("<dt>{name}</dt><dd>{value}");
    texts(&cold, &[&figure("cold", 20), &figure("warm", 80), &figure("throttles", 0), "frozen, "]);
    assert_eq!(cold.matches("class=\"lane\"").count(), 20);
    load(&served);
    let warm = chromium(&served, &["--dump-dom"]);
    texts(&warm, &[&figure("cold", 20), &figure("warm", 180)]);

    let folder = pictures();
    let shots = [
        ("light", "1200,900", "--blink-settings=preferredColorScheme=1", 0),
        ("dark", "1200,900", "--blink-settings=preferredColorScheme=0", 1),
        ("phone", "500,900", "--blink-settings=preferredColorScheme=1", 0),
    ];
    for (name, size, scheme, dark) in shots {
        let picture = folder.join(format!("{name}.png"));
        let (size, shot) =
            (format!("--window-size={size}"), format!("--screenshot={}", picture.display()));
        chromium(&served, &[&size, scheme, &shot]);
        for (what, colours) in [("init", INIT), ("invocations", INVOCATION)] {
            assert!(pixels(&picture, colours[dark]) > 100, "no {what} in {name}");
        }
    }
}

#[test]
fn errors_are_shown_with_their_type_and_message_to_those_with_the_token() {
    let faulty = example("faulty");
    let served = Served::start(&[&faulty], &["--credentials", "key:secret"]);
    let page = chromium(&served, &["--dump-dom"]);
    assert!(page.contains(">live<"), "{page}");
    let without = browse(&format!("{}/", served.url), &["--dump-dom"]);
    assert!(without.contains("with its token"), "{without}");
    drop(served);
    let served = Served::start(&[&faulty], &[]);
    served.invoke("faulty", "{\"fault\":\"error\"}");
    let page = chromium(&served, &["--dump-dom"]);
    assert!(page.contains("</small>RequestedError: this error was asked for</li>"), "{page}");
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
    let page = browse(&format!("file://{}", file.display()), &["--dump-dom"]);
    // All requests were sent, and the script could not read the response that CORS protects.
    assert!(page.contains("sent sent sent lost"), "{page}");
    assert_eq!(served.function("echo")["totals"]["invocations"], 1);
}
