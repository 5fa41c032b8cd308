//! Environment variables. No other file of the module reads them. They are read once, when the
//! module starts, as they were when the process started: the kernel wrote these strings, and
//! `setenv`, of the handler or the bootstrap, changes only the list of pointers to them.

use std::collections::HashMap;
use std::ffi::CStr;
use std::ffi::c_char;

/// The variables that the process was started with.
#[derive(Clone, Debug, Default)]
pub struct Variables(HashMap<String, String>);

impl Variables {
    /// Reads `count` strings, which lie one after another. Skips those that are not UTF-8.
    ///
    /// # Safety
    /// `next` points to `count` C strings, each right after the NUL of the one before, which never
    /// change.
    pub unsafe fn read(mut next: *const c_char, count: usize) -> Variables {
        let mut variables = HashMap::new();
        for _ in 0..count {
            // SAFETY: the caller promises `count` strings.
            let text = unsafe { CStr::from_ptr(next) };
            next = next.wrapping_add(text.count_bytes() + 1);
            if let Some((name, value)) = text.to_str().ok().and_then(|text| text.split_once('=')) {
                variables.insert(name.to_owned(), value.to_owned());
            }
        }
        Variables(variables)
    }

    /// The value of a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a variable is `true` in the sense of AWS's SDKs.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Variables {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(variables: I) -> Variables {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Variables(variables.into_iter().map(owned).collect())
    }
}
