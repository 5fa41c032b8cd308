//! Events and client contexts: what is found to be a ping is what a full JSON parser would find.
//!
//! The input is an event as it is, or chooses the words of one, or what is written in its place: JSON in
//! which names and values that matter are frequent, here and there with a byte that is another.

#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use pilotlight_bootstrap::environment;
use pilotlight_bootstrap::invocation::Invocation;
use pilotlight_bootstrap::warming::event;
use pilotlight_bootstrap::warming::settings::Settings;
use serde_json::Value;

/// As deep as a ping may nest.
const MOST_DEPTH: usize = 64;

const WORDS: [&str; 32] = [
    "{", "}", "[", "]", ":", ",", " ", "\n", "\"warmer\"", "\"w\\u0061rmer\"", "\"source\"",
    "\"serverless-plugin-warmup\"", "\"Records\"", "\"requestContext\"", "\"request\\u0043ontext\"",
    "\"custom\"", "true", "false", "null", "0", "1", "-0.0e5", "1e-9", "\"\"", "\"0\"", "\"a\\\"b\"",
    "\"\\ud83d\\ude00\"", "\"\\ud800\"", "\"warmer", "{\"warmer\":true", "{\"warmer\":", "}",
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
    "-0.0e5",
    "\"\"",
    "\"false\"",
    "false",
    "null",
    "\"serverless-plugin-warmup\"",
    "\"serverless\\u002dplugin-warmup\"",
    "\"{\\\"warmer\\\":true}\"",
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
        Value::Number(number) => {
            let text = number.to_string();
            let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
            mantissa.contains(|digit| ('1'..='9').contains(&digit))
        }
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn is_ping(value: &Value) -> bool {
    let Value::Object(event) = value else {
        return false;
    };
    !event.contains_key("requestContext")
        && !event.contains_key("Records")
        && (event.get("warmer").is_some_and(is_truthy)
            || event.get("source").is_some_and(|source| source == "serverless-plugin-warmup"))
}

fn parse(json: &[u8]) -> Option<Value> {
    let value = serde_json::from_slice(&without_surrogates(json)).ok()?;
    (depth(json) <= MOST_DEPTH).then_some(value)
}

fn is_expected(event: &[u8]) -> bool {
    match parse(event) {
        Some(Value::Array(events)) => events.iter().any(is_ping),
        Some(event) => is_ping(&event),
        None => false,
    }
}

fuzz_target!(|input: &[u8]| {
    let event = written(input);
    let environment = environment::EMPTY;
    let settings = Settings::new(&environment);
    let found = |event: &[u8], client_context: Option<&[u8]>| {
        let invocation = Invocation { event, client_context, ..Invocation::default() };
        event::find(&settings, &invocation, &mut |_| ()).is_some()
    };
    assert_eq!(found(&event, None), is_expected(&event));
    let asks = parse(&event).is_some_and(|context| context.get("custom").is_some_and(is_ping));
    assert_eq!(found(b"{}", Some(&event)), asks);
});
