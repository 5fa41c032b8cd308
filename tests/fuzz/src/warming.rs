//! Events and client contexts: what is found to be a ping is what a full JSON parser would find.
//!
//! The input is an event as it is, or chooses the words of one, or what is written in its place:
//! JSON in which names and values that matter are frequent, here and there with a byte that is
//! another. Each is looked at twice: as functions are from the start, and with a health check's
//! path and a rule's ARN.

#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use pilotlight_bootstrap::environment;
use pilotlight_bootstrap::invocation::Invocation;
use pilotlight_bootstrap::warming::event;
use pilotlight_bootstrap::warming::settings::Settings;
use serde_json::Value;

/// Levels that a ping may nest.
const MAX_DEPTH: usize = 64;

const WORDS: [&str; 32] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    " ",
    "\n",
    "\"warmer\"",
    "\"w\\u0061rmer\"",
    "\"source\"",
    "\"serverless-plugin-warmup\"",
    "\"Records\"",
    "\"requestContext\"",
    "\"request\\u0043ontext\"",
    "\"custom\"",
    "true",
    "false",
    "null",
    "0",
    "1",
    "-2.4703282292062327e-324",
    "1e-9",
    "\"\"",
    "\"0\"",
    "\"a\\\"b\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"warmer",
    "{\"warmer\":true",
    "{\"warmer\":",
    "}",
];

fn written(input: &[u8]) -> Cow<'_, [u8]> {
    match input.split_first() {
        Some((0, event)) => Cow::Borrowed(event),
        Some((1, words)) => {
            let word = |byte: &u8| WORDS[usize::from(byte % 32)];
            Cow::Owned(words.iter().map(word).collect::<String>().into_bytes())
        }
        Some((kind, choices)) => {
            let mut writer = Writer { choices: choices.iter(), json: Vec::new() };
            writer.value(0);
            if kind % 4 == 2 {
                writer.mutate();
            }
            Cow::Owned(writer.json)
        }
        None => Cow::Borrowed(input),
    }
}

const NAMES: [&str; 12] = [
    "\"warmer\"",
    "\"warmer\"",
    "\"w\\u0061rmer\"",
    "\"warme\\u0072\"",
    "\"source\"",
    "\"requestContext\"",
    "\"Records\"",
    "\"Record\\u0073\"",
    "\"custom\"",
    "\"custom\"",
    "\"warmer \"",
    "\"a\\\"b\"",
];

const VALUES: [&str; 12] = [
    "true",
    "true",
    "1",
    "0",
    "24703282292062328.0e-340",
    "\"\"",
    "\"false\"",
    "false",
    "null",
    "\"serverless-plugin-warmup\"",
    "\"serverless\\u002dplugin-warmup\"",
    "\"{\\\"warmer\\\":true}\"",
];

const PATH: &[u8] = b"/health";
const RULE: &str = "arn:aws:events:eu-west-1:123456789012:rule/warm";

/// Members of HTTP requests and scheduled events: names, and the values that each may have.
const MEMBERS: [(&str, &[&str]); 9] = [
    ("\"version\"", &["\"2.0\"", "\"1.0\"", "\"2\\u002e0\"", "2.0"]),
    ("\"path\"", &PATHS),
    ("\"rawPath\"", &PATHS),
    ("\"httpMethod\"", &METHODS),
    ("\"requestContext\"", &CONTEXTS),
    ("\"requestContext\"", &CONTEXTS),
    ("\"resources\"", &RESOURCES),
    ("\"resources\"", &RESOURCES),
    ("\"Records\"", &["[]", "null"]),
];
const PATHS: [&str; 6] =
    ["\"/health\"", "\"\\/h\\u0065alth\"", "\"/prod/health\"", "\"x/health\"", "\"/health/\"", "7"];
