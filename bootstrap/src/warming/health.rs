//! Health checks over HTTP at `PILOTLIGHT_WARM_PATH`: answered without the handler, and without
//! warming other environments.
//!
//! Source: AWS's documentation of the events of API Gateway (REST, and HTTP with payload formats
//! 1.0 and 2.0), function URLs and Application Load Balancers, and of the response that each
//! expects.

use super::protocol;
use super::settings::Settings;
use super::value::Value;

/// Response for API Gateway and function URLs.
const TO_API: &str = r#"{"statusCode":200,"headers":{"content-type":"application/json"},"body":"{\"warmed\":true}","isBase64Encoded":false}"#;

/// Response for load balancers. They read one of the two header fields, depending on the target
/// group.
const TO_BALANCER: &str = r#"{"statusCode":200,"statusDescription":"200 OK","headers":{"content-type":"application/json"},"multiValueHeaders":{"content-type":["application/json"]},"body":"{\"warmed\":true}","isBase64Encoded":false}"#;

/// The response to a health check; None if the event is the handler's.
pub fn answer(settings: &Settings, event: Value) -> Option<&'static str> {
    let health = settings.path()?;
    let context = event.member(protocol::REQUEST_CONTEXT).filter(|context| context.is_object())?;
    let is_version_2 = event.member(b"version").is_some_and(|version| version.is(b"2.0"));
    let (path, method) = if is_version_2 {
        (event.member(b"rawPath")?, context.member(b"http")?.member(b"method")?)
    } else {
        (event.member(b"path")?, event.member(b"httpMethod")?)
    };
    if !method.is(b"GET") && !method.is(b"HEAD") {
        return None;
    }
    // APIs with a named stage prefix the path with it. Stage names need no JSON escapes.
    let stage = || context.member(b"stage")?.content();
    let is_after_stage = |stage: &str| path.is_joined(&[b"/", stage.as_bytes(), health]);
    if !path.is(health) && !stage().is_some_and(is_after_stage) {
        return None;
    }
    Some(if context.member(b"elb").is_some() { TO_BALANCER } else { TO_API })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment;

    fn answered(event: &str) -> Option<&'static str> {
        let mut environment = environment::EMPTY;
        environment.warming.set(b"_PATH", b"/health");
        let settings = Settings::new(&environment);
        answer(&settings, Value::parse(event.as_bytes()).expect("JSON"))
    }

    #[test]
    fn each_kind_of_event_has_its_response() {
        let rest = r#"{"resource":"/{proxy+}","path":"/health","httpMethod":"GET","multiValueHeaders":{},
            "requestContext":{"stage":"prod","httpMethod":"GET","resourcePath":"/{proxy+}"}}"#;
        assert_eq!(answered(rest), Some(TO_API));
        let version_2 = r#"{"version":"2.0","rawPath":"/prod/health","rawQueryString":"",
            "requestContext":{"stage":"prod","http":{"method":"GET","path":"/prod/health"}}}"#;
        assert_eq!(answered(version_2), Some(TO_API));
        let url = r#"{"version":"2.0","rawPath":"/health",
            "requestContext":{"stage":"$default","http":{"method":"HEAD","path":"/health"}}}"#;
        assert_eq!(answered(url), Some(TO_API));
        let balancer = r#"{"requestContext":{"elb":{"targetGroupArn":"a"}},"httpMethod":"GET",
            "path":"/health","headers":{},"body":"","isBase64Encoded":false}"#;
        assert_eq!(answered(balancer), Some(TO_BALANCER));
        let multi = balancer.replace("headers", "multiValueHeaders");
        assert_eq!(answered(&multi), Some(TO_BALANCER));
        let escaped = balancer.replace("/health", "\\/health");
        assert_eq!(answered(&escaped), Some(TO_BALANCER));
    }

    #[test]
    fn other_requests_are_the_handlers() {
        for event in [
            r#"{"path":"/health","httpMethod":"GET"}"#,
            r#"{"path":"/health","httpMethod":"POST","requestContext":{}}"#,
            r#"{"path":"/health/x","httpMethod":"GET","requestContext":{"stage":"x"}}"#,
            r#"{"path":"/x/health","httpMethod":"GET","requestContext":{"stage":"y"}}"#,
            r#"{"path":"x/health","httpMethod":"GET","requestContext":{}}"#,
            r#"{"version":"2.0","path":"/health","httpMethod":"GET","requestContext":{"http":{}}}"#,
        ] {
            assert_eq!(answered(event), None, "{event}");
        }
    }
}
