//! The context of an invocation.

mod for_test;

pub use self::for_test::TestContext;

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use pilotlight_abi as abi;

/// The context of one invocation: its request id, deadline, trace id and the like. Only the request
/// id is always present.
///
/// Tests of a handler make one by [`Context::for_test`].
///
/// ```
/// use pilotlight::Context;
///
/// fn identify(_event: serde::de::IgnoredAny, context: &Context) -> Result<String, String> {
///     Ok(format!("{} in {:?}", context.request_id(), context.function_name()))
/// }
/// # assert_eq!(identify(serde::de::IgnoredAny, &Context::for_test()).unwrap(), " in None");
/// # pilotlight::handler!(identify);
/// ```
#[repr(transparent)]
pub struct Context(abi::Invocation);

/// The only code that follows an invocation's pointers.
#[allow(unsafe_code)] // Borrows through the ABI's pointers.
mod borrow {
    use super::Context;
    use super::abi;

    // SAFETY: neither the runtime nor a `TestContext` writes to what an invocation borrows while
    // the invocation lives.
    unsafe impl Send for Context {}
    // SAFETY: as above.
    unsafe impl Sync for Context {}

    impl Context {
        /// # Safety
        /// The bytes that `invocation` borrows live for `'a`. The ABI promises this until the
        /// outcome is released.
        pub unsafe fn borrow<'a>(invocation: *const abi::Invocation) -> &'a Context {
            // SAFETY: the function's own contract; Context is transparent.
            unsafe { &*invocation.cast() }
        }

        /// The bytes of one of this context's own values; None if it is absent.
        pub(super) fn bytes(&self, value: abi::Bytes) -> Option<&[u8]> {
            // SAFETY: `value` belongs to this invocation, and lives as long.
            unsafe { value.as_slice() }
        }
    }
}

impl Context {
    /// A context for a unit test, in which every value is absent that the test does not set.
    pub fn for_test() -> TestContext {
        TestContext::default()
    }

    /// The event's bytes.
    pub(crate) fn event(&self) -> &[u8] {
        self.bytes(self.0.event).unwrap_or_default()
    }

    /// The runtime's handle for a streamed response.
    pub(crate) fn stream(&self) -> *mut abi::Stream {
        self.0.stream
    }

    /// The deadline in milliseconds since the Unix epoch; 0 if it is absent.
    pub(crate) fn deadline_ms(&self) -> u64 {
        self.0.deadline_ms
    }

    /// The request id.
    pub fn request_id(&self) -> &str {
        self.text(self.0.request_id).unwrap_or_default()
    }

    /// The time when the invocation times out.
    pub fn deadline(&self) -> Option<SystemTime> {
        match self.0.deadline_ms {
            0 => None,
            deadline => UNIX_EPOCH.checked_add(Duration::from_millis(deadline)),
        }
    }

    /// The time until the deadline; zero after it.
    pub fn remaining(&self) -> Option<Duration> {
        let deadline = self.deadline()?;
        Some(deadline.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// The ARN that the caller invoked. It ends with the version or alias, if the caller named one.
    pub fn invoked_function_arn(&self) -> Option<&str> {
        self.text(self.0.invoked_function_arn)
    }

    /// The X-Ray trace header. The variable `_X_AMZN_TRACE_ID` has it too, unless the function
    /// allows several invocations at once.
    pub fn trace_id(&self) -> Option<&str> {
        self.text(self.0.trace_id)
    }

    /// The client context that the caller (usually a mobile SDK) sent: JSON text.
    pub fn client_context(&self) -> Option<&str> {
        self.text(self.0.client_context)
    }

    /// The Cognito identity of a mobile client: JSON text.
    pub fn cognito_identity(&self) -> Option<&str> {
        self.text(self.0.cognito_identity)
    }

    /// The tenant id, for functions with tenant isolation.
    pub fn tenant_id(&self) -> Option<&str> {
        self.text(self.0.tenant_id)
    }

    /// The function's name.
    pub fn function_name(&self) -> Option<&str> {
        self.text(self.0.function_name)
    }

    /// The function's version; `$LATEST` if it is not published.
    pub fn function_version(&self) -> Option<&str> {
        self.text(self.0.function_version)
    }

    /// The function's memory in MB.
    pub fn memory_size_mb(&self) -> Option<u64> {
        (self.0.memory_size_mb != 0).then_some(self.0.memory_size_mb)
    }

    /// The number of warming pings that the runtime has answered in this execution environment.
    /// Pings never reach a handler.
    pub fn warm_count(&self) -> u64 {
        self.0.warm_count
    }

    fn text(&self, value: abi::Bytes) -> Option<&str> {
        std::str::from_utf8(self.bytes(value)?).ok()
    }
}

impl Default for Context {
    fn default() -> Context {
        Context(abi::Invocation::EMPTY)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("request_id", &self.request_id())
            .field("deadline", &self.deadline())
            .field("invoked_function_arn", &self.invoked_function_arn())
            .field("trace_id", &self.trace_id())
            .field("tenant_id", &self.tenant_id())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_none() {
        let context = Context::default();
        assert_eq!(context.request_id(), "");
        assert_eq!(context.deadline(), None);
        assert_eq!(context.remaining(), None);
        assert_eq!(context.tenant_id(), None);
        assert_eq!(context.memory_size_mb(), None);
        assert_eq!(context.warm_count(), 0);
    }

    #[test]
    fn remaining_time_is_right_for_any_deadline() {
        let remaining = |deadline_ms| {
            let mut context = Context::default();
            context.0.deadline_ms = deadline_ms;
            context.remaining()
        };
        assert_eq!(remaining(600_000), Some(Duration::ZERO));
        assert!(remaining(u64::MAX).is_none_or(|time| time > Duration::from_secs(1 << 32)));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        let soon = remaining(u64::try_from(now).expect("before the year 500 million") + 60_000);
        assert!(soon.is_some_and(|time| time.as_secs() == 59 || time.as_secs() == 60));
    }
}
