//! The error that names its own `errorType`.

use std::any::type_name;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::io;

use super::Error;
use crate::describe::from_error;
use crate::describe::from_unknown;
use crate::failure::Failure;
use crate::type_name::error_type;

/// An error in the form that the caller gets. A handler's error type may be this one, or any type
/// with `From<ThatType> for Diagnostic`; it then needs no `Display`.
///
/// ```
/// use pilotlight::lambda_runtime::Diagnostic;
/// use pilotlight::lambda_runtime::LambdaEvent;
///
/// struct Declined {
///     limit: u64,
/// }
///
/// impl From<Declined> for Diagnostic {
///     fn from(declined: Declined) -> Diagnostic {
///         Diagnostic {
///             error_type: "PaymentDeclined".into(),
///             error_message: format!("the card's limit is {}", declined.limit),
///         }
///     }
/// }
///
/// fn pay(event: LambdaEvent<u64>) -> Result<(), Declined> {
///     if event.payload > 100 { Err(Declined { limit: 100 }) } else { Ok(()) }
/// }
/// # pilotlight::handler!(pay);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// `errorType`.
    pub error_type: String,
    /// `errorMessage`.
    pub error_message: String,
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        Diagnostic { error_type: failure.error_type, error_message: failure.message }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Diagnostic {
        from_unknown(&*error).into()
    }
}

impl From<Box<dyn StdError>> for Diagnostic {
    fn from(error: Box<dyn StdError>) -> Diagnostic {
        from_unknown(&*error).into()
    }
}

impl From<io::Error> for Diagnostic {
    fn from(error: io::Error) -> Diagnostic {
        from_error(&error).into()
    }
}

impl From<Infallible> for Diagnostic {
    fn from(never: Infallible) -> Diagnostic {
        match never {}
    }
}

impl From<String> for Diagnostic {
    fn from(error_message: String) -> Diagnostic {
        Diagnostic { error_type: error_type(type_name::<String>()), error_message }
    }
}

impl From<&str> for Diagnostic {
    fn from(message: &str) -> Diagnostic {
        message.to_owned().into()
    }
}
