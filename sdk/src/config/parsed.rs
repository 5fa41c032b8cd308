//! Typed configuration values: parsed once per version, and shared.

use std::any::Any;
use std::any::TypeId;
use std::any::type_name;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use serde::de::DeserializeOwned;

use super::error::Error;
use super::value::ConfigValue;
use super::value::get;
use crate::runtime;

/// The last value of one name as one type. A list is enough: names and types are few, because they
/// stand in the program's text.
struct Parsed {
    name: Box<str>,
    of_type: TypeId,
    /// The last generation that was parsed; `last_good` may be older.
    generation: u64,
    last_good: Result<Arc<dyn Any + Send + Sync>, Error>,
}

static PARSED: RwLock<Vec<Parsed>> = RwLock::new(Vec::new());

/// The level of the record for a version that does not parse: an index of
/// [`pilotlight_abi::LOG_LEVELS`].
const WARN: u32 = 3;

/// Reads a value as `T`, from JSON. Each version is parsed once, and every reader shares the
/// result.
///
/// If a version does not parse as a `T`, the function logs one warning and returns the last version
/// that did.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Limits {
///     max_items: u32,
/// }
///
/// fn max_items() -> Result<u32, pilotlight::config::Error> {
///     Ok(pilotlight::config::get_as::<Limits>("limits")?.max_items)
/// }
/// ```
///
/// # Errors
/// As for [`get`], and [`Error::Unreadable`] if no version has parsed as a `T`.
pub fn get_as<T: DeserializeOwned + Send + Sync + 'static>(name: &str) -> Result<Arc<T>, Error> {
    let value = get(name)?;
    let of_type = TypeId::of::<T>();
    {
        let parsed = PARSED.read().unwrap_or_else(PoisonError::into_inner);
        let known = find(&parsed, name, of_type);
        if let Some(known) = known.map(|at| &parsed[at])
            && known.generation >= value.generation()
        {
            return shared(&known.last_good);
        }
    }
    let result = parse::<T>(name, &value);
    let mut parsed = PARSED.write().unwrap_or_else(PoisonError::into_inner);
    let Some(at) = find(&parsed, name, of_type) else {
        let answer = shared(&result);
        let generation = value.generation();
        parsed.push(Parsed { name: name.into(), of_type, generation, last_good: result });
        return answer;
    };
    let known = &mut parsed[at];
    if known.generation < value.generation() {
        known.generation = value.generation();
        if result.is_ok() || known.last_good.is_err() {
            known.last_good = result;
        }
    }
    shared(&known.last_good)
}

fn find(parsed: &[Parsed], name: &str, of_type: TypeId) -> Option<usize> {
    parsed.iter().position(|known| known.of_type == of_type && *known.name == *name)
}

fn shared<T: Send + Sync + 'static>(
    known: &Result<Arc<dyn Any + Send + Sync>, Error>,
) -> Result<Arc<T>, Error> {
    let known = known.as_ref().map_err(Error::clone)?;
    Ok(Arc::clone(known).downcast().expect("found by its type"))
}

fn parse<T: DeserializeOwned + Send + Sync + 'static>(
    name: &str,
    value: &ConfigValue,
) -> Result<Arc<dyn Any + Send + Sync>, Error> {
    match serde_json::from_slice::<T>(value.bytes()) {
        Ok(parsed) => Ok(Arc::new(parsed)),
        Err(error) => {
            let expected = type_name::<T>();
            let reason = if value.is_secret() {
                // The parser's message quotes the value.
                let (line, column) = (error.line(), error.column());
                format!("it is not a {expected} in JSON, at line {line} column {column}")
            } else {
                format!("it is not a {expected} in JSON: {error}")
            };
            let error = Error::Unreadable { name: name.to_owned(), reason };
            if let Some(runtime) = runtime::attached() {
                runtime::log(runtime, WARN, "pilotlight::config", &error.to_string());
            }
            Err(error)
        }
    }
}
