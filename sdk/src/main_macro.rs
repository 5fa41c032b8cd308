//! The macro `main!`.

/// Exports handlers like [`handler!`](crate::handler!), and keeps a way back to the crate
/// `lambda_runtime`.
///
/// With the feature `lambda_runtime` the macro also defines `fn main()`, which serves the same
/// handlers on that crate, with the same answers and errors: then the file is an ordinary
/// `bootstrap` as well. Without the feature the macro is `handler!`.
///
/// ```
/// # mod function {
/// fn greet(name: String) -> Result<String, String> {
///     Ok(format!("Hello, {name}!"))
/// }
///
/// pilotlight::main!(greet);
/// # }
/// ```
///
/// `main!()` defines `fn main()` alone, for a file that exports its handlers by another macro.
///
/// A manifest with both targets on one file:
///
/// ```toml
/// [lib]
/// path = "src/main.rs"
/// crate-type = ["cdylib"]
///
/// [[bin]]
/// name = "bootstrap"
/// path = "src/main.rs"
/// required-features = ["lambda_runtime"]
///
/// [features]
/// lambda_runtime = ["pilotlight/lambda_runtime"]
/// ```
///
/// There, responses are JSON only, a streamed response is always one of a function URL or an API,
/// and [`config`](crate::config) fails with [`NoRuntime`](crate::config::Error::NoRuntime).
#[macro_export]
macro_rules! main {
    () => {
        $crate::__main! {}
    };
    ($($input:tt)+) => {
        $crate::handler! { $($input)+ }
        $crate::__main! {}
    };
}

#[cfg(not(feature = "lambda_runtime"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __main {
    () => {};
}

#[cfg(feature = "lambda_runtime")]
#[doc(hidden)]
#[macro_export]
macro_rules! __main {
    () => {
        /// Serves the handlers on the crate `lambda_runtime`.
        pub fn main() {
            // SAFETY: `handler!` exports a table with this name and of this type.
            unsafe extern "C" {
                #[link_name = "pilotlight_library"]
                safe static LIBRARY: $crate::__private::abi::Library;
            }
            $crate::__private::run_on_lambda_runtime(&LIBRARY)
        }
    };
}
