//! The settings of HTTP handlers: variables of the environment, read once.

use std::env;
use std::sync::OnceLock;

/// Whether paths contain the stage of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// They do not: the handler's routes are the API's.
    Strip,
    /// They are as the client sent them.
    Keep,
}

/// The settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `PILOTLIGHT_HTTP_STAGE`.
    pub stage: Stage,
    /// Whether the function is invoked for streams, from `PILOTLIGHT_INVOKE_MODE`: the Runtime API
    /// does not say.
    pub is_streaming: bool,
}

impl Settings {
    /// The settings of this process.
    ///
    /// # Errors
    /// A variable has a value that it cannot have; the text says which.
    pub fn get() -> Result<Settings, &'static str> {
        static SETTINGS: OnceLock<Result<Settings, String>> = OnceLock::new();
        let settings = SETTINGS.get_or_init(|| Settings::read(|name| env::var(name).ok()));
        settings.as_ref().copied().map_err(String::as_str)
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Settings, String> {
        let choice = |name: &str, usual: &str, other: &str| match variable(name).as_deref() {
            None | Some("") => Ok(false),
            Some(value) if value == usual => Ok(false),
            Some(value) if value == other => Ok(true),
            Some(value) => Err(format!("{name} is `{value}`; set it to {usual} or to {other}")),
        };
        let is_kept = choice("PILOTLIGHT_HTTP_STAGE", "strip", "keep")?;
        Ok(Settings {
            stage: if is_kept { Stage::Keep } else { Stage::Strip },
            is_streaming: choice("PILOTLIGHT_INVOKE_MODE", "BUFFERED", "RESPONSE_STREAM")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_values_that_exist_are_taken() {
        let read = |stage: Option<&str>, mode: Option<&str>| {
            Settings::read(|name| {
                let value = if name == "PILOTLIGHT_HTTP_STAGE" { stage } else { mode };
                value.map(str::to_owned)
            })
        };
        let usual = Settings { stage: Stage::Strip, is_streaming: false };
        assert_eq!(read(None, None), Ok(usual));
        assert_eq!(read(Some("strip"), Some("BUFFERED")), Ok(usual));
        let other = Settings { stage: Stage::Keep, is_streaming: true };
        assert_eq!(read(Some("keep"), Some("RESPONSE_STREAM")), Ok(other));
        let refused = read(Some("yes"), None).expect_err("no such value");
        assert_eq!(refused, "PILOTLIGHT_HTTP_STAGE is `yes`; set it to strip or to keep");
    }
}
