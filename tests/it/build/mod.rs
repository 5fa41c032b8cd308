//! `pilotlight build` and `pilotlight new`, as a new user has them: outside the checkout.

mod alone;
mod cargo;
mod prebuilt;

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use tempfile::TempDir;

use crate::support;

/// An empty folder, with the command outside the checkout's `dist/`.
struct User {
    folder: TempDir,
}

impl User {
    fn new() -> User {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["home", "work"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let program = support::dist("bin/pilotlight");
        // By a process of its own: a file that this one has open for writing could not be started
        // while another test starts a process, which has it open for a moment as well.
        let copied = Command::new("cp").arg(program).arg(folder.path().join("pilotlight")).status();
        assert!(copied.expect("cp").success());
        User { folder }
    }

    /// The folder that the user works in.
    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// A path in that folder.
    fn path(&self, path: &str) -> PathBuf {
        self.work().join(path)
    }

    /// The command with no variables but these, in that folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.folder.path().join("pilotlight"));
        command.args(arguments).current_dir(self.work()).env_clear();
        command.env("HOME", self.folder.path().join("home"));
        command.env("PATH", env::var_os("PATH").unwrap_or_default());
        command
    }

    fn pilotlight(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("run")
    }

    /// The command's output, which must succeed.
    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.pilotlight(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// The command's last message, which must fail with exit code 2.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.pilotlight(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        let messages = String::from_utf8(output.stderr).expect("UTF-8");
        messages.lines().last().expect("a message").to_owned()
    }

    /// The answer to Ada, and the process's messages if there is none.
    fn greeting(&self, function: &str) -> String {
        self.succeed(&["run", function, "--event", r#"{"name":"Ada"}"#])
    }
}

const GREETING: &str = "{\"message\":\"Hello, Ada!\"}\n";

/// An example's library, as an argument.
fn example(name: &str) -> String {
    support::dist(&format!("examples/lib{name}.so")).to_str().expect("UTF-8").to_owned()
}

/// The names of the files in a folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}
