//! `sdk/include/pilotlight.h` and the crate `pilotlight-abi` are one ABI: a C program compiled
//! against the header prints every number, and the tests compare each with Rust's.

use std::collections::BTreeMap;
use std::fs;
use std::mem::offset_of;

use pilotlight_abi as abi;
use tempfile::TempDir;

use crate::support;
use crate::support::arch::arch;

/// Every structure with its fields, by its names in the header and in Rust.
macro_rules! layout {
    ($($c:literal = $rust:ident { $($field:ident),* $(,)? })*) => {
        fn in_rust() -> BTreeMap<String, usize> {
            let mut numbers = BTreeMap::new();
            $(
                // Does not compile unless every field is listed.
                let _ = |abi::$rust { $($field: _),* }: abi::$rust| ();
                numbers.insert(concat!("sizeof ", $c).to_owned(), size_of::<abi::$rust>());
                numbers.insert(concat!("alignof ", $c).to_owned(), align_of::<abi::$rust>());
                $(numbers.insert(
                    concat!($c, ".", stringify!($field)).to_owned(),
                    offset_of!(abi::$rust, $field),
                );)*
            )*
            numbers
        }

        const STRUCTURES: &[&str] = &[$($c),*];

        fn in_c() -> String {
            let mut lines = String::new();
            $(
                lines.push_str(concat!(
                    "printf(\"sizeof ", $c, "=%zu\\n\", sizeof(", $c, "));\n",
                    "printf(\"alignof ", $c, "=%zu\\n\", _Alignof(", $c, "));\n",
                ));
                $(lines.push_str(concat!(
                    "printf(\"", $c, ".", stringify!($field), "=%zu\\n\", offsetof(", $c, ", ",
                    stringify!($field), "));\n",
                ));)*
            )*
            lines
        }
    };
}

layout! {
    "pilotlight_bytes" = Bytes { data, length }
    "pilotlight_invocation" = Invocation {
        event, request_id, deadline_ms, invoked_function_arn, trace_id, client_context,
        cognito_identity, tenant_id, function_name, function_version, memory_size_mb,
        stream, warm_count,
    }
    "pilotlight_outcome" = Outcome {
        response, error_type, error_message, stack_trace, owner, release,
    }
    "pilotlight_handler" = Handler { name, call, flags }
    "pilotlight_library_v1" = Library {
        abi_version, handler_count, handlers, init, shutdown, attach, after, before_snapshot,
        after_restore,
    }
    "pilotlight_runtime" = Runtime {
        abi_version, log_format, log_level, log, stream_begin, stream_write, config_declare,
        config_read, config_release, log_error, last_words,
    }
    "pilotlight_config_value" = ConfigValue {
        bytes, content_type, version, generation, fetched_ms, flags, owner,
    }
}

fn header() -> String {
    fs::read_to_string(support::root().join("sdk/include/pilotlight.h")).expect("the header")
}

/// Macros of the header that are no numbers: its guard, a text, attributes, and what declares a
/// library.
const NO_NUMBERS: [&str; 9] = [
    "PILOTLIGHT_H",
    "PILOTLIGHT_CONFIG_MARK",
    "PILOTLIGHT_EXPORT",
    "PILOTLIGHT_HIDDEN",
    "PILOTLIGHT_FORMAT",
    "PILOTLIGHT_THREAD",
    "PILOTLIGHT_HANDLERS",
    "PILOTLIGHT_LIBRARY",
    "PILOTLIGHT_LIBRARY_WITH_HOOKS",
];

/// The names of the header's other macros. C refuses to print one that is no number.
fn constants(header: &str) -> Vec<String> {
    let directives = header.lines().filter_map(|line| line.trim().strip_prefix('#'));
    let defined = directives.filter_map(|line| line.trim().strip_prefix("define "));
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let names = defined.filter_map(|text| text.split(|letter| !is_part(letter)).next());
    names.filter(|name| !NO_NUMBERS.contains(name)).map(str::to_owned).collect()
}