const METHODS: [&str; 5] = ["\"GET\"", "\"HEAD\"", "\"G\\u0045T\"", "\"POST\"", "null"];
const CONTEXTS: [&str; 8] = [
    "{}",
    "null",
    "[]",
    "{\"stage\":\"prod\",\"http\":{\"method\":\"GET\"}}",
    "{\"st\\u0061ge\":\"prod\",\"elb\":{}}",
    "{\"http\":{\"method\":\"HEAD\"}}",
    "{\"http\":{\"method\":\"POST\"},\"elb\":null}",
    "{\"stage\":\"\",\"http\":\"GET\"}",
];
const RESOURCES: [&str; 6] = [
    "[\"arn:aws:events:eu-west-1:123456789012:rule/warm\"]",
    "[1, \"arn:aws:events:eu-west-1:123456789012:rule\\/w\\u0061rm\"]",
    "[\"arn:aws:events:eu-west-1:123456789012:rule/other\"]",
    "[[\"arn:aws:events:eu-west-1:123456789012:rule/warm\"]]",
    "{\"arn\": \"arn:aws:events:eu-west-1:123456789012:rule/warm\"}",
    "\"arn:aws:events:eu-west-1:123456789012:rule/warm\"",
];

/// Writes JSON as the input chooses; when that ends, so does the JSON, soon.
struct Writer<'a> {
    choices: std::slice::Iter<'a, u8>,
    json: Vec<u8>,
}

impl Writer<'_> {
    fn choose(&mut self, count: usize) -> usize {
        usize::from(self.choices.next().copied().unwrap_or(0)) % count
    }

    fn put(&mut self, text: &str) {
        self.json.extend(text.as_bytes());
    }

    fn value(&mut self, depth: usize) {
        // The outermost is mostly a container, and the others seldom are.
        let kind = self.choose(if depth == 0 { 8 } else { 20 });
        match kind {
            1..=5 if depth < 80 => self.container(depth, kind == 1),
            7 if depth == 0 => self.request(),
            6 => {
                // Deep, at times too deep.
                let levels = self.choose(70);
                self.put(&"[".repeat(levels));
                self.value(depth + levels + 1);
                self.put(&"]".repeat(levels));
            }
            _ => {
                let value = VALUES[self.choose(VALUES.len())];
                self.put(value);
            }
        }
    }

    fn container(&mut self, depth: usize, is_array: bool) {
        self.put(if is_array { "[" } else { "{" });
        for item in 0..self.choose(5) {
            self.put(if item > 0 { ", " } else { " " });
            if !is_array {
                let name = NAMES[self.choose(NAMES.len())];
                self.put(name);
                self.put(": ");
            }
            self.value(depth + 1);
        }
        self.put(if is_array { "]" } else { "}" });
    }

    /// An HTTP request's event, or a schedule's, or something between.
    fn request(&mut self) {
        self.put("{\"a\": 0");
        for (name, values) in MEMBERS {
            if self.choose(3) > 0 {
                let value = values[self.choose(values.len())];
                self.put(&format!(", {name}: {value}"));
            }
        }
        self.put("}");
    }

    fn mutate(&mut self) {
        let place = self.choose(256) * self.json.len().div_ceil(256);
        let byte = b"{}[]:,\"\\ 0e-.tu\x00\xff"[self.choose(17)];
        if let Some(there) = self.json.get_mut(place) {
            *there = byte;
        }
    }
}

