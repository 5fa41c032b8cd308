//! The command alone: a copy of its file is the installation.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use super::GREETING;
use super::User;
use super::example;
use super::files;

/// The folder that the command unpacks its layer to.
fn layer(user: &User) -> PathBuf {
    let cache = user.folder.path().join("home/.cache/pilotlight");
    let [name] = files(&cache).try_into().expect("one layer");
    cache.join(name)
}

#[test]
fn a_copy_of_the_command_runs_libraries() {
    let user = User::new();
    assert_eq!(user.greeting(&example("hello")), GREETING);
    let layer = layer(&user);
    let name = layer.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    let id = name.rsplit_once('-').expect("an architecture and an id").1;
    let version = user.succeed(&["--version"]);
    assert!(version.contains(id), "{version} does not name {id}");
    // Damaged or missing files are written anew.
    for damage in [|path: &Path| fs::remove_file(path), |path: &Path| fs::write(path, "#!")] {
        damage(&layer.join("bootstrap")).expect("damaged");
        assert_eq!(user.greeting(&example("hello")), GREETING);
    }
}

#[test]
fn a_shell_completes_the_arguments() {
    let user = User::new();
    for (shell, line) in [
        ("bash", "complete -F _pilotlight -o nosort -o bashdefault -o default pilotlight"),
        ("zsh", "#compdef pilotlight"),
        ("fish", "complete -c pilotlight "),
    ] {
        let script = user.succeed(&["completions", shell]);
        assert!(script.contains(line) && script.contains("without"), "{shell}: {script}");
    }
    let bash = user.succeed(&["completions", "bash"]);
    let ask =
        "COMP_WORDS=(pilotlight bu); COMP_CWORD=1; _pilotlight pilotlight bu; echo ${COMPREPLY[0]}";
    let output = Command::new("bash").args(["-c", &format!("{bash}\n{ask}")]).output();
    assert_eq!(output.expect("bash").stdout, b"build\n");
}

#[test]
fn without_a_home_the_command_says_what_it_lacks() {
    let user = User::new();
    let output = user.command(&["run", &example("hello")]).env_remove("HOME").output();
    let output = output.expect("run");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(message.contains("set HOME or XDG_CACHE_HOME, or pass --layer"), "{message}");
    // A function in one file has its layer with it.
    user.succeed(&["build", &example("hello")]);
    let event = ["run", "hello", "--event", r#"{"name":"Ada"}"#];
    let output = user.command(&event).env_remove("HOME").output().expect("run");
    assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), GREETING);
}
