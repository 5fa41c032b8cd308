//! The error with an `errorType` that the handler chooses.

use std::error::Error as StdError;
use std::fmt;

/// An error with an `errorType` that the handler chooses, for callers that depend on it: a `Catch`
/// of Step Functions compares its `ErrorEquals` with the `errorType`.
///
/// ```
/// use pilotlight::Error;
///
/// fn pay(amount: u64) -> Result<(), Error> {
///     if amount > 100 {
///         return Err(Error::new("PaymentDeclined", "the card's limit is 100"));
///     }
///     Ok(())
/// }
/// # pilotlight::handler!(pay);
/// ```
///
/// The `errorType` also applies if this error is in a `Box<dyn Error>` or an `anyhow::Error`, or is
/// the cause of an error in one. A handler can convert its own error enum with `From`:
///
/// ```
/// # use std::fmt;
/// #[derive(Debug)]
/// enum OrderError {
///     OutOfStock,
///     Declined { limit: u64 },
/// }
/// # impl fmt::Display for OrderError {
/// #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
/// #         write!(f, "{self:?}")
/// #     }
/// # }
/// # impl std::error::Error for OrderError {}
///
/// impl From<OrderError> for pilotlight::Error {
///     fn from(error: OrderError) -> pilotlight::Error {
///         let error_type = match error {
///             OrderError::OutOfStock => "OutOfStock",
///             OrderError::Declined { .. } => "PaymentDeclined",
///         };
///         pilotlight::Error::new(error_type, error)
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Error {
    error_type: String,
    error: Box<dyn StdError + Send + Sync>,
}

impl Error {
    /// Creates an error with this `errorType`. `error` is a text, or an error whose message and
    /// causes become the `errorMessage`.
    pub fn new(
        error_type: impl Into<String>,
        error: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Error {
        Error { error_type: error_type.into(), error: error.into() }
    }

    /// The `errorType` that the caller gets.
    pub fn error_type(&self) -> &str {
        &self.error_type
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}