/// The values of the same constants in Rust, by their names in C.
fn constants_in_rust() -> BTreeMap<String, usize> {
    let small = |number: u32| usize::try_from(number).expect("small");
    let code = |number: i32| usize::try_from(number).expect("small");
    let named = [
        ("ABI_MAJOR", small(abi::ABI_MAJOR)),
        ("ABI_MINOR", small(abi::ABI_MINOR)),
        ("ABI_VERSION", small(abi::ABI_VERSION)),
        ("RESPONSE", code(abi::RESPONSE)),
        ("FAILURE", code(abi::FAILURE)),
        ("LOGGED_FAILURE", code(abi::LOGGED_FAILURE)),
        ("CONCURRENT", small(abi::CONCURRENT)),
        ("LOG_TEXT", small(abi::LOG_TEXT)),
        ("LOG_JSON", small(abi::LOG_JSON)),
        ("CONFIG_STALE", small(abi::CONFIG_STALE)),
        ("CONFIG_SECRET", small(abi::CONFIG_SECRET)),
    ];
    let levels = abi::LOG_LEVELS.iter().enumerate().map(|(level, name)| (*name, level));
    levels.chain(named).map(|(name, value)| (format!("PILOTLIGHT_{name}"), value)).collect()
}

#[test]
fn every_number_of_the_crate_is_compared() {
    let path = support::root().join("sdk/abi/src/lib.rs");
    let text = fs::read_to_string(path).expect("the crate");
    let constants = text.lines().filter_map(|line| line.strip_prefix("pub const "));
    let numbers = constants.filter_map(|line| {
        let (name, rest) = line.split_once(": ")?;
        rest.starts_with(['u', 'i']).then(|| format!("PILOTLIGHT_{name}"))
    });
    let numbers: Vec<String> = numbers.collect();
    assert!(numbers.len() > 5, "the constants were not found: {numbers:?}");
    let compared = constants_in_rust();
    let missing: Vec<&String> =
        numbers.iter().filter(|name| !compared.contains_key(*name)).collect();
    assert_eq!(missing, [""; 0], "constants_in_rust lacks them");
}

#[test]
fn every_structure_of_the_header_is_compared() {
    let text = header();
    // Each definition ends with its name; opaque types have none.
    let named = text.lines().filter_map(|line| line.strip_prefix("} ")?.strip_suffix(';'));
    let mut expected = STRUCTURES.to_vec();
    expected.sort_unstable();
    let mut found: Vec<&str> = named.collect();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn the_header_and_the_crate_have_the_same_numbers() {
    let folder = TempDir::new().expect("a folder");
    let source = folder.path().join("numbers.c");
    let program = folder.path().join("numbers");
    let print = |name: &String| format!("printf(\"{name}=%zu\\n\", (size_t)({name}));\n");
    let constants: String = constants(&header()).iter().map(print).collect();
    let body = in_c();
    let text = format!(
        "#include <pilotlight.h>\n#include <stdio.h>\nint main(void)\n{{\n{body}{constants}return 0;\n}}\n"
    );
    fs::write(&source, text).expect("written");
    support::compile(&source, &["-std=c11", "-Wall", "-Wextra", "-Werror"], &program);
    let output = arch().command(&program).output().expect("run").stdout;
    let output = String::from_utf8(output).expect("UTF-8");
    let found: BTreeMap<String, usize> = output
        .lines()
        .map(|line| line.split_once('=').expect("name=number"))
        .map(|(name, number)| (name.to_owned(), number.parse().expect("a number")))
        .collect();

    let mut expected = in_rust();
    expected.extend(constants_in_rust());
    assert_eq!(found, expected);
}

#[test]
fn the_header_and_the_crate_have_the_same_mark() {
    let line = format!("#define PILOTLIGHT_CONFIG_MARK \"{}\"\n", abi::CONFIG_MARK);
    assert!(header().contains(&line), "{line}");
}

#[test]
fn the_composed_version_orders_as_its_parts_do() {
    assert_eq!(abi::ABI_VERSION >> 16, abi::ABI_MAJOR);
    assert_eq!(abi::ABI_VERSION & 0xffff, abi::ABI_MINOR);
}
