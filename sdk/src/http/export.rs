//! The macro that exports a service.

/// Exports a service as the library's one handler, `http`: an axum `Router`, or any other
/// [`tower_service::Service`] of [`http::Request`]s.
///
/// ```
/// # use std::convert::Infallible;
/// # use std::future::Ready;
/// # use std::future::ready;
/// # use std::task::Context;
/// # use std::task::Poll;
/// #
/// # use http::Response;
/// # use pilotlight::http::Body;
/// # use pilotlight::http::Request;
/// # use tower_service::Service;
/// #
/// #[derive(Clone)]
/// struct Hello;
///
/// impl Service<Request> for Hello {
///     type Response = Response<Body>;
///     type Error = Infallible;
///     type Future = Ready<Result<Response<Body>, Infallible>>;
///
///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
///         Poll::Ready(Ok(()))
///     }
///
///     fn call(&mut self, _: Request) -> Self::Future {
///         ready(Ok(Response::new("Hello".into())))
///     }
/// }
///
/// pilotlight::http!(Hello);
/// ```
///
/// The expression is evaluated once, after `init` and before the first invocation. It may use `?`
/// and `.await`; with the feature `tokio`, it runs on that runtime: `http!(app().await?)`. The
/// service is `Clone + Send + Sync + 'static`, and is cloned for each request.
///
/// Further arguments are the options of [`handler!`](crate::handler!):
/// `http!(app(), init = setup, shutdown = close)`.
#[macro_export]
macro_rules! http {
    ($service:expr $(, $($option:tt)*)?) => {
        const _: () = {
            static __ENDPOINT: $crate::http::__private::Endpoint =
                $crate::http::__private::Endpoint::new();

            // In a module, so that in the expression `http` is the crate.
            mod pilotlight_application {
                #[allow(non_camel_case_types)]
                pub struct http;
            }

            impl $crate::http::__private::Application for pilotlight_application::http {
                fn endpoint() -> &'static $crate::http::__private::Endpoint {
                    &__ENDPOINT
                }

                fn make() -> ::core::result::Result<(), $crate::http::__private::AnyError> {
                    __ENDPOINT.set(async { Ok($service) })
                }
            }

            $crate::__handler! { [] pilotlight_application::http, $($($option)*)? }
        };
    };
}
