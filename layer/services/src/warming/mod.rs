//! Fan-outs: invokes the functions that a ping asks for, so that more environments are warm.
//!
//! The bootstrap has recognised the ping and written its record. This module chooses the
//! invocations as lambda-warmer 2.3.0 does, within the limits that the function's variables set.

mod fan_out;
mod number;
mod only;

use serde_json::Map;
use serde_json::Value;

use self::fan_out::FanOut;
use crate::aws::Client;
use crate::host;
use crate::variables::Variables;

/// Default limit of the environments that the pings of one event may ask for.
const MAX_CONCURRENCY: u32 = 50;

/// A ping, as the bootstrap passes it.
#[derive(Clone, Copy, Debug)]
pub struct Ping<'a> {
    /// The event: a JSON object.
    pub event: &'a str,
    /// This environment's id, as JSON.
    pub id: &'a str,
    /// The ARN that it was sent to; empty for unknown.
    pub invoked_function_arn: &'a str,
    /// The tenant; empty for none.
    pub tenant_id: &'a str,
    /// Deadline of its invocation, in milliseconds since the Unix epoch; 0 for unknown.
    pub deadline_ms: u64,
    /// Rest of its event's budget, as in the ABI: 0 once a ping exceeded it, else one more than the
    /// environments that may still be warmed.
    pub budget: u32,
}

/// The decision on a ping.
#[derive(Debug, Default)]
struct Plan<'a> {
    /// The allowed invocations, if any.
    fan_out: Option<FanOut<'a>>,
    /// A record of the reason for none, or for fewer than asked for.
    refusal: Option<String>,
    /// Rest of the budget.
    budget: u32,
}

/// Invokes the functions that the ping asks for, waits for them, and returns the rest of the
/// budget. Refusals and failures are logged, one line each.
pub fn serve(ping: &Ping, client: &Client) -> u32 {
    let plan = plan(ping, client.variables());
    if let Some(refusal) = &plan.refusal {
        host::log(refusal);
    }
    if let Some(record) = plan.fan_out.and_then(|fan_out| fan_out.send(client)) {
        host::log(&record);
    }
    plan.budget
}

fn plan<'a>(ping: &Ping<'a>, variables: &Variables) -> Plan<'a> {
    let nothing = Plan { budget: ping.budget, ..Plan::default() };
    let Ok(Value::Object(event)) = serde_json::from_str(ping.event) else {
        return nothing;
    };
    let max = max_concurrency(variables);
    let Some(left) = ping.budget.checked_sub(1).map(|left| left.min(max)) else {
        return nothing;
    };
    let function = Function::new(variables);
    let field = |variable: &str, default: &str| {
        let name = variables.get(variable).unwrap_or(default).trim();
        event.get(name).filter(|value| is_truthy(value))
    };
    let (requested, mut given) = concurrency(field("PILOTLIGHT_WARM_CONCURRENCY", "concurrency"));
    let target = field("PILOTLIGHT_WARM_TARGET", "target").and_then(Value::as_str);
    let other = target.filter(|target| !function.is(target, ping.invoked_function_arn));
    let refusal = |why: &str| {
        let target = other.unwrap_or(&function.qualified);
        Some(fan_out::refusal(&function.qualified, target, why))
    };
    if let Some(why) = reason_against(&event, other, variables) {
        return Plan { refusal: refusal(why), ..nothing };
    }
    let first = if other.is_some() { 1 } else { 2 };
    let last = requested.min(left);
    let mut plan = Plan { budget: left - (last + 1).saturating_sub(first) + 1, ..nothing };
    if requested > last && requested >= first {
        // Log this once per event.
        plan.budget = 0;
        plan.refusal = refusal(&format!("PILOTLIGHT_WARM_MAX_CONCURRENCY allows {max} an event"));
        given = Value::from(last);
    }
    if first > last {
        return plan;
    }
    plan.fan_out = Some(FanOut {
        target: target.unwrap_or(&function.qualified).to_owned(),
        function: function.qualified,
        invocations: first..=last,
        // As lambda-warmer: it compares numbers, so a count in a string never matches.
        is_last_synchronous: given.as_u64() == Some(u64::from(last))
            || given.as_f64() == Some(f64::from(last)),
        flag: variables.get("PILOTLIGHT_WARM_FLAG").unwrap_or("warmer").trim().to_owned(),
        concurrency: given,
        correlation_id: correlation_id(&event, ping.id),
        tenant_id: ping.tenant_id,
        deadline_ms: ping.deadline_ms,
    });
    plan
}

