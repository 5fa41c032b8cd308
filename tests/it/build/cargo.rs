//! `pilotlight build` in packages and workspaces, and `pilotlight new`.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use pilotlight_loader::elf;
use pilotlight_loader::sections::strippable_size;
use pilotlight_local::one_file;
use serde_json::Value;

use super::GREETING;
use super::User;
use super::files;
use crate::support;

/// A package whose library is hello, and whose examples are handlers as well.
const MANIFEST: &str = r#"
[package]
name = "NAME"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
pilotlight = { path = "SDK" }
serde = { version = "1", features = ["derive"] }
"#;
const EXAMPLE: &str = "\n[[example]]\nname = \"NAME\"\ncrate-type = [\"cdylib\"]\n";
/// More pointers than are relocated at a start without loss.
const TABLE: &str = "#[unsafe(no_mangle)]\npub static TABLE: [&u8; 6000] = [&7; 6000];\n";

fn sdk() -> String {
    support::root().join("sdk").display().to_string()
}

/// The source of hello, with other words.
fn hello(greeting: &str) -> String {
    let path = support::root().join("examples/hello/src/lib.rs");
    fs::read_to_string(path).expect("hello").replace("Hello, {}", &format!("{greeting}, {{}}"))
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
}

/// A package in a folder of its name.
fn package(user: &User, name: &str, source: &str) -> PathBuf {
    let folder = user.path(name);
    let manifest = MANIFEST.replace("NAME", name).replace("SDK", &sdk());
    write(&folder.join("Cargo.toml"), &manifest);
    write(&folder.join("src/lib.rs"), source);
    folder
}

/// A command for Rust, which the tests share what it builds of dependencies.
fn with_cargo(command: &mut Command) -> &mut Command {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let set = std::env::var_os(name);
        command.env(name, set.unwrap_or_else(|| home.join(folder).into_os_string()));
    }
    command.env("CARGO_TARGET_DIR", target())
}

fn target() -> PathBuf {
    support::root().join("target/build-tests")
}

/// The functions that `pilotlight build --json` names; or its messages and exit code.
fn build(user: &User, folder: &Path, more: &[&str]) -> Result<Vec<Value>, (String, Option<i32>)> {
    let arch = support::arch::arch();
    let arguments = [&["build", "--offline", "--json", "--arch", arch.name], more].concat();
    let mut command = user.command(&arguments);
    let output = with_cargo(&mut command).current_dir(folder).output().expect("run");
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).expect("JSON"));
    }
    assert!(output.stdout.is_empty(), "{output:?}");
    Err((String::from_utf8(output.stderr).expect("UTF-8"), output.status.code()))
}

fn names(built: &[Value]) -> Vec<&str> {
    built.iter().map(|function| function["name"].as_str().expect("a name")).collect()
}

fn path(function: &Value) -> &str {
    function["path"].as_str().expect("a path")
}

/// The handler's library in a function that was built.
fn library(function: &Value) -> Vec<u8> {
    one_file::library(&fs::read(path(function)).expect("written")).to_vec()
}

#[test]
fn a_new_function_builds_runs_and_tests_itself() {
    let user = User::new();
    let text = user.succeed(&["new", "new-fn", "--sdk", &sdk()]);
    assert!(text.contains(&format!("pilotlight = {{ path = {:?} }}", sdk())), "{text}");
    let folder = user.path("new-fn");
    assert_eq!(files(&folder), [".gitignore", "Cargo.toml", "README.md", "src"]);
    for arguments in [["test", "--offline"], ["build", "--offline"]] {
        let mut cargo = Command::new("cargo");
        let output = with_cargo(cargo.args(arguments)).current_dir(&folder).output();
        let output = output.expect("cargo");
        assert!(output.status.success(), "{output:?}");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(arguments[0] == "build" || printed.contains("it_greets_by_name ... ok"));
    }
    // Cargo writes an underscore for the dash of the name.
    let debug = target().join("debug/libnew-fn.so");
    if !support::arch::arch().is_emulated() {
        assert_eq!(user.greeting(debug.to_str().expect("UTF-8")), GREETING);
    }
    let built = build(&user, &folder, &[]).expect("built");
    assert_eq!(names(&built), ["new-fn"]);
    assert!(path(&built[0]).ends_with("lambda/new-fn/bootstrap"));
    assert_eq!(user.greeting(path(&built[0])), GREETING);
    let again = user.refused(&["new", "new-fn", "--c"]);
    assert!(again.ends_with("new-fn exists already; choose another name, or delete it"), "{again}");
}

