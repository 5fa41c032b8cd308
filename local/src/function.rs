//! A function: its configuration, and the environment variables that Lambda derives from it.

use std::env;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::cpu::Cpu;
use crate::identifiers;
use crate::limits::Limits;

/// The account of all functions, from AWS's own examples.
pub const ACCOUNT: &str = "123456789012";

/// The initialization type of functions with SnapStart.
pub const SNAP_START: &str = "snap-start";

/// Lambda's limit for the payload of a synchronous invocation, in bytes.
pub const MAX_PAYLOAD: usize = 6 << 20;

/// A function and its configuration.
#[derive(Clone, Debug)]
pub struct Function {
    /// The name, which is the library's.
    pub name: String,
    /// The handler library, or the one file that carries it, as a canonical path.
    pub library: PathBuf,
    /// `_HANDLER`.
    pub handler: String,
    /// The folder that the package was unpacked to; on Lambda `/var/task`.
    pub task_root: PathBuf,
    /// The program that is started; on Lambda `/opt/bootstrap`.
    pub bootstrap: PathBuf,
    /// The program's arguments; none on Lambda.
    pub arguments: Vec<String>,
    /// The emulator that the program is started with, if it is for another CPU than this machine's.
    pub emulator: Option<PathBuf>,
    /// Memory in MB.
    pub memory_mb: u64,
    /// Limit for an invocation.
    pub timeout: Duration,
    /// The user's variables, which override Lambda's.
    pub variables: Vec<(String, String)>,
    /// `AWS_LAMBDA_INITIALIZATION_TYPE`: `on-demand`, `provisioned-concurrency` or [`SNAP_START`].
    pub initialization_type: &'static str,
    /// `AWS_LAMBDA_LOG_STREAM_NAME`.
    pub log_stream: String,
    /// Limit for a process's concurrent invocations, as on a Managed Instance; otherwise one.
    pub max_concurrency: Option<u16>,
    /// The limits that the processes are held to.
    pub limits: Limits,
}

impl Function {
    /// A function of a handler library, with Lambda's defaults: 128 MB, 3 seconds.
    pub fn of_library(library: &Path, name: Option<&str>, bootstrap: &Path) -> Result<Function> {
        let shown = library.display();
        if !library.is_file() {
            bail!("{shown}: no such file; build the handler first, and pass the path of its .so");
        }
        let library = library.canonicalize().with_context(|| shown.to_string())?;
        let task_root = library.parent().context("a file lies in a folder")?.to_path_buf();
        let file = library.file_name().and_then(|file| file.to_str());
        let Some(stem) = file.and_then(|file| file.strip_suffix(".so")) else {
            bail!("{shown}: the file name of a handler library must end with .so");
        };
        let base = stem.strip_prefix("lib").unwrap_or(stem);
        if stem == base && task_root.join(format!("lib{base}.so")).exists() {
            bail!(
                "{shown}: lib{base}.so in the same folder takes precedence for `{base}`; rename one"
            );
        }
        let handler = name.map_or_else(|| base.to_owned(), |name| format!("{base}.{name}"));
        if !bootstrap.is_file() {
            let bootstrap = bootstrap.display();
            bail!(
                "{bootstrap}: no such file; run ./build.sh, or pass the layer's folder with --layer"
            );
        }
        Function::with_defaults(base, &library, handler, bootstrap.canonicalize()?)
    }

    /// A function in one file, with Lambda's defaults. Its name is that of the folder, as in
    /// `target/lambda/hello/bootstrap`.
    pub fn of_one_file(file: &Path, name: Option<&str>) -> Result<Function> {
        let file = file.canonicalize().with_context(|| file.display().to_string())?;
        let named = if file.ends_with("bootstrap") { file.parent() } else { Some(&*file) };
        let base = named.and_then(Path::file_stem).and_then(|base| base.to_str());
        let base = base.unwrap_or("bootstrap").to_owned();
        let handler = name.map_or_else(|| base.clone(), |name| format!("{base}.{name}"));
        Function::with_defaults(&base, &file.clone(), handler, file)
    }

