//! Recognises pings. In doubt, an event is the handler's.
//!
//! Sources: lambda-warmer 2.3.0 (npm) and lambda-warmer-py 0.6.0 (PyPI) for the meaning of fields;
//! the events of EventBridge rules and EventBridge Scheduler.

use super::candidate;
use super::health;
use super::protocol;
use super::settings::Settings;
use super::value::Value;
use crate::invocation::Invocation;

/// Answer to a ping: the string that the handler in lambda-warmer's README returns.
const WARMED: &str = "\"warmed\"";

/// Pings served from one array; the rest are ignored. Each is a line in the log, and a rule's input
/// has room for fewer.
pub const MAX_PINGS: usize = 300;

/// One ping; its values are the event's JSON, unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ping<'a> {
    /// The whole ping, if it asks for other environments.
    pub fan_out: Option<Value<'a>>,
    /// Whether it is one of several pings sent at once.
    pub is_child: bool,
    /// Its number among them.
    pub count: Option<Value<'a>>,
    /// Their number.
    pub concurrency: Option<Value<'a>>,
    /// Id that they share.
    pub correlation_id: Option<Value<'a>>,
}

/// Passes each ping of an invocation to `serve`, up to [`MAX_PINGS`], and returns the answer. None:
/// the invocation is the handler's.
pub fn find<'a>(
    settings: &Settings,
    invocation: &Invocation<'a>,
    serve: &mut dyn FnMut(&Ping<'a>),
) -> Option<&'static str> {
    let context = invocation.client_context.filter(|context| may_hold_a_ping(settings, context));
    let custom = context.and_then(Value::parse).and_then(|context| context.member(b"custom"));
    if let Some(ping) = &custom.and_then(|custom| Members::of(settings, custom).ping(custom)) {
        serve(ping);
        return Some(WARMED);
    }
    if !may_hold_a_ping(settings, invocation.event) {
        return None;
    }
    let mut pings = 0;
    let mut look = |event, members: &mut Members<'a>| {
        if let Some(ping) = &members.ping(event) {
            pings += 1;
            if pings <= MAX_PINGS {
                serve(ping);
            }
        }
    };
    let mut members = Members::new(settings);
    let event = Value::parse_with(invocation.event, &mut |key, value| members.insert(key, value))?;
    if !event.is_object() {
        event.each(&mut |_, item| look(item, &mut Members::of(settings, item)));
        return (pings > 0).then_some(WARMED);
    }
    look(event, &mut members);
    let mut answer = (pings > 0).then_some(WARMED);
    if answer.is_none() && settings.is_opted_in() {
        answer = if is_of_a_rule(settings, event) {
            Some(WARMED)
        } else {
            health::answer(settings, event)
        };
        if answer.is_some() {
            serve(&Ping::default());
        }
    }
    answer
}

/// Whether the text has to be parsed. False for most events.
fn may_hold_a_ping(settings: &Settings, json: &[u8]) -> bool {
    json.len() <= candidate::MAX_PING_SIZE && settings.may_ask(json)
}

