//! Names of types, for `errorType` and for messages.

/// The `errorType` of a type with this name: the name without path and parameters. A type called
/// `Error` keeps the name of its crate, because many crates have one. Texts and boxes become
/// `Error`, because their names do not describe an error.
pub fn error_type(name: &str) -> String {
    const POINTERS: [&str; 5] =
        ["&", "mut ", "alloc::boxed::Box<", "alloc::rc::Rc<", "alloc::sync::Arc<"];
    const TEXTS: [&str; 3] = ["str", "alloc::string::String", "alloc::borrow::Cow"];
    if let Some(inner) = POINTERS.iter().find_map(|pointer| name.strip_prefix(pointer)) {
        return error_type(inner);
    }
    let path = path(name);
    let last = last_segment(path);
    if path.starts_with("dyn ") || TEXTS.contains(&path) {
        return "Error".into();
    }
    if last != "Error" {
        return last.into();
    }
    // In the standard library's crates the module is more specific: `io::Error`.
    let mut segments = path.split("::");
    let crate_or_module =
        segments.find(|segment| !matches!(*segment, "std" | "core" | "alloc")).unwrap_or(last);
    if crate_or_module == last { last.into() } else { format!("{crate_or_module}::{last}") }
}

/// A type's name without its path and parameters.
pub fn short_name(name: &str) -> &str {
    last_segment(path(name))
}

/// A type's name without its parameters.
fn path(name: &str) -> &str {
    name.split(['<', '>']).next().unwrap_or(name)
}

fn last_segment(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_without_path_and_parameters() {
        let named = [
            ("shop::errors::OutOfTea", "OutOfTea"),
            ("shop::Both<shop::Left, alloc::string::String>", "Both"),
            ("&alloc::boxed::Box<shop::Both<shop::Left>>", "Both"),
            ("aws_sdk_s3::error_meta::Error", "aws_sdk_s3::Error"),
            ("alloc::sync::Arc<serde_json::error::Error>", "serde_json::Error"),
            ("std::io::error::Error", "io::Error"),
            ("core::fmt::Error", "fmt::Error"),
            ("alloc::boxed::Box<dyn shop::Problem + core::marker::Send>", "Error"),
            ("alloc::borrow::Cow<str>", "Error"),
            ("alloc::string::String", "Error"),
            ("&str", "Error"),
        ];
        for (name, expected) in named {
            assert_eq!(error_type(name), expected, "{name}");
        }
    }
}