/// The reason against a fan-out, if any. `other`: the ping's target, if it is another function.
fn reason_against(
    event: &Map<String, Value>,
    other: Option<&str>,
    variables: &Variables,
) -> Option<&'static str> {
    let only = variables.get("PILOTLIGHT_WARM_ONLY");
    if only.is_some_and(|list| !only::allows(list, event)) {
        return Some("the ping matches no item of PILOTLIGHT_WARM_ONLY");
    }
    if let Some(other) = other {
        let allowed = variables.get("PILOTLIGHT_WARM_ALLOWED_TARGETS").unwrap_or_default();
        let is_allowed = allowed.split(',').any(|allowed| allowed.trim() == other);
        return (!is_allowed).then_some("PILOTLIGHT_WARM_ALLOWED_TARGETS does not name the target");
    }
    let kind = variables.get("AWS_LAMBDA_INITIALIZATION_TYPE");
    (kind == Some("provisioned-concurrency"))
        .then_some("provisioned concurrency keeps environments warm by itself")
}

/// The number of environments to warm, and the event's value for it.
fn concurrency(requested: Option<&Value>) -> (u32, Value) {
    let number = requested.and_then(number::of).filter(|&number| number > 1.0);
    match (number, requested) {
        (Some(number), Some(requested)) => (number::floor(number), requested.clone()),
        _ => (1, Value::from(1)),
    }
}

fn max_concurrency(variables: &Variables) -> u32 {
    let max = variables.get("PILOTLIGHT_WARM_MAX_CONCURRENCY");
    max.and_then(|max| max.trim().parse().ok()).unwrap_or(MAX_CONCURRENCY).max(1)
}

/// The event's correlation id, in the spelling of either port, or else `id`.
fn correlation_id(event: &Map<String, Value>, id: &str) -> Value {
    let given = |name: &str| event.get(name).filter(|value| is_truthy(value)).cloned();
    given("__WARMER_CORRELATIONID__")
        .or_else(|| given("__WARMER_CORRELATION_ID__"))
        .unwrap_or_else(|| serde_json::from_str(id).unwrap_or_default())
}

/// Whether JavaScript treats the value as true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// This function.
struct Function {
    name: String,
    version: String,
    /// Name and version, as lambda-warmer writes them.
    qualified: String,
}