#[test]
fn a_new_function_for_http_answers_and_has_a_url() {
    let user = User::new();
    user.succeed(&["new", "http-fn", "--http", "--deploy", "sam", "--sdk", &sdk()]);
    let folder = user.path("http-fn");
    let template = fs::read_to_string(folder.join("template.yaml")).expect("a template");
    assert!(template.contains("FunctionUrlConfig"), "{template}");
    let mut cargo = Command::new("cargo");
    let tested = with_cargo(cargo.args(["test", "--offline"])).current_dir(&folder).output();
    assert!(tested.expect("cargo").status.success());
    let built = build(&user, &folder, &[]).expect("built");
    let answer = |event: &str| user.succeed(&["run", path(&built[0]), "--event", event]);
    let context = r#""requestContext":{"http":{"method":"GET"}}"#;
    let found = answer(&format!(r#"{{"rawPath":"/","rawQueryString":"name=Ada",{context}}}"#));
    assert!(found.contains(r#""statusCode":200"#), "{found}");
    assert!(found.contains(r#""body":"Hello, Ada!\n""#), "{found}");
    let missing = answer(&format!(r#"{{"rawPath":"/other",{context}}}"#));
    assert!(missing.contains(r#""statusCode":404"#), "{missing}");
}

#[test]
fn a_new_function_in_c_builds_by_its_readmes_commands() {
    let user = User::new();
    user.succeed(&["new", "c-fn", "--c"]);
    let readme = fs::read_to_string(user.path("c-fn/README.md")).expect("a readme");
    let compile = readme.lines().find_map(|line| line.strip_prefix("    cc "));
    let compile = compile.expect("the compiler's command").split_whitespace();
    let mut compiler = support::arch::arch().compiler(true);
    let status = compiler.args(compile).current_dir(user.path("c-fn")).status();
    assert!(status.expect("cc").success());
    let output = user.command(&["build", "libc-fn.so"]).current_dir(user.path("c-fn")).output();
    assert!(output.expect("run").status.success());
    let output = user.command(&["run", "c_fn", "--event", r#"{"name":"Ada"}"#]);
    let output = { output }.current_dir(user.path("c-fn")).output().expect("run");
    assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), GREETING);
}

#[test]
fn a_new_function_has_the_template_of_the_chosen_tool() {
    let user = User::new();
    for (tool, template, ignored) in [
        ("sam", "template.yaml", "/.aws-sam/"),
        ("cdk", "app.mjs", "/cdk.out/"),
        ("terraform", "main.tf", "/.terraform/"),
        ("serverless", "serverless.yml", "/.serverless/"),
    ] {
        let name = format!("by-{tool}");
        let text = user.succeed(&["new", &name, "--deploy", tool]);
        assert!(text.contains(&format!("{template} says how to deploy it with {tool}")), "{text}");
        let read = |file: &str| fs::read_to_string(user.path(&name).join(file)).expect(file);
        assert!(read(template).contains(&name), "{}", read(template));
        assert!(read(".gitignore").contains(ignored), "{}", read(".gitignore"));
    }
    let refused = user.pilotlight(&["new", "other", "--deploy", "helm"]);
    let message = String::from_utf8(refused.stderr).expect("UTF-8");
    assert!(message.contains("expected sam, cdk, terraform, serverless"), "{message}");
}

#[test]
fn a_workspace_has_a_function_for_each_library_that_exports_handlers() {
    let user = User::new();
    write(&user.path("Cargo.toml"), "[workspace]\nmembers = [\"one-fn\", \"plain\"]\n");
    let one = package(&user, "one-fn", &hello("Hello"));
    let manifest = fs::read_to_string(one.join("Cargo.toml")).expect("a manifest");
    let examples = ["two-fn", "large"].map(|name| EXAMPLE.replace("NAME", name)).concat();
    write(&one.join("Cargo.toml"), &format!("{manifest}{examples}"));
    write(&one.join("examples/two-fn.rs"), &hello("Goodbye"));
    write(&one.join("examples/large.rs"), &format!("{}{TABLE}", hello("Hello")));
    package(&user, "plain", "");

    let built = build(&user, &user.work(), &[]).expect("built");
    assert_eq!(names(&built), ["large", "one-fn", "two-fn"]);
    assert_eq!(user.greeting(path(&built[0])), GREETING);
    assert_eq!(user.greeting(path(&built[1])), GREETING);
    assert_eq!(user.greeting(path(&built[2])), GREETING.replace("Hello", "Goodbye"));
    let [large, one_fn, _] = [0, 1, 2].map(|index| library(&built[index]));
    assert_eq!(strippable_size(&one_fn), 0, "symbols");
    if !support::arch::arch().is_emulated() {
        // The linker that Rust brings along has both options.
        let address = |file: &[u8]| elf::parse(file).expect("a library").segments[0].address;
        assert_eq!((address(&large), address(&one_fn)), (0x10_0000_0000, 0));
        let text = user.succeed(&["check", path(&built[1])]);
        assert!(text.contains("packed relative"), "{text}");
    }

    // In a package's folder, as Cargo: that package.
    let lib = build(&user, &one, &["--lib"]).expect("built");
    assert_eq!(names(&lib), ["one-fn"]);
    assert!(library(&lib[0]) == one_fn, "the same sources make the same file");
    let example = build(&user, &user.work(), &["-p", "one-fn", "--example", "two-fn"]);
    assert_eq!(names(&example.expect("built")), ["two-fn"]);
    let (message, code) = build(&user, &user.work(), &["-p", "plain"]).expect_err("no handlers");
    let expected = "no handlers in plain; add pilotlight::handler!(function) to the library\n";
    assert!(message.ends_with(expected) && code == Some(2), "{message}");
    let (message, _) = build(&user, &user.work(), &["-p", "nothing"]).expect_err("unknown");
    assert!(message.contains("has no package nothing; it has one-fn, plain"), "{message}");
}

#[test]
fn a_handler_that_cannot_be_loaded_is_refused_in_the_words_of_check() {
    let user = User::new();
    let source = hello("Hello").replace(
        "    Ok(",
        "    unsafe extern \"C\" { safe fn no_such_function(); }\n    no_such_function();\n    Ok(",
    );
    let folder = package(&user, "refused-fn", &source);
    let (message, code) = build(&user, &folder, &[]).expect_err("refused");
    assert!(message.contains("`no_such_function`") && code == Some(2), "{message}");
    assert!(!target().join("lambda/refused-fn").exists());
}

#[test]
fn errors_of_cargo_stay_its_own() {
    let user = User::new();
    let folder = package(&user, "broken-fn", "fn broken(");
    let (message, code) = build(&user, &folder, &[]).expect_err("broken");
    assert_eq!(code, Some(101));
    assert!(message.contains("error: ") && !message.contains("pilotlight: "), "{message}");
    // Without a library that can be one.
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    write(&folder.join("Cargo.toml"), &manifest.replace("cdylib", "rlib"));
    let (message, code) = build(&user, &folder, &[]).expect_err("no library");
    assert!(message.contains("crate-type = [\"cdylib\"]") && code == Some(2), "{message}");
}
