//! The command alone: a copy of its file is the installation.

use std::fs;
use std::path::Path;

use super::GREETING;
use super::User;
use super::example;
use super::files;

/// The folder that the command unpacks its layer to.
fn layer(user: &User) -> std::path::PathBuf {
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
