//! `pilotlight serve`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use clap::Args;
use pilotlight_local::clock::Clock;
use pilotlight_local::descriptors::Shares;
use pilotlight_local::exec;
use pilotlight_local::functions;
use pilotlight_local::interrupt::Interrupts;
use pilotlight_local::lambda::Credentials;
use pilotlight_local::log;
use pilotlight_local::ping::Warming;
use pilotlight_local::placement::Logs;
use pilotlight_local::placement::Settings;
use pilotlight_local::process::Workplace;
use pilotlight_local::schedule::Rate;
use pilotlight_local::serve;
use pilotlight_local::serve::Served;
use pilotlight_local::serve::ServerOptions;

use super::Configuration;
use super::above_zero;
use super::limit_memory;
use super::say_conditions;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// Handler libraries, one function each, named by its file (`libecho.so` is `echo`), and
    /// functions in one file; by default all that `pilotlight build` has written.
    #[arg(value_name = "FUNCTION")]
    libraries: Vec<PathBuf>,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:9000", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Each function's reserved concurrency: further concurrent invocations are refused with 429.
    #[arg(long, value_name = "N")]
    reserved: Option<usize>,
    /// Each function's provisioned concurrency: environments that are initialised in advance.
    #[arg(long, default_value_t = 0, value_name = "N")]
    provisioned: usize,
    /// Seconds after which an idle environment is ended.
    #[arg(long, default_value_t = 600.0, value_name = "SECONDS", value_parser = above_zero)]
    idle: f64,
    /// Shorten Lambda's waiting times by this factor: until idle environments end, until a schedule
    /// is due, and between the attempts of asynchronous invocations.
    #[arg(long, default_value_t = 1.0, value_name = "N", value_parser = above_zero)]
    speed: f64,
    /// Keep the functions warm by pings at a rate, as an EventBridge rule does: 'rate(5 minutes)'.
    #[arg(long, value_name = "RATE", value_parser = Rate::parse)]
    warm: Option<Rate>,
    /// The number of environments of each function that a ping keeps warm.
    #[arg(long, default_value_t = 1, value_name = "N", requires = "warm",
        value_parser = clap::value_parser!(u16).range(1..=1000))]
    warm_concurrency: u16,
    /// Stop the processes between invocations, as Lambda freezes environments.
    #[arg(long)]
    freeze: bool,
    /// Replace the environments of a function when its library is rebuilt.
    #[arg(long)]
    watch: bool,
    /// Let each process handle this many concurrent invocations, as on a Managed Instance.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    max_concurrency: Option<u16>,
    /// Another host name that clients may use, such as host.docker.internal; may be repeated.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Require signatures by this access key, also for function URLs; the page needs a token.
    #[arg(long, value_name = "KEY:SECRET", value_parser = serve::credentials)]
    credentials: Option<Credentials>,
    /// Do not show the functions' logs.
    #[arg(long)]
    quiet: bool,
    /// Run a command with AWS_ENDPOINT_URL_LAMBDA set, and end with its exit code and a summary.
    /// All further arguments are the command's.
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true)]
    exec: Vec<OsString>,
    #[command(flatten)]
    configuration: Configuration,
}

impl Arguments {
    fn libraries(&self) -> Result<Vec<PathBuf>> {
        if self.libraries.is_empty() {
            return Ok(functions::all()?.into_iter().map(|(_, library)| library).collect());
        }
        Ok(self.libraries.iter().map(|library| functions::named(library)).collect())
    }

    fn warming(&self) -> Option<Warming> {
        let rate = self.warm.clone()?;
        Some(Warming { rate, concurrency: self.warm_concurrency })
    }

    /// Logs what the schedule sends, and warns if it keeps nothing warm.
    fn say_warming(&self) {
        let Some(warming) = self.warming() else { return };
        let (rate, ping) = (&warming.rate.expression, warming.ping());
        log::say(format_args!("{rate}: {ping} to each function"));
        let seconds = warming.rate.period.as_secs();
        if self.idle <= warming.rate.period.as_secs_f64() {
            let idle = self.idle;
            log::say(format_args!(
                "this keeps nothing warm: idle environments end after {idle} seconds, but pings are \
                 {seconds} seconds apart; raise --idle, or ping more often"
            ));
        }
    }
}

/// Serves until Ctrl-C, or until the command of `--exec` has ended.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { reserved, provisioned, .. } = *arguments;
    if let Some(reserved) = reserved.filter(|&reserved| reserved < provisioned) {
        bail!("--provisioned {provisioned} is more than --reserved {reserved} allows");
    }
    let clock = Clock { speed: arguments.speed };
    let warming = arguments.warming();
    if let Some(warming) = &warming {
        warming.check(clock).context("--warm")?;
    }
    let mut functions = Vec::new();
    for library in arguments.libraries()? {
        let mut function = arguments.configuration.function(&library, None)?;
        function.max_concurrency = arguments.max_concurrency;
        limit_memory(&mut function);
        functions.push(function);
    }
    let interrupts = Interrupts::catch()?;
    let workplace = Workplace::open()?;
    let shares = Shares::claim();
    let settings = Settings {
        reserved,
        provisioned,
        idle: Duration::from_secs_f64(arguments.idle),
        freeze: arguments.freeze,
        watch: arguments.watch,
        clock,
        warming,
        logs: if arguments.quiet { Logs::Kept } else { Logs::Labelled },
        folder: workplace.folder().to_path_buf(),
        descriptors: shares.environments,
    };
    let options = ServerOptions {
        address: arguments.listen,
        names: arguments.hosts.clone(),
        credentials: arguments.credentials.clone(),
        connections: shares.connections,
    };
    let served = Served::start(functions, &settings, options)?;
    let (address, query) = (served.address(), served.lambda.access.page_query());
    let how = if arguments.exec.is_empty() { "; stop with Ctrl-C" } else { "" };
    log::say(format_args!("http://{address}/{query} shows the environments{how}"));
    for (name, placement) in &served.lambda.functions {
        say_conditions(&placement.function);
        log::say(format_args!("{name}: pilotlight invoke {name} --endpoint http://{address}"));
        log::say(format_args!("{name}: http://{address}/lambda-url/{name}/"));
    }
    arguments.say_warming();
    if arguments.exec.is_empty() {
        // A second signal ends the command at once, without waiting for shutdown hooks.
        interrupts.wait();
        drop(served);
        drop(workplace);
        return Ok(ExitCode::SUCCESS);
    }
    let code = exec::run(&arguments.exec, address, arguments.credentials.as_ref(), interrupts);
    let placements: Vec<_> = served.lambda.functions.values().cloned().collect();
    drop(served);
    drop(workplace);
    let code = code?;
    for placement in placements {
        log::say(placement.summary());
    }
    Ok(ExitCode::from(code))
}
