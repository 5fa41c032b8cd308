//! From `_HANDLER` to something that can be called: find the library, map it, choose the handler,
//! run its start-up work.

#[allow(unsafe_code)]
mod foreign;
mod resolve;

pub use self::foreign::Answer;

use alloc::format;
use alloc::string::String;

use self::foreign::Entry;
use self::resolve::Wanted;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::loader;
use crate::loader::Host;
use crate::sys::File;

/// A handler, ready to be called.
#[derive(Debug)]
pub struct Handler {
    entry: Entry,
}

impl Handler {
    /// Calls the handler. What it answers lives as long as the returned value.
    pub fn call<'a>(&self, invocation: &Invocation<'a>, environment: &Environment) -> Answer<'a> {
        self.entry.call(invocation, environment)
    }

    /// Maps the library that `_HANDLER` names, and runs its constructors and its `init`.
    pub fn load(environment: &Environment, host: &dyn Host) -> Result<Handler, Failure> {
        let wanted = Wanted::parse(environment)?;
        let (path, file) = wanted.open(File::open)?;
        let size = size_of::<pilotlight_abi::Library>() as u64;
        let symbol = pilotlight_abi::LIBRARY_SYMBOL;
        let library = loader::load(&file, &path, host, symbol, size)
            .map_err(|error| Failure::init("Runtime.HandlerLoadError", format!("{error}")))?
            .keep();
        host.register(&path, library);
        foreign::construct(library, environment.arguments);
        let exported = foreign::exported(library);
        let path = path.to_string_lossy();
        check_version(exported.abi_version, &path)?;
        let entry = choose(foreign::handlers(&exported), wanted.name.as_deref(), &path)?;
        foreign::initialise(&exported)?;
        Ok(Handler { entry })
    }
}

/// Refuses a library that was built for another ABI than this one.
fn check_version(version: u32, path: &str) -> Result<(), Failure> {
    let (major, minor) = (version >> 16, version & 0xffff);
    let (ours, newest) = (pilotlight_abi::ABI_MAJOR, pilotlight_abi::ABI_MINOR);
    if major == ours && minor <= newest {
        return Ok(());
    }
    let remedy = if major < ours {
        "build it with the SDK of this layer's version"
    } else {
        "use a newer layer, or build it with an older SDK"
    };
    let message = format!(
        "{path} was built for handler ABI {major}.{minor}, this runtime has {ours}.{newest}; {remedy}"
    );
    Err(Failure::init("Runtime.HandlerAbiMismatch", message))
}

/// The handler with this name, or the only one.
fn choose<'n>(
    mut handlers: impl Iterator<Item = (&'n str, Entry)>,
    name: Option<&str>,
    path: &str,
) -> Result<Entry, Failure> {
    let mut names = String::new();
    let mut only = None;
    let mut count = 0;
    let found = handlers.find_map(|(candidate, entry)| {
        if name == Some(candidate) {
            return Some(entry);
        }
        names.push_str(if count == 0 { "`" } else { ", `" });
        names.push_str(candidate);
        names.push('`');
        count += 1;
        only = Some(entry);
        None
    });
    match (found, name, only) {
        (Some(entry), _, _) => Ok(entry),
        (None, None, Some(entry)) if count == 1 => Ok(entry),
        (None, None, _) => Err(Failure::init(
            "Runtime.NoSuchHandler",
            format!("{path} has the handlers {names}; set the function's handler to <file>.<name>"),
        )),
        (None, Some(name), _) => Err(Failure::init(
            "Runtime.NoSuchHandler",
            format!("{path} has no handler `{name}`; it has {names}"),
        )),
    }
}
