//! An error of which the handler chooses both type and message.

use std::error::Error as StdError;
use std::fmt;

/// An error whose `errorType` the handler chooses, for callers that decide by it: a Step Functions
/// `Catch` compares `ErrorEquals` with it.
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
/// It keeps its type inside a `Box<dyn Error>`, an `anyhow::Error` and their like, also as the
/// cause of another error in them. An error enum of a handler's own becomes one by `From`:
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
    /// One of this type. `error` is a text, or the error that caused it: its message and its causes
    /// become the `errorMessage`.
    pub fn new(
        error_type: impl Into<String>,
        error: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Error {
        Error { error_type: error_type.into(), error: error.into() }
    }

    /// The `errorType` that callers see.
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