impl Function {
    fn new(variables: &Variables) -> Function {
        let name = variables.get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default().to_owned();
        let version = variables.get("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or("$LATEST").to_owned();
        Function { qualified: format!("{name}:{version}"), name, version }
    }

    /// Whether `target` names this function: by version, by the invoked alias, or, for `$LATEST`,
    /// by name alone.
    fn is(&self, target: &str, invoked_function_arn: &str) -> bool {
        let alias = invoked_function_arn.rsplit(':').next().filter(|alias| !alias.is_empty());
        match target.strip_prefix(&self.name).map(|rest| rest.strip_prefix(':').ok_or(rest)) {
            Some(Ok(qualifier)) => qualifier == self.version || Some(qualifier) == alias,
            Some(Err(rest)) => rest.is_empty() && self.version == "$LATEST",
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVIRONMENT: [(&str, &str); 2] =
        [("AWS_LAMBDA_FUNCTION_NAME", "f"), ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")];

    fn planned(
        event: &str,
        variables: &[(&'static str, &'static str)],
    ) -> Result<Option<FanOut<'static>>, String> {
        let ping = Ping {
            event,
            id: "\"1-0002\"",
            invoked_function_arn: "arn:aws:lambda:us-east-1:1:function:f:live",
            tenant_id: "",
            deadline_ms: 0,
            budget: u32::MAX,
        };
        let all: Variables = ENVIRONMENT.iter().chain(variables).copied().collect();
        let planned = plan(&ping, &all);
        let fan_out = planned.fan_out.map(|fan_out| FanOut { tenant_id: "", ..fan_out });
        match planned.refusal {
            Some(refusal) if fan_out.is_none() => Err(refusal),
            _ => Ok(fan_out),
        }
    }

    /// The number of invocations of each of an event's pings, and the refusals.
    fn spent(event: &str, variables: &[(&'static str, &'static str)]) -> (Vec<usize>, Vec<String>) {
        let all: Variables = ENVIRONMENT.iter().chain(variables).copied().collect();
        let pings: Vec<Value> = serde_json::from_str(event).expect("a list");
        let (mut budget, mut refusals) = (u32::MAX, Vec::new());
        let counts = pings.iter().map(|ping| {
            let (event, id, invoked_function_arn) = (&*ping.to_string(), "1", "");
            let ping =
                Ping { event, id, invoked_function_arn, tenant_id: "", deadline_ms: 0, budget };
            let plan = plan(&ping, &all);
            budget = plan.budget;
            refusals.extend(plan.refusal);
            plan.fan_out.map_or(0, |fan_out| fan_out.invocations.count())
        });
        (counts.collect(), refusals)
    }

    /// The first and last number of the invocations, and whether the last is synchronous.
    fn invoked(event: &str) -> Option<(u32, u32, bool)> {
        let fan_out = planned(event, &[]).expect("allowed")?;
        let (first, last) = (*fan_out.invocations.start(), *fan_out.invocations.end());
        Some((first, last, fan_out.is_last_synchronous))
    }

    #[test]
    fn numbers_are_read_as_in_javascript() {
        assert_eq!(invoked(r#"{"warmer":true,"concurrency":3}"#), Some((2, 3, true)));
        assert_eq!(invoked(r#"{"warmer":true,"concurrency":3.0}"#), Some((2, 3, true)));
        assert_eq!(invoked(r#"{"warmer":true,"concurrency":"3"}"#), Some((2, 3, false)));
        assert_eq!(invoked(r#"{"warmer":true,"concurrency":" 0x3 "}"#), Some((2, 3, false)));
        assert_eq!(invoked(r#"{"warmer":true,"concurrency":2.5}"#), Some((2, 2, false)));
        assert_eq!(invoked(r#"{"warmer":true,"concurrency":1e3}"#), Some((2, 50, true)));
        for other in ["1", "\"x\"", "true", "-3", "1.5", "0.5", "[]"] {
            assert_eq!(invoked(&format!(r#"{{"warmer":true,"concurrency":{other}}}"#)), None);
        }
    }

    #[test]
    fn the_limit_is_the_variables() {
        let limit = [("PILOTLIGHT_WARM_MAX_CONCURRENCY", "4")];
        let fan_out = planned(r#"{"warmer":true,"concurrency":"400"}"#, &limit);
        let fan_out = fan_out.expect("allowed").expect("a fan-out");
        assert_eq!(fan_out.invocations, 2..=4);
        assert_eq!(fan_out.concurrency, 4);
        assert!(fan_out.is_last_synchronous);
    }

    #[test]
    fn the_pings_of_an_event_share_one_budget() {
        let limit = ("PILOTLIGHT_WARM_MAX_CONCURRENCY", "6");
        let allowed = ("PILOTLIGHT_WARM_ALLOWED_TARGETS", "g");
        let own = r#"{"warmer":1,"concurrency":3}"#;
        let others = r#"{"warmer":1,"concurrency":3,"target":"g"}"#;
        let run = |pings: &[&str]| spent(&format!("[{}]", pings.join(",")), &[limit, allowed]);
        assert_eq!(run(&[own, others]), (vec![2, 3], vec![]));
        let (counts, refusals) = run(&[own; 5]);
        assert_eq!(counts, [2, 2, 1, 0, 0]);
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        assert!(refusals[0].contains("MAX_CONCURRENCY allows 6 an event"), "{refusals:?}");
        let (counts, refusals) = run(&[others; 4]);
        assert_eq!((counts, refusals.len()), (vec![3, 3, 0, 0], 1), "{refusals:?}");
        let one = r#"{"warmer":1,"target":"g"}"#;
        assert_eq!(run(&[one; 100]).0.iter().sum::<usize>(), 6);
    }

    #[test]
    fn other_functions_have_to_be_allowed() {
        for own in ["f", "f:$LATEST", "f:live"] {
            let event = format!(r#"{{"warmer":true,"target":"{own}","concurrency":2}}"#);
            let fan_out = planned(&event, &[]).expect("allowed").expect("a fan-out");
            assert_eq!((fan_out.target.as_str(), fan_out.invocations), (own, 2..=2));
        }
        let event = r#"{"warmer":true,"target":"g:live"}"#;
        let refused = planned(event, &[]).expect_err("refused");
        assert!(refused.contains("PILOTLIGHT_WARM_ALLOWED_TARGETS"), "{refused}");
        let allowed = [("PILOTLIGHT_WARM_ALLOWED_TARGETS", "x, g:live")];
        let fan_out = planned(event, &allowed).expect("allowed").expect("a fan-out");
        assert_eq!((fan_out.target.as_str(), fan_out.invocations), ("g:live", 1..=1));
        assert!(planned(r#"{"warmer":true,"target":"f:1"}"#, &allowed).is_err());
    }

    #[test]
    fn provisioned_environments_warm_no_others_of_their_own() {
        let provisioned = ("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency");
        let event = r#"{"warmer":true,"concurrency":2}"#;
        assert!(planned(event, &[provisioned]).is_err());
        let allowed = ("PILOTLIGHT_WARM_ALLOWED_TARGETS", "g");
        let event = r#"{"warmer":true,"target":"g"}"#;
        assert!(planned(event, &[provisioned, allowed]).expect("allowed").is_some());
    }

    #[test]
    fn names_are_configurable_and_both_spellings_are_read() {
        let names = [
            ("PILOTLIGHT_WARM_FLAG", "warm"),
            ("PILOTLIGHT_WARM_CONCURRENCY", "n"),
            ("PILOTLIGHT_WARM_TARGET", "to"),
        ];
        let event =
            r#"{"warm":1,"n":2,"concurrency":9,"target":"x","__WARMER_CORRELATION_ID__":7}"#;
        let fan_out = planned(event, &names).expect("allowed").expect("a fan-out");
        assert_eq!((fan_out.flag.as_str(), fan_out.invocations), ("warm", 2..=2));
        assert_eq!(fan_out.correlation_id, 7);
        let fan_out = planned(r#"{"warm":1,"n":2}"#, &names).expect("allowed").expect("one");
        assert_eq!(fan_out.correlation_id, "1-0002");
    }
}
