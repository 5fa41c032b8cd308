//! The only file of the module that reads the environment: once, when the module starts, and as it
//! was when the process began. The kernel put those texts into the process, and nothing changes
//! them: `setenv`, the handler's and the bootstrap's, changes the list that leads to them.

use std::collections::HashMap;
use std::ffi::CStr;
use std::ffi::c_char;

/// The environment variables of the process, as they were at the start.
#[derive(Clone, Debug, Default)]
pub struct Variables(HashMap<String, String>);

impl Variables {
    /// Reads so many of them, which lie one after another. What is not UTF-8 is left out.
    ///
    /// # Safety
    /// There are so many strings, each right after the NUL of the one before, which never change.
    pub unsafe fn read(mut next: *const c_char, count: usize) -> Variables {
        let mut variables = HashMap::new();
        for _ in 0..count {
            // SAFETY: the caller promises one more.
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
