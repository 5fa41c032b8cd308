//! Lengths and ends of files.

use super::files;

#[test]
fn files_are_of_a_size_to_be_read() {
    for (name, text) in files(&[".rs", ".sh", ".c", ".h", ".ld", ".toml"]) {
        assert!(text.ends_with('\n'), "{name} does not end with a line feed");
        assert!(!text.contains('\r'), "{name} has carriage returns");
        let lines = text.lines().count();
        assert!(lines <= 400, "{name} has {lines} lines");
        for (number, line) in text.lines().enumerate() {
            assert_eq!(line, line.trim_end(), "{name}:{} ends with space", number + 1);
        }
    }
}
