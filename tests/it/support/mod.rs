//! Shared by the tests: paths, builds of fixtures, and one invocation from start to end.

pub mod arch;
pub mod browser;
pub mod fakes;
pub mod moto;
pub mod oracle;
pub mod script;
pub mod served;

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use pilotlight_local::check;
use pilotlight_local::cpu::Cpu;
use pilotlight_local::environment::ExecutionEnvironment;
use pilotlight_local::environment::INIT_LIMIT;
use pilotlight_local::environment::InvokeError;
use pilotlight_local::environment::Output;
use pilotlight_local::function::Function;
use pilotlight_local::identifiers;
use pilotlight_local::run;
use pilotlight_local::runtime_api::Outcome;
use serde_json::Value;
use tempfile::TempDir;

use self::arch::arch;

/// Far above what anything here takes; reached only by something that hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in it").to_path_buf()
}

/// Something that `./build.sh` has built, as `dist/` has it: the command, the layer or an example.
pub fn dist(path: &str) -> PathBuf {
    let path = root().join(arch().folder(path)).join(path);
    assert!(path.exists(), "{} is missing: run ./build.sh first", path.display());
    path
}

/// Something that `./build.sh test` has put there.
pub fn tools() -> PathBuf {
    root().join("target/tools")
}

/// A program of the system's. Without it the test fails, and names the package to install.
pub fn installed(program: &str, package: &str) -> Command {
    let folders = env::var_os("PATH").unwrap_or_default();
    let is_there = env::split_paths(&folders).any(|folder| folder.join(program).is_file());
    assert!(is_there, "{program} is missing: sudo apt-get install {package}, or ./build.sh test");
    Command::new(program)
}

