//! Finds the library of `_HANDLER`: `<file>` or `<file>.<name>`, in the folder of the package.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use core::ffi::CStr;

use pilotlight_loader::LoadError;

use crate::environment::Environment;
use crate::failure::Failure;
use pilotlight_host::errno::Errno;
use pilotlight_host::file::unreadable;

/// The library and the handler that `_HANDLER` names.
#[derive(Debug, PartialEq, Eq)]
pub struct HandlerSpec {
    folder: &'static [u8],
    /// A folder inside `folder`, with a trailing slash; usually empty.
    inner: &'static [u8],
    base: &'static [u8],
    /// The handler's name; None selects the library's only handler.
    pub name: Option<&'static [u8]>,
}

impl HandlerSpec {
    /// Reads `_HANDLER` and `LAMBDA_TASK_ROOT`.
    pub fn parse(environment: &Environment) -> Result<HandlerSpec, Failure> {
        let invalid = |message| Failure::init("Runtime.InvalidHandler", message);
        let Some(handler) = environment.handler.filter(|handler| !handler.is_empty()) else {
            return Err(invalid(
                "_HANDLER is not set; set the function's handler to <file> or <file>.<name>".into(),
            ));
        };
        let (file, name) = match handler.iter().rposition(|&byte| byte == b'.') {
            Some(dot) => (&handler[..dot], Some(&handler[dot + 1..])),
            None => (handler, None),
        };
        if file.is_empty() || file.ends_with(b"/") || name.is_some_and(<[u8]>::is_empty) {
            let handler = text(handler);
            return Err(invalid(format!(
                "_HANDLER is `{handler}`; expected <file> or <file>.<name>, as in hello or hello.greet"
            )));
        }
        let folder = environment.task_root.filter(|folder| !folder.is_empty());
        // Some emulators set no task root: then the package is in the working directory.
        let folder = folder.unwrap_or(b".");
        let slash = file.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let (inner, base) = file.split_at(slash);
        Ok(HandlerSpec { folder, inner, base, name })
    }

    /// Opens `lib<file>.so`, or else `<file>.so`, and returns its path.
    pub fn open<F>(
        &self,
        open: impl Fn(&CStr) -> Result<F, Errno>,
    ) -> Result<(CString, F), Failure> {
        const MISSING: Errno = Errno(libc::ENOENT);
        let HandlerSpec { folder, inner, base, .. } = self;
        for prefix in [&b"lib"[..], b""] {
            let path = [folder, &b"/"[..], inner, prefix, base, b".so"].concat();
            let path = CString::new(path).unwrap_or_default();
            match open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(MISSING) => {}
                Err(errno) => {
                    let error = LoadError::new(&path, unreadable(errno));
                    return Err(Failure::load(&error));
                }
            }
        }
        let (folder, inner, base) = (text(folder), text(inner), text(base));
        Err(Failure::init(
            "Runtime.NoSuchHandler",
            format!(
                "no {inner}lib{base}.so and no {inner}{base}.so in {folder}; add the library to the package, or correct the function's handler"
            ),
        ))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::EMPTY;

    fn spec(handler: &'static str) -> Result<HandlerSpec, Failure> {
        let (handler, task_root) = (Some(handler.as_bytes()), Some(&b"/var/task"[..]));
        let environment = Environment { handler, task_root, ..EMPTY };
        HandlerSpec::parse(&environment)
    }

    fn path(handler: &'static str, there: &str) -> Option<String> {
        let is_there = |path: &CStr| path.to_bytes() == there.as_bytes();
        let open = |path: &CStr| is_there(path).then_some(()).ok_or(Errno(libc::ENOENT));
        let found = spec(handler).expect("valid").open(open);
        found.ok().map(|(path, ())| path.into_string().expect("UTF-8"))
    }

    #[test]
    fn a_handler_is_a_file_and_perhaps_a_name() {
        assert_eq!(spec("hello").expect("file").name, None);
        assert_eq!(spec("hello.greet").expect("both").name, Some(&b"greet"[..]));
        for bad in ["", ".", ".greet", "hello.", "folder/", "folder/.greet"] {
            let failure = spec(bad).expect_err(bad);
            assert_eq!(failure.error_type, "Runtime.InvalidHandler");
        }
    }

    #[test]
    fn both_spellings_of_the_file_are_found() {
        let found = |handler, there: &str| {
            assert_eq!(path(handler, there).as_deref(), Some(there), "{handler}");
        };
        found("hello", "/var/task/libhello.so");
        found("hello.greet", "/var/task/hello.so");
        found("bin/hello", "/var/task/bin/libhello.so");
        assert_eq!(path("hello", "/var/task/other.so"), None);
    }
}
