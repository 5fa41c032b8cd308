//! `pilotlight serve --exec`: runs a command that is the server's client, such as a test suite.

use std::ffi::OsString;
use std::io;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;

use anyhow::Context as _;
use anyhow::Result;
use rustix::process::Pid;
use rustix::process::Signal;

use crate::function;
use crate::interrupt::Interrupts;
use crate::lambda::Credentials;
use crate::process;
use crate::sync::lock;

/// Variables that say where an AWS client finds its credentials.
const CREDENTIALS: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
];

/// Runs a command with its arguments as a client of the server at `address`, and returns its exit
/// code; 128 and the signal's number if a signal ended it. A signal to this program is passed on to
/// it; a second one ends both.
pub fn run(
    command: &[OsString],
    address: SocketAddr,
    credentials: Option<&Credentials>,
    interrupts: Interrupts,
) -> Result<u8> {
    let (program, arguments) = command.split_first().context("--exec needs a command")?;
    let mut command = Command::new(program);
    command.args(arguments).envs(variables(address, credentials, &is_set));
    if credentials.is_some() {
        command.env_remove("AWS_SESSION_TOKEN");
    }
    if io::stdin().is_terminal() {
        // It is not the terminal's foreground process, which alone may read from it.
        command.stdin(Stdio::null());
    }
    let running = Arc::new(Mutex::new(None));
    let mut child = {
        let mut running = lock(&running);
        let started = process::spawn(&mut command);
        let child = started.with_context(|| format!("cannot run {}", program.display()))?;
        *running = Some(Pid::from_child(&child));
        child
    };
    let to = Arc::clone(&running);
    thread::spawn(move || pass_on(interrupts.wait(), &to));
    process::wait(&child);
    // From here on, its id may be another process's.
    *lock(&running) = None;
    Ok(exit_code(child.wait()?))
}

fn pass_on(signal: i32, running: &Mutex<Option<Pid>>) {
    let running = lock(running);
    if let (Some(group), Some(signal)) = (*running, Signal::from_named_raw(signal)) {
        // It fails if the command has just ended by itself.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

/// The variables that point AWS clients to the server. A region and credentials of the user stay,
/// unless the server requires others.
fn variables(
    address: SocketAddr,
    credentials: Option<&Credentials>,
    is_set: &dyn Fn(&str) -> bool,
) -> Vec<(&'static str, String)> {
    let mut variables = vec![("AWS_ENDPOINT_URL_LAMBDA", format!("http://{address}"))];
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        variables.extend((!is_set(name)).then(|| (name, function::region())));
    }
    if credentials.is_some() || !CREDENTIALS.iter().any(|name| is_set(name)) {
        let ours = credentials.map_or(("local", "local"), |ours| (&ours.key, &ours.secret));
        variables.push(("AWS_ACCESS_KEY_ID", ours.0.to_owned()));
        variables.push(("AWS_SECRET_ACCESS_KEY", ours.1.to_owned()));
    }
    variables
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_variables_stay_unless_the_server_requires_others() {
        let address = SocketAddr::from(([127, 0, 0, 1], 9000));
        let names = |credentials: Option<&Credentials>, set: &[&str]| {
            let variables = variables(address, credentials, &|name| set.contains(&name));
            variables.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let [endpoint, region, default_region] =
            ["AWS_ENDPOINT_URL_LAMBDA", "AWS_REGION", "AWS_DEFAULT_REGION"];
        let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let all = [&[endpoint, region, default_region], &keys[..]].concat();
        assert_eq!(names(None, &[]), all);
        assert_eq!(names(None, &[region, default_region, "AWS_PROFILE"]), [endpoint]);
        let required = Credentials { key: "key".to_owned(), secret: "secret".to_owned() };
        assert_eq!(names(Some(&required), &["AWS_ACCESS_KEY_ID"]), all);
    }
}