/// Writes a program that a test starts. Another process writes it: a child of this one that
/// another thread is starting could still have the file open, and then it is busy.
pub fn write_program(path: &Path, bytes: &[u8]) {
    let mut install = Command::new("install")
        .args(["-m", "755", "/dev/stdin"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("install");
    install.stdin.take().expect("a pipe").write_all(bytes).expect("written");
    assert!(install.wait().expect("ended").success());
}

/// Runs a program of the tools with JSON in and JSON out.
pub fn tool(program: &str, arguments: &[&str], input: &Value) -> Value {
    let path = tools().join(program);
    // A program that is not among them is on the PATH.
    let program = if path.exists() { path } else { PathBuf::from(program) };
    let mut child = Command::new(&program)
        .args(arguments)
        .env("AWS_LAMBDA_FUNCTION_NAME", "echo")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}: run ./build.sh test", program.display()));
    let input = input.to_string();
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "{} failed", program.display());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The real bootstrap.
pub fn bootstrap() -> PathBuf {
    dist("layer/bootstrap")
}

/// The layer's zip.
pub fn layer_zip() -> PathBuf {
    dist(&format!("pilotlight-layer-{}.zip", arch().name))
}

/// The function that a library makes.
pub fn function(library: &Path, handler: Option<&str>) -> Function {
    let mut function = Function::of_library(library, handler, &bootstrap()).expect("a library");
    function.timeout = PATIENCE;
    function
}

/// One of the examples.
pub fn example(name: &str) -> Function {
    function(&dist(&format!("examples/lib{name}.so")), None)
}

/// Starts the function, and ends it with the returned value.
pub fn start(function: &Function) -> ExecutionEnvironment {
    ExecutionEnvironment::start(function, Output::Hidden).expect("started")
}

/// One invocation in a running environment.
pub fn invoke(
    environment: &ExecutionEnvironment,
    function: &Function,
    event: &[u8],
) -> Result<Outcome, InvokeError> {
    let invocation = run::invocation(function, &identifiers::uuid(), event);
    environment.invoke(invocation, function.timeout).map(|ended| ended.outcome)
}

/// One invocation in an environment of its own.
pub fn cold(function: &Function, event: &[u8]) -> Result<Outcome, InvokeError> {
    let environment = start(function);
    environment.wait_initialised(INIT_LIMIT)?;
    invoke(&environment, function, event)
}

/// The bytes of a response.
pub fn response(result: Result<Outcome, InvokeError>) -> Vec<u8> {
    match result {
        Ok(Outcome::Response(bytes)) => bytes,
        other => panic!("expected a response: {other:?}"),
    }
}

/// A posted error: its category for the platform, and its body.
#[derive(Debug)]
pub struct Posted {
    /// `Lambda-Runtime-Function-Error-Type`.
    pub category: String,
    /// `errorType`.
    pub error_type: String,
    /// `errorMessage`.
    pub message: String,
    /// `stackTrace`.
    pub stack_trace: Vec<String>,
}

impl Posted {
    /// Reads a posted error, which must be JSON with all three fields.
    pub fn read(outcome: &Outcome) -> Posted {
        let Outcome::Error { body, error_type } = outcome else {
            panic!("expected an error: {outcome:?}");
        };
        let body: Value = serde_json::from_slice(body).expect("JSON");
        let text = |field: &str| body[field].as_str().expect("text").to_owned();
        let lines = body["stackTrace"].as_array().expect("a list");
        Posted {
            category: error_type.clone().expect("Lambda-Runtime-Function-Error-Type"),
            error_type: text("errorType"),
            message: text("errorMessage"),
            stack_trace: lines.iter().map(|line| line.as_str().expect("text").to_owned()).collect(),
        }
    }
}

/// Starts a function that must be refused, and says what it reported and how it ended.
pub fn refusal(function: &Function) -> (Posted, Option<i32>) {
    let environment = start(function);
    match environment.wait_initialised(INIT_LIMIT) {
        Err(InvokeError::InitError(error)) => {
            let exit = environment.shared().session().exit_status().expect("ended");
            (Posted::read(&error), exit.code())
        }
        other => panic!("expected an init error: {other:?}"),
    }
}

/// The refusal of `pilotlight check`; None where the bootstrap would load the library. It judges
/// files of unknown CPUs as this machine's bootstrap does; here they are refused by the one under
/// test.
pub fn verdict(library: &Path) -> Option<String> {
    let refusal = check::check(library).refusal?;
    Some(refusal.replace(Cpu::native().name, arch().name))
}

/// Compiles C or C++ for a test, with the header of the SDK.
pub fn compile(source: &Path, arguments: &[&str], target: &Path) {
    let is_c = source.extension().is_none_or(|extension| extension == "c");
    let compiler = arch()
        .compiler(is_c)
        .arg("-I")
        .arg(root().join("sdk/include"))
        .arg(source)
        .args(arguments)
        .arg("-o")
        .arg(target)
        .output()
        .expect("cc");
    let words = String::from_utf8_lossy(&compiler.stderr);
    assert!(compiler.status.success(), "{}: {words}", source.display());
}

/// Builds with cargo: the stock toolchain in the release profile. Returns the shared libraries.
pub fn cargo(folder: &str, arguments: &[&str]) -> Vec<PathBuf> {
    let output = arch()
        .rust("cargo", &root().join(folder))
        .args(arguments)
        .args(["--locked", "--release", "--quiet", "--message-format=json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo");
    assert!(output.status.success(), "cargo {} failed in {folder}", arguments.join(" "));
    let messages = String::from_utf8(output.stdout).expect("UTF-8");
    let messages = messages.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let files = messages.flat_map(|message: Value| {
        let files = message["filenames"].as_array().cloned().unwrap_or_default();
        files.into_iter().map(|file| PathBuf::from(file.as_str().expect("a path")))
    });
    files.filter(|file| file.extension().is_some_and(|extension| extension == "so")).collect()
}

/// A fixture crate's library, in the workspace's release profile.
pub fn fixture_crate(name: &str) -> PathBuf {
    static BUILT: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let names = ["stock", "asynchronous", "logging", "configured", "errors", "hooks"];
        let packages = names.map(|name| ["-p", name]).concat();
        cargo(".", &[&["build"], &packages[..]].concat())
    });
    library(built, name)
}

/// A crate's library among those that cargo has built.
pub fn library(built: &[PathBuf], name: &str) -> PathBuf {
    let file = format!("lib{name}.so");
    built.iter().find(|path| path.ends_with(&file)).expect("cargo has built it").clone()
}

/// A port for a program to listen on that cannot say which it chose. Below the range that the
/// kernel gives to port 0 and to clients (`ip_local_port_range`), so that no other test has it
/// before it does.
pub fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).expect("a small number");
    loop {
        let port = 20_000 + (first + TAKEN.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until a process sleeps: until it waits for something that a test has to bring about.
pub fn wait_until_asleep(process: u32) {
    let end = Instant::now() + PATIENCE;
    loop {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
        let (_, fields) = stat.rsplit_once(") ").expect("its name and its fields");
        if fields.starts_with('S') {
            return;
        }
        assert!(!fields.starts_with('Z'), "it has ended, and waits for nothing");
        assert!(Instant::now() < end, "the process never waits: {stat}");
        thread::yield_now();
    }
}

/// Builds `tests/fixtures/handlers/<name>.c` into a folder that lives as long as the first value.
pub fn fixture_in_c(name: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let library = folder.path().join(format!("lib{name}.so"));
    let source = root().join(format!("tests/fixtures/handlers/{name}.c"));
    let arguments = ["-shared", "-fPIC", "-O1", "-pthread", "-Wall", "-Wextra", "-Werror"];
    compile(&source, &arguments, &library);
    (folder, library)
}

/// The most memory that a running process has had, in KiB.
pub fn peak_memory_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its memory");
    line.trim_end_matches("kB").trim().parse().expect("a number")
}
