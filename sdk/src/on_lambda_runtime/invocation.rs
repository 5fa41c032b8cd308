//! An invocation that owns its values.

use std::env;
use std::sync::OnceLock;

use lambda_runtime::LambdaInvocation;
use pilotlight_abi as abi;

/// An invocation as it arrived: the event and the headers, byte for byte.
pub struct Incoming {
    event: Vec<u8>,
    request_id: String,
    deadline_ms: u64,
    invoked_function_arn: Option<Vec<u8>>,
    trace_id: Option<Vec<u8>>,
    client_context: Option<Vec<u8>>,
    cognito_identity: Option<Vec<u8>>,
    tenant_id: Option<Vec<u8>>,
}

/// The variables that describe the function.
struct Settings {
    name: Option<String>,
    version: Option<String>,
    memory_size_mb: u64,
}

impl Incoming {
    /// Copies the invocation's values.
    pub fn of(invocation: &LambdaInvocation) -> Incoming {
        let header = |name: &str| {
            let value = invocation.parts.headers.get(name)?;
            Some(value.as_bytes().to_vec()).filter(|value| !value.is_empty())
        };
        Incoming {
            event: invocation.body.to_vec(),
            request_id: invocation.context.request_id.clone(),
            deadline_ms: invocation.context.deadline,
            invoked_function_arn: header("lambda-runtime-invoked-function-arn"),
            trace_id: header("lambda-runtime-trace-id"),
            client_context: header("lambda-runtime-client-context"),
            cognito_identity: header("lambda-runtime-cognito-identity"),
            tenant_id: header("lambda-runtime-aws-tenant-id"),
        }
    }

    /// The invocation for the ABI, which borrows from this value.
    pub fn borrow(&self, stream: *mut abi::Stream) -> abi::Invocation {
        let bytes = |value: &Option<Vec<u8>>| abi::Bytes::of_option(value.as_deref());
        let text = |value: &'static Option<String>| {
            abi::Bytes::of_option(value.as_ref().map(String::as_bytes))
        };
        let settings = Settings::get();
        abi::Invocation {
            event: abi::Bytes::of(&self.event),
            request_id: abi::Bytes::of(self.request_id.as_bytes()),
            deadline_ms: self.deadline_ms,
            invoked_function_arn: bytes(&self.invoked_function_arn),
            trace_id: bytes(&self.trace_id),
            client_context: bytes(&self.client_context),
            cognito_identity: bytes(&self.cognito_identity),
            tenant_id: bytes(&self.tenant_id),
            function_name: text(&settings.name),
            function_version: text(&settings.version),
            memory_size_mb: settings.memory_size_mb,
            stream,
            ..abi::Invocation::EMPTY
        }
    }
}

impl Settings {
    fn get() -> &'static Settings {
        static SETTINGS: OnceLock<Settings> = OnceLock::new();
        SETTINGS.get_or_init(|| {
            let memory = env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok();
            Settings {
                name: env::var("AWS_LAMBDA_FUNCTION_NAME").ok(),
                version: env::var("AWS_LAMBDA_FUNCTION_VERSION").ok(),
                memory_size_mb: memory.and_then(|memory| memory.parse().ok()).unwrap_or_default(),
            }
        })
    }
}