/// Members of an object that make it a ping, and tell what it asks for.
struct Members<'a> {
    names: [&'static [u8]; MEMBERS],
    found: [Option<Value<'a>>; MEMBERS],
}

const MEMBERS: usize = 11;

impl<'a> Members<'a> {
    fn new(settings: &Settings) -> Members<'a> {
        let names = [
            protocol::REQUEST_CONTEXT,
            protocol::RECORDS,
            protocol::SOURCE,
            settings.flag(),
            settings.target(),
            settings.test(),
            settings.concurrency(),
            protocol::INVOCATION,
            protocol::CONCURRENCY,
            protocol::CORRELATION_ID,
            protocol::CORRELATION_ID_OF_PYTHON,
        ];
        Members { names, found: [None; MEMBERS] }
    }

    fn of(settings: &Settings, object: Value<'a>) -> Members<'a> {
        let mut members = Members::new(settings);
        object.each(&mut |key, value| members.insert(key, value));
        members
    }

    /// Of members with the same name the last one counts, as in parsers that build maps.
    fn insert(&mut self, key: Value, value: Value<'a>) {
        // Most keys differ in the first character: compare it first.
        let first = key.text().as_bytes().get(1);
        for (name, found) in self.names.iter().zip(&mut self.found) {
            if (first == name.first() || first == Some(&b'\\')) && key.is(name) {
                *found = Some(value);
            }
        }
    }

    /// The ping, if the members make one. `event` is the object they came from.
    fn ping(&mut self, event: Value<'a>) -> Option<Ping<'a>> {
        let [context, records, source, fields @ ..] = &mut self.found;
        if context.or(*records).is_some() {
            return None;
        }
        for field in fields.iter_mut() {
            *field = field.filter(|value| value.is_truthy());
        }
        let [flag, target, test, requested, count, total, id, id_of_python] = fields;
        if flag.is_none() {
            let is_plugin = source.is_some_and(|source| source.is(protocol::PLUGIN));
            // The plugin sends several at once, and does not mark them.
            return is_plugin.then(|| Ping { is_child: true, ..Ping::default() });
        }
        let simple = |field: Option<Value<'a>>| field.filter(Value::is_simple);
        let (requested, count) = (simple(*requested), simple(*count));
        let is_more_than_one =
            |value: Option<Value>| value.is_some_and(|value| value.text() != "1");
        let asks = is_more_than_one(requested) || target.is_some();
        Some(Ping {
            fan_out: (asks && test.is_none()).then_some(event),
            is_child: is_more_than_one(count),
            count,
            concurrency: simple(*total).or(requested),
            correlation_id: simple(id.or(*id_of_python)),
        })
    }
}

/// Whether a rule or schedule of `PILOTLIGHT_WARM_RULES` has sent the event: their default events
/// name the sender.
fn is_of_a_rule(settings: &Settings, event: Value) -> bool {
    let resources = event.member(protocol::RESOURCES).filter(|list| !list.is_object());
    let mut is_named = false;
    if let Some(list) = resources {
        list.each(&mut |_, arn| is_named |= settings.rules().any(|rule| arn.is(rule)));
    }
    let of_anyone = event.member(protocol::REQUEST_CONTEXT).or(event.member(protocol::RECORDS));
    is_named && of_anyone.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment;

    fn found(event: &str) -> Option<&'static str> {
        found_with(&[], event, None)
    }

    fn found_with(
        variables: &[(&str, &'static str)],
        event: &str,
        client_context: Option<&str>,
    ) -> Option<&'static str> {
        let mut environment = environment::EMPTY;
        for (name, value) in variables {
            environment.warming.set(name.as_bytes(), value.as_bytes());
        }
        let invocation = Invocation {
            event: event.as_bytes(),
            client_context: client_context.map(str::as_bytes),
            ..Invocation::default()
        };
        find(&Settings::new(&environment), &invocation, &mut |_| ())
    }

    #[test]
    fn the_flag_counts_if_it_is_truthy_in_javascript() {
        for event in [
            r#"{"warmer":true}"#,
            r#" {"warmer":"false","x":[{}]} "#,
            r#"{"warmer":1}"#,
            r#"{"a":"padding padding","w\u0061rmer":true}"#,
            r#"{"warmer":false,"warmer":true,"padding":"padding"}"#,
            r#"[{"warmer":true}]"#,
            r#"[1,{"x":1},{"warmer":true}]"#,
            r#"{"source":"serverless-plugin-warmup"}"#,
        ] {
            assert!(found(event).is_some(), "{event}");
        }
        for event in [
            r#"{"warmer":false}"#,
            r#"{"warmer":0,"x":1}"#,
            r#"{"warmer":true,"warmer":""}"#,
            r#"{"nested":{"warmer":true}}"#,
            r#"{"text":"{\"warmer\":true}"}"#,
            r#""warmer""#,
            r#"{"warmer":true"#,
            r#"{"warmer":true}}"#,
            r#"{"warmer":true,"requestContext":{}}"#,
            r#"{"Records":[{"warmer":true}],"warmer":true}"#,
            r#"[[{"warmer":true}]]"#,
            r#"[]"#,
            r#"{"source":"serverless-plugin-warmup","requestContext":null}"#,
            "",
        ] {
            assert!(found(event).is_none(), "{event}");
        }
    }

    #[test]
    fn an_event_above_the_size_limit_is_no_ping() {
        let ping = "{\"warmer\":true}";
        let event = |size: usize| " ".repeat(size - ping.len()) + ping;
        assert!(found(&event(64 << 10)).is_some());
        assert!(found(&event((64 << 10) + 1)).is_none());
    }

    #[test]
    fn a_list_is_served_up_to_the_limit() {
        for (pings, expected) in [(1, 1), (MAX_PINGS, MAX_PINGS), (3000, MAX_PINGS)] {
            let event = alloc::format!("[{{}},{}{{}}]", r#"{"warmer":1},"#.repeat(pings));
            let environment = environment::EMPTY;
            let invocation = Invocation { event: event.as_bytes(), ..Invocation::default() };
            let mut served = 0;
            let answer = find(&Settings::new(&environment), &invocation, &mut |_| served += 1);
            assert_eq!((answer, served), (Some(WARMED), expected));
        }
    }

    #[test]
    fn fields_are_read_under_their_names() {
        let read = |event: &'static str| {
            let mut environment = environment::EMPTY;
            for (name, value) in
                [("_FLAG", "warm"), ("_CONCURRENCY", "n"), ("_TARGET", "to"), ("_TEST", " dry ")]
            {
                environment.warming.set(name.as_bytes(), value.as_bytes());
            }
            let event = Value::parse(event.as_bytes()).expect("JSON");
            Members::of(&Settings::new(&environment), event).ping(event).expect("a ping")
        };
        let child = read(
            r#"{"warm":1,"__WARMER_INVOCATION__":2,"__WARMER_CONCURRENCY__":"3",
                "__WARMER_CORRELATION_ID__":"c"}"#,
        );
        assert!(child.is_child && child.fan_out.is_none());
        assert_eq!(child.count.map(Value::text), Some("2"));
        assert_eq!(child.concurrency.map(Value::text), Some("\"3\""));
        assert_eq!(child.correlation_id.map(Value::text), Some("\"c\""));
        for event in [r#"{"warm":1,"n":"3"}"#, r#"{"warm":1,"n":2}"#, r#"{"warm":1,"to":"f"}"#] {
            let ping = read(event);
            assert_eq!(ping.fan_out.map(Value::text), Some(event));
            assert!(!ping.is_child);
        }
        for event in [
            r#"{"warm":1}"#,
            r#"{"warm":1,"n":1}"#,
            r#"{"warm":1,"n":true}"#,
            r#"{"warm":1,"concurrency":3,"target":"f"}"#,
            r#"{"warm":1,"n":3,"to":"f","dry":[]}"#,
        ] {
            assert_eq!(read(event).fan_out, None, "{event}");
        }
    }

    #[test]
    fn a_client_context_may_hold_a_ping() {
        for context in
            [r#"{"custom":{"source":"serverless-plugin-warmup"}}"#, r#"{"custom":{"warmer":true}}"#]
        {
            assert!(found_with(&[], "{}", Some(context)).is_some(), "{context}");
        }
        for context in [r#"{"source":"serverless-plugin-warmup"}"#, r#"{"warmer":true}"#, "{", ""] {
            assert!(found_with(&[], "{}", Some(context)).is_none(), "{context}");
        }
    }

    #[test]
    fn only_events_of_named_rules_are_pings() {
        let rule = r#"{"version":"0","detail-type":"Scheduled Event","source":"aws.events",
            "resources":["arn:aws:events:eu-west-1:1:rule/warm"],"detail":{}}"#;
        let schedule = r#"{"version":"0","detail-type":"Scheduled Event","source":"aws.scheduler",
            "resources":["arn:aws:scheduler:eu-west-1:1:schedule/default/warm"],"detail":"{}"}"#;
        let named = [(
            "_RULES",
            "arn:aws:events:eu-west-1:1:rule/warm, arn:aws:scheduler:eu-west-1:1:schedule/default/warm",
        )];
        let other = [("_RULES", "arn:aws:events:eu-west-1:1:rule/war")];
        for event in [rule, schedule] {
            assert!(found(event).is_none());
            assert!(found_with(&other, event, None).is_none());
            assert!(found_with(&named, event, None).is_some(), "{event}");
            let nested = alloc::format!("{{\"detail\":{event}}}");
            assert!(found_with(&named, &nested, None).is_none());
            let request = event.replace("\"version\":\"0\"", "\"requestContext\":{}");
            assert!(found_with(&named, &request, None).is_none());
        }
    }
}