    /// `library` and `bootstrap` are canonical paths.
    fn with_defaults(
        name: &str,
        library: &Path,
        handler: String,
        bootstrap: PathBuf,
    ) -> Result<Function> {
        let emulator = emulator(&bootstrap)?;
        Ok(Function {
            name: name.to_owned(),
            task_root: library.parent().context("a file lies in a folder")?.to_path_buf(),
            library: library.to_path_buf(),
            handler,
            bootstrap,
            arguments: Vec::new(),
            emulator,
            memory_mb: 128,
            timeout: Duration::from_secs(3),
            variables: Vec::new(),
            initialization_type: "on-demand",
            log_stream: identifiers::log_stream(),
            max_concurrency: None,
            limits: Limits::default(),
        })
    }

    /// The same function with another program, which contains its handler. Spaces separate the
    /// program's arguments.
    pub fn with_command(&self, command: &str) -> Result<Function> {
        let mut parts = command.split_whitespace().map(str::to_owned);
        let shown = parts.next().context("the command is empty; expected a program")?;
        let program = Path::new(&shown)
            .canonicalize()
            .with_context(|| format!("{shown}: no such program"))?;
        let (arguments, emulator) = (parts.collect(), emulator(&program)?);
        Ok(Function { bootstrap: program, arguments, emulator, ..self.clone() })
    }

    /// The same function, started by another program, which gets these options and then the
    /// command, without limits.
    pub fn under(&self, program: &Path, options: &[&str]) -> Function {
        let command = self.emulator.iter().chain([&self.bootstrap]);
        let command = command.map(|path| path.display().to_string());
        let options = options.iter().copied().map(str::to_owned);
        let arguments = options.chain(command).chain(self.arguments.iter().cloned()).collect();
        Function {
            bootstrap: program.to_path_buf(),
            arguments,
            emulator: None,
            limits: Limits::default(),
            ..self.clone()
        }
    }

    /// The command that starts the program with its arguments, in this process's environment.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.emulator.as_ref().unwrap_or(&self.bootstrap));
        if self.emulator.is_some() {
            command.arg(&self.bootstrap);
        }
        command.args(&self.arguments);
        command
    }

    /// The function's ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{ACCOUNT}:function:{}", region(), self.name)
    }

    /// The environment variables of the process, as in Lambda's documentation. Of this machine's
    /// own variables, only AWS credentials and region are passed on, which Lambda sets, too.
    pub fn environment(&self, runtime_api: &str) -> Vec<(String, String)> {
        let group = format!("/aws/lambda/{}", self.name);
        let memory = self.memory_mb.to_string();
        let region = region();
        let task_root = self.task_root.display().to_string();
        // Without the folders of languages that OS-only runtimes do not have.
        let libraries = format!(
            "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:{task_root}:{task_root}/lib:/opt/lib"
        );
        let fixed = [
            ("AWS_LAMBDA_RUNTIME_API", runtime_api),
            ("_HANDLER", &self.handler),
            ("LAMBDA_TASK_ROOT", &task_root),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("AWS_LAMBDA_FUNCTION_NAME", &self.name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", self.initialization_type),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &group),
            ("AWS_LAMBDA_LOG_STREAM_NAME", &self.log_stream),
            ("AWS_REGION", &region),
            ("AWS_DEFAULT_REGION", &region),
            ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
            ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000"),
            ("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1"),
            ("_AWS_XRAY_DAEMON_PORT", "2000"),
            ("TZ", ":UTC"),
            ("LANG", "en_US.UTF-8"),
            ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
            ("LD_LIBRARY_PATH", &libraries),
        ];
        let mut variables: Vec<(String, String)> =
            fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if let Some(limit) = self.max_concurrency {
            variables.push(("AWS_LAMBDA_MAX_CONCURRENCY".to_owned(), limit.to_string()));
        }
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            variables.extend(env::var(name).ok().map(|value| (name.to_owned(), value)));
        }
        variables.extend(self.variables.iter().cloned());
        variables
    }
}

/// The emulator for a program; `None` if this machine runs it itself.
fn emulator(program: &Path) -> Result<Option<PathBuf>> {
    Cpu::of(program).filter(|cpu| !cpu.is_native()).map(Cpu::emulator).transpose()
}

/// The region of all functions: the user's, or `us-east-1`.
pub fn region() -> String {
    let of = |name| env::var(name).ok().filter(|region| !region.is_empty());
    of("AWS_REGION").or_else(|| of("AWS_DEFAULT_REGION")).unwrap_or_else(|| "us-east-1".to_owned())
}
