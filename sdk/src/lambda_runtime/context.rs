//! The context of an invocation that owns its values.

use std::env;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use super::client::ClientContext;
use super::client::CognitoIdentity;

/// The context of one invocation, with the fields of `lambda_runtime`'s. `Context::default()` is
/// empty, for tests of a function.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The request id.
    pub request_id: String,
    /// The time when the invocation times out: milliseconds since the Unix epoch; 0 if it is
    /// absent.
    pub deadline: u64,
    /// The ARN that the caller invoked; empty if it is absent.
    pub invoked_function_arn: String,
    /// The X-Ray trace header.
    pub xray_trace_id: Option<String>,
    /// The client context of a mobile caller; also None if it is not a JSON object.
    pub client_context: Option<ClientContext>,
    /// The Cognito identity of a mobile caller; also None if it is not a JSON object.
    pub identity: Option<CognitoIdentity>,
    /// The tenant id, for functions with tenant isolation.
    pub tenant_id: Option<String>,
    /// The function's settings, which all invocations share.
    pub env_config: Arc<Config>,
}

/// Settings of the function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The function's name.
    pub function_name: String,
    /// The function's memory in MB.
    pub memory: i32,
    /// The function's version; `$LATEST` if it is not published.
    pub version: String,
    /// The name of the environment's log stream; empty if the platform does not say it.
    pub log_stream: String,
    /// The name of the function's log group; empty if the platform does not say it.
    pub log_group: String,
}

impl Context {
    /// The time when the invocation times out.
    pub fn deadline(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.deadline)
    }
}

impl From<&crate::Context> for Context {
    /// Copies the values.
    fn from(context: &crate::Context) -> Context {
        Context {
            request_id: context.request_id().to_owned(),
            deadline: context.deadline_ms(),
            invoked_function_arn: context.invoked_function_arn().unwrap_or_default().to_owned(),
            xray_trace_id: context.trace_id().map(str::to_owned),
            client_context: context.client_context().and_then(ClientContext::parse),
            identity: context.cognito_identity().and_then(CognitoIdentity::parse),
            tenant_id: context.tenant_id().map(str::to_owned),
            env_config: Config::of(context),
        }
    }
}

impl Config {
    /// The settings, which do not change while the process lives.
    fn of(context: &crate::Context) -> Arc<Config> {
        static CONFIG: OnceLock<Arc<Config>> = OnceLock::new();
        let config = CONFIG.get_or_init(|| {
            let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
            let memory = context.memory_size_mb().unwrap_or_default();
            Arc::new(Config {
                function_name: text(context.function_name()),
                memory: i32::try_from(memory).unwrap_or(i32::MAX),
                version: text(context.function_version()),
                log_stream: env::var("AWS_LAMBDA_LOG_STREAM_NAME").unwrap_or_default(),
                log_group: env::var("AWS_LAMBDA_LOG_GROUP_NAME").unwrap_or_default(),
            })
        });
        Arc::clone(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_copied_and_malformed_json_is_absent() {
        let context = crate::Context::for_test()
            .with_request_id("r1")
            .with_deadline(UNIX_EPOCH + Duration::from_millis(1_500))
            .with_invoked_function_arn("arn:f")
            .with_trace_id("Root=1")
            .with_client_context(r#"{"custom":{"a":"b"}}"#)
            .with_cognito_identity("{")
            .with_tenant_id("t")
            .with_function("shop", "7", 512);
        let copied = Context::from(&*context);
        assert_eq!((&*copied.request_id, copied.deadline), ("r1", 1_500));
        assert_eq!(copied.deadline(), UNIX_EPOCH + Duration::from_millis(1_500));
        assert_eq!(copied.invoked_function_arn, "arn:f");
        assert_eq!(copied.xray_trace_id.as_deref(), Some("Root=1"));
        assert_eq!(copied.client_context.expect("an object").custom["a"], "b");
        assert_eq!(copied.identity, None);
        assert_eq!(copied.tenant_id.as_deref(), Some("t"));
        assert_eq!((&*copied.env_config.function_name, copied.env_config.memory), ("shop", 512));
        assert_eq!(copied.env_config.version, "7");
    }
}
