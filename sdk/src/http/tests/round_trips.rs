//! Properties of any names and values: queries and headers come back as they were.

use http::HeaderName;
use http::HeaderValue;
use http::Response;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::arrived;
use super::http_api;
use super::rest_api;
use crate::http::Front;
use crate::http::response::whole;

/// The number of events for each property.
const EVENTS: u64 = 2_000;

/// Numbers that look random, the same in every run: xorshift.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).expect("small")).expect("small")
    }

    /// A text of up to twelve of these characters.
    fn text(&mut self, characters: &str) -> String {
        let characters: Vec<char> = characters.chars().collect();
        (0..self.below(13)).map(|_| characters[self.below(characters.len())]).collect()
    }
}

/// Runs a property with as many sources of numbers as there are events.
fn for_many(property: impl Fn(&mut Numbers)) {
    (1..=EVENTS).for_each(|seed| property(&mut Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
}

/// The characters of a text whose escapes are resolved.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let digits = digits.map(|digits| std::str::from_utf8(digits).expect("ASCII"));
        let byte = digits.map(|digits| u8::from_str_radix(digits, 16).expect("an escape"));
        bytes.push(byte.unwrap_or(*first));
        rest = &rest[if byte.is_some() { 3 } else { 1 }..];
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn decoded_parameters_come_back_from_the_uri() {
    for_many(|numbers| {
        let characters = "aZ09-._~ +&=%?#/\\\"<>{}|^`[]\u{7f}\u{0}\nä€😀";
        let mut parameters = Map::new();
        for _ in 0..numbers.below(4) {
            let values = (0..=numbers.below(2)).map(|_| numbers.text(characters).into());
            let values: Vec<Value> = values.collect();
            parameters.insert(numbers.text(characters), values.into());
        }
        let event = rest_api(json!({ "multiValueQueryStringParameters": parameters }));
        let request = arrived(&event).request;
        let mut found = Map::new();
        for pair in request.uri().query().into_iter().flat_map(|query| query.split('&')) {
            let (name, value) = pair.split_once('=').expect("a value");
            let values = found.entry(decoded(name)).or_insert(json!([]));
            values.as_array_mut().expect("a list").push(decoded(value).into());
        }
        assert_eq!(found, parameters);
    });
}

#[test]
fn a_raw_query_is_not_changed_if_a_uri_can_have_it() {
    for_many(|numbers| {
        let query = numbers.text("aZ09-._~!$&'()*+,;=:@/?%|[]^\\");
        let event = http_api(json!({ "rawQueryString": query }));
        let expected = Some(&*query).filter(|query| !query.is_empty());
        assert_eq!(arrived(&event).request.uri().query(), expected);
    });
}

#[test]
fn headers_of_a_request_come_back_in_a_response() {
    for_many(|numbers| {
        let mut headers = Map::new();
        for _ in 0..numbers.below(5) {
            let name = format!("x{}", numbers.text("abz019-_!#$%&'*+.^`|~"));
            let values = (0..=numbers.below(2)).map(|_| numbers.text("aZ0 \t\"\\,;ä€😀").into());
            headers.insert(name, values.collect::<Vec<Value>>().into());
        }
        let request = arrived(&rest_api(json!({ "multiValueHeaders": headers }))).request;
        let mut response = Response::new(());
        *response.headers_mut() = request.headers().clone();
        let answer = whole(Front::RestApi, &response.into_parts().0, b"");
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        assert_eq!(answer["multiValueHeaders"], Value::Object(headers));
    });
}

#[test]
fn any_header_value_of_a_response_is_json() {
    for_many(|numbers| {
        let length = numbers.below(9);
        let bytes: Vec<u8> = (0..length)
            .map(|_| u8::try_from(32 + numbers.below(224)).expect("a byte"))
            .filter(|&byte| byte != 127)
            .collect();
        let value = HeaderValue::from_bytes(&bytes).expect("no control characters");
        let mut response = Response::new(());
        response.headers_mut().insert(HeaderName::from_static("a"), value);
        let answer = whole(Front::HttpApi, &response.into_parts().0, &bytes);
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        let latin_1 = || bytes.iter().map(|&byte| char::from(byte)).collect();
        let expected = std::str::from_utf8(&bytes).map_or_else(|_| latin_1(), str::to_owned);
        assert_eq!(answer["headers"]["a"], expected);
    });
}
