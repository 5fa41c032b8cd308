//! Extensions of a request: the contexts of the request and of the invocation.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use serde::Deserialize;

use super::event::Event;
use super::front::Front;

/// The event's `requestContext`, in the extensions of each request: identity of the caller, claims
/// of an authorizer, stage, client certificate. It is JSON until it is parsed.
///
/// ```
/// use pilotlight::http;
/// use pilotlight::http::RequestContext;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Context { authorizer: Authorizer }
/// #[derive(Deserialize)]
/// struct Authorizer { jwt: Jwt }
/// #[derive(Deserialize)]
/// struct Jwt { claims: Claims }
/// #[derive(Deserialize)]
/// struct Claims { sub: String }
///
/// fn user(request: &http::Request) -> Option<String> {
///     let context = request.extensions().get::<RequestContext>()?;
///     context.parse::<Context>().ok().map(|context| context.authorizer.jwt.claims.sub)
/// }
/// # let event = br#"{"version": "2.0", "rawPath": "/", "requestContext": {"http": {"method":
/// #     "GET"}, "authorizer": {"jwt": {"claims": {"sub": "Ada"}}}}}"#;
/// # assert_eq!(user(&http::request_of(event)?), Some("Ada".into()));
/// # Ok::<_, pilotlight::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequestContext {
    front: Front,
    context: Option<Arc<str>>,
    path_parameters: Option<Arc<str>>,
    stage_variables: Option<Arc<str>>,
}

impl RequestContext {
    pub(super) fn of(front: Front, event: &Event) -> RequestContext {
        let owned = |json: Option<&str>| json.map(Arc::from);
        RequestContext {
            front,
            context: owned(event.context_json),
            path_parameters: owned(event.path_parameters),
            stage_variables: owned(event.stage_variables),
        }
    }

    /// The service that the request came through.
    pub fn front(&self) -> Front {
        self.front
    }

    /// The context as JSON; `null` if the event has none.
    pub fn json(&self) -> &str {
        text(&self.context)
    }

    /// Parses the context. `T` may borrow from it.
    ///
    /// # Errors
    /// The context is not a `T`.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.json())
    }

    /// Parses API Gateway's `pathParameters`: a map of texts, or null.
    ///
    /// # Errors
    /// They are not a `T`.
    pub fn path_parameters<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(text(&self.path_parameters))
    }

    /// Parses API Gateway's `stageVariables`: a map of texts, or null.
    ///
    /// # Errors
    /// They are not a `T`.
    pub fn stage_variables<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(text(&self.stage_variables))
    }
}

fn text(json: &Option<Arc<str>>) -> &str {
    json.as_deref().unwrap_or("null")
}

/// The invocation, in the extensions of each request: its request id, deadline and trace id.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The request id, and the trace header after it: one allocation.
    texts: Arc<str>,
    request_id_length: usize,
    is_traced: bool,
    deadline: Option<SystemTime>,
}

impl Invocation {
    pub(super) fn of(context: &crate::Context) -> Invocation {
        let trace_id = context.trace_id();
        Invocation {
            texts: [context.request_id(), trace_id.unwrap_or_default()].concat().into(),
            request_id_length: context.request_id().len(),
            is_traced: trace_id.is_some(),
            deadline: context.deadline(),
        }
    }

    /// The request id of the invocation.
    pub fn request_id(&self) -> &str {
        &self.texts[..self.request_id_length]
    }

    /// The time when the invocation times out.
    pub fn deadline(&self) -> Option<SystemTime> {
        self.deadline
    }

    /// The time until the deadline; zero after it.
    pub fn remaining(&self) -> Option<Duration> {
        Some(self.deadline?.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// The X-Ray trace header.
    pub fn trace_id(&self) -> Option<&str> {
        self.is_traced.then(|| &self.texts[self.request_id_length..])
    }
}
