//! The oracle for the bootstrap's loader: the same library through glibc's `dlopen`, called by the
//! same ABI. `oracle.c` does that, in a process for each library: two that hold the C++ library
//! disturb each other under `dlopen`, and those of another CPU need an emulator.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use tempfile::NamedTempFile;
use tempfile::TempDir;

use crate::support;
use crate::support::arch::arch;

/// The command that writes a handler's answer into a file; `oracle.c` lists its exit codes.
pub fn command(library: &Path, handler: Option<&str>, event: &str, answer: &Path) -> Command {
    static PROGRAM: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, program) = PROGRAM.get_or_init(|| {
        let folder = TempDir::new().expect("a folder");
        let program = folder.path().join("oracle");
        let source = support::root().join("tests/it/support/oracle.c");
        let arguments = ["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-ldl"];
        support::compile(&source, &arguments, &program);
        (folder, program)
    });
    let mut command = arch().command(program);
    command.arg(library).arg(event).arg(answer).args(handler);
    command
}

/// A handler's answer to `event` under `dlopen`; Err is its `errorType`.
pub fn answer(library: &Path, handler: Option<&str>, event: &str) -> Result<Vec<u8>, String> {
    answer_with(library, handler, event, "")
}

/// As [`answer`], with glibc's `GLIBC_TUNABLES`.
pub fn answer_with(
    library: &Path,
    handler: Option<&str>,
    event: &str,
    tunables: &str,
) -> Result<Vec<u8>, String> {
    let file = NamedTempFile::new().expect("a file");
    let mut command = command(library, handler, event, file.path());
    let output = command.env("GLIBC_TUNABLES", tunables).output().expect("started");
    let answer = || fs::read(file.path()).expect("an answer");
    match output.status.code() {
        Some(0) => Ok(answer()),
        Some(1) => Err(String::from_utf8(answer()).expect("UTF-8")),
        _ => panic!("{}: {output:?}", library.display()),
    }
}

/// Why `dlopen` refuses a library.
pub fn refusal(library: &Path) -> String {
    let output = command(library, None, "", Path::new("/dev/null")).output().expect("started");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}