/// serde_json refuses unpaired surrogates, which JavaScript and this runtime take: they become
/// characters that no name has.
fn without_surrogates(event: &[u8]) -> Vec<u8> {
    let mut event = event.to_vec();
    for place in 0..event.len().saturating_sub(5) {
        let escape = &mut event[place..place + 6];
        let is_surrogate = escape.starts_with(b"\\u")
            && matches!(escape[2], b'd' | b'D')
            && matches!(escape[3], b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F')
            && escape[4..].iter().all(u8::is_ascii_hexdigit);
        if is_surrogate {
            escape[2..].copy_from_slice(b"fffd");
        }
    }
    event
}

fn depth(event: &[u8]) -> usize {
    let (mut depth, mut most, mut in_string, mut is_escaped) = (0, 0, false, false);
    for byte in event {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        // Rust's numbers are JavaScript's.
        Value::Number(number) => number.to_string().parse() != Ok(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn is_anybodys(event: &Value) -> bool {
    event.get("requestContext").is_some() || event.get("Records").is_some()
}

fn is_ping(event: &Value) -> bool {
    event.is_object()
        && !is_anybodys(event)
        && (event.get("warmer").is_some_and(is_truthy)
            || event.get("source").is_some_and(|source| source == "serverless-plugin-warmup"))
}

fn parse(json: &[u8]) -> Option<Value> {
    let value = serde_json::from_slice(&without_surrogates(json)).ok()?;
    (depth(json) <= MAX_DEPTH).then_some(value)
}

/// As many pings as are to be served.
fn expected(event: &[u8]) -> usize {
    match parse(event) {
        Some(Value::Array(events)) => {
            events.iter().filter(|event| is_ping(event)).count().min(event::MAX_PINGS)
        }
        Some(event) => usize::from(is_ping(&event)),
        None => 0,
    }
}

fn is_of_the_rule(event: &Value) -> bool {
    let resources = event.get("resources").and_then(Value::as_array);
    !is_anybodys(event) && resources.is_some_and(|list| list.iter().any(|arn| arn == RULE))
}

/// Whether it is a request for the health check, and whether a load balancer's.
fn health_check(event: &Value) -> Option<bool> {
    let context = event.get("requestContext").filter(|context| context.is_object())?;
    let (path, method) = if event.get("version").is_some_and(|version| version == "2.0") {
        (event.get("rawPath")?, context.get("http")?.get("method")?)
    } else {
        (event.get("path")?, event.get("httpMethod")?)
    };
    let wanted = std::str::from_utf8(PATH).ok()?;
    let staged =
        context.get("stage").and_then(Value::as_str).map(|stage| format!("/{stage}{wanted}"));
    let is_there = path == wanted || staged.is_some_and(|staged| path == staged.as_str());
    let is_check = is_there && (method == "GET" || method == "HEAD");
    is_check.then(|| context.get("elb").is_some())
}

/// The answer where a path and a rule are named.
fn expected_answer(event: &[u8]) -> Option<&'static str> {
    if expected(event) > 0 {
        return Some(WARMED);
    }
    let event = parse(event).filter(Value::is_object)?;
    if is_of_the_rule(&event) {
        return Some(WARMED);
    }
    health_check(&event).map(|is_balancers| if is_balancers { BALANCERS } else { APIS })
}

const WARMED: &str = "\"warmed\"";
const BALANCERS: &str = "a load balancer's answer";
const APIS: &str = "an API's answer";

fn kind(answer: &str) -> &str {
    match answer {
        WARMED => WARMED,
        answer if answer.contains("multiValueHeaders") => BALANCERS,
        _ => APIS,
    }
}

/// The answer, and how many pings are served.
fn find(
    settings: &Settings,
    event: &[u8],
    context: Option<&[u8]>,
) -> (Option<&'static str>, usize) {
    let invocation = Invocation { event, client_context: context, ..Invocation::default() };
    let mut served = 0;
    let answer = event::find(settings, &invocation, &mut |_| served += 1);
    assert_eq!(answer.is_some(), served > 0);
    (answer, served)
}

fuzz_target!(|input: &[u8]| {
    let event = written(input);
    let mut environment = environment::EMPTY;
    let settings = Settings::new(&environment);
    assert_eq!(find(&settings, &event, None).1, expected(&event));
    let asks = parse(&event).is_some_and(|context| context.get("custom").is_some_and(is_ping));
    assert_eq!(find(&settings, b"{}", Some(&event)).1, usize::from(asks));

    environment.warming.set(b"_PATH", PATH);
    environment.warming.set(b"_RULES", RULE.as_bytes());
    let settings = Settings::new(&environment);
    assert_eq!(find(&settings, &event, None).0.map(kind), expected_answer(&event));
    assert_eq!(find(&settings, b"{}", Some(&event)).1, usize::from(asks));
});
