//! Limits of one event that show in the invocations of a fan-out; botocore judges the signatures.

use serde_json::Value;
use serde_json::json;

use crate::support::script::next;
use crate::warming::WARMED;
use crate::warming::echo;
use crate::warming::lambda::Lambda;
use crate::warming::lambda::Manner;
use crate::warming::limits::list_of;
use crate::warming::serve;

fn refusals(records: &[Value]) -> Vec<&str> {
    records.iter().filter_map(|record| record["skipped"].as_str()).collect()
}

#[test]
fn the_pings_of_a_list_share_one_budget() {
    let lambda = Lambda::start(Manner::Accepting);
    let own = r#"{"warmer":true,"concurrency":3}"#;
    let other = r#"{"warmer":true,"target":"other","concurrency":3}"#;
    for (limit, ping, count, expected) in [
        (None, own, 100, 49),
        (None, other, 100, 50),
        (Some("5"), own, 20, 4),
        (Some("6"), other, 3, 6),
    ] {
        let mut function = echo(&[("PILOTLIGHT_WARM_ALLOWED_TARGETS", "other")]);
        if let Some(limit) = limit {
            function.variables.push(("PILOTLIGHT_WARM_MAX_CONCURRENCY".into(), limit.into()));
        }
        lambda.variables(&mut function);
        let served = serve(&function, vec![next(&list_of(count, ping)), next(ping)]);
        assert_eq!(served.answers, [WARMED, WARMED]);
        let requests = lambda.take().len();
        let second = if ping == own { 2 } else { 3 };
        assert_eq!(requests, expected + second, "the second event has a budget of its own");
        let refusals = refusals(&served.records);
        assert_eq!(refusals.len(), 1, "{}", served.log);
        assert!(refusals[0].contains("PILOTLIGHT_WARM_MAX_CONCURRENCY"), "{refusals:?}");
        // Each ping has its own record.
        assert_eq!(served.records.len(), count + 2, "{}", served.log);
    }
}

#[test]
fn the_largest_list_is_300_records_and_one_budget() {
    let lambda = Lambda::start(Manner::Accepting);
    let mut function = echo(&[]);
    lambda.variables(&mut function);
    let ping = r#"{"warmer":1,"concurrency":9}"#;
    let served = serve(&function, vec![next(&list_of(65_000 / (ping.len() + 1), ping))]);
    assert_eq!(served.answers, [WARMED]);
    assert_eq!(lambda.take().len(), 49);
    assert_eq!((served.records.len(), refusals(&served.records).len()), (301, 1));
}

#[test]
fn only_pings_of_a_named_schedule_fan_out_each_for_itself() {
    let lambda = Lambda::start(Manner::Accepting);
    let arn = "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/warm";
    let mut function = echo(&[("PILOTLIGHT_WARM_ONLY", arn)]);
    lambda.variables(&mut function);
    let named = json!({"warmer": true, "concurrency": 3, "resources": [arn]});
    let other = json!({"warmer": true, "concurrency": 3, "resources": ["arn:aws:other"]});
    let events = [named.clone(), other.clone(), json!([other, named])];
    let served = serve(&function, events.iter().map(|event| next(&event.to_string())).collect());
    assert_eq!(served.answers, [WARMED; 3]);
    let requests = lambda.take();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| !request.body.contains(arn)), "{requests:?}");
    assert_eq!(refusals(&served.records).len(), 2, "{}", served.log);
}
