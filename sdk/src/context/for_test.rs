//! Contexts for unit tests, which own their values.

use std::ops::Deref;
use std::sync::Arc;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use pilotlight_abi as abi;

use super::Context;

/// A [`Context`] for a unit test, from [`Context::for_test`]. It owns its values; all others are
/// absent.
///
/// ```
/// use pilotlight::Context;
///
/// fn greet(name: String, context: &Context) -> Result<String, String> {
///     Ok(format!("Hello, {name} of {}!", context.tenant_id().unwrap_or("no tenant")))
/// }
///
/// let context = Context::for_test().with_tenant_id("blue");
/// assert_eq!(greet("Ada".into(), &context).unwrap(), "Hello, Ada of blue!");
/// # pilotlight::handler!(greet);
/// ```
#[derive(Debug, Default)]
pub struct TestContext {
    context: Context,
    /// Own what `context` points to, which does not move when this value does.
    texts: Vec<Arc<str>>,
}

impl TestContext {
    /// Sets the request id.
    #[must_use]
    pub fn with_request_id(mut self, id: &str) -> TestContext {
        self.context.0.request_id = self.keep(id);
        self
    }

    /// Sets the time when the invocation times out, to the millisecond.
    #[must_use]
    pub fn with_deadline(mut self, deadline: SystemTime) -> TestContext {
        let since = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.context.0.deadline_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Sets the ARN that the caller invoked.
    #[must_use]
    pub fn with_invoked_function_arn(mut self, arn: &str) -> TestContext {
        self.context.0.invoked_function_arn = self.keep(arn);
        self
    }

    /// Sets the X-Ray trace header.
    #[must_use]
    pub fn with_trace_id(mut self, header: &str) -> TestContext {
        self.context.0.trace_id = self.keep(header);
        self
    }

    /// Sets the client context: JSON text.
    #[must_use]
    pub fn with_client_context(mut self, json: &str) -> TestContext {
        self.context.0.client_context = self.keep(json);
        self
    }

    /// Sets the Cognito identity: JSON text.
    #[must_use]
    pub fn with_cognito_identity(mut self, json: &str) -> TestContext {
        self.context.0.cognito_identity = self.keep(json);
        self
    }

    /// Sets the tenant id.
    #[must_use]
    pub fn with_tenant_id(mut self, id: &str) -> TestContext {
        self.context.0.tenant_id = self.keep(id);
        self
    }

    /// Sets the function's name, version, and memory in MB.
    #[must_use]
    pub fn with_function(mut self, name: &str, version: &str, memory_mb: u64) -> TestContext {
        self.context.0.function_name = self.keep(name);
        self.context.0.function_version = self.keep(version);
        self.context.0.memory_size_mb = memory_mb;
        self
    }

    /// Sets the number of warming pings that the environment has answered.
    #[must_use]
    pub fn with_warm_count(mut self, count: u64) -> TestContext {
        self.context.0.warm_count = count;
        self
    }

    fn keep(&mut self, text: &str) -> abi::Bytes {
        let text: Arc<str> = text.into();
        let bytes = abi::Bytes::of(text.as_bytes());
        self.texts.push(text);
        bytes
    }
}

impl Deref for TestContext {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn values_are_read_after_the_context_has_moved() {
        let deadline = UNIX_EPOCH + Duration::from_millis(4_102_444_800_000);
        let context = Context::for_test()
            .with_request_id("one")
            .with_request_id("two")
            .with_deadline(deadline)
            .with_trace_id("Root=1")
            .with_function("shop", "$LATEST", 128)
            .with_warm_count(3);
        let context = Box::new(context);
        assert_eq!(context.request_id(), "two");
        assert_eq!(context.deadline(), Some(deadline));
        assert_eq!(context.trace_id(), Some("Root=1"));
        assert_eq!(context.function_name(), Some("shop"));
        assert_eq!(context.function_version(), Some("$LATEST"));
        assert_eq!((context.memory_size_mb(), context.warm_count()), (Some(128), 3));
        assert_eq!(context.tenant_id(), None);
    }
}
