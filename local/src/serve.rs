//! `pilotlight serve`: a local Lambda for clients of all kinds, until it is ended.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::function::Function;
use crate::http::Listener;
use crate::lambda::Credentials;
use crate::lambda::Lambda;
use crate::placement::Placement;
use crate::placement::Settings;
use crate::warming::Schedule;

/// Threads that wait for connections from the beginning.
const THREADS: usize = 4;

/// A running local Lambda, until it is dropped.
#[derive(Debug)]
pub struct Served {
    /// What is served; schedules and the like invoke it from inside.
    pub lambda: Arc<Lambda>,
    listener: Option<Listener>,
    schedule: Option<Schedule>,
}

impl Served {
    /// Listens on `address` and serves the functions there, once their provisioned environments are
    /// initialised; from then on, pings come as the settings say.
    pub fn start(
        functions: Vec<Function>,
        settings: &Settings,
        credentials: Option<Credentials>,
        address: SocketAddr,
    ) -> Result<Served> {
        let socket = listen(address)?;
        let address = socket.local_addr()?;
        let epoch = Instant::now();
        let mut names = BTreeSet::new();
        if let Some(twice) = functions.iter().find(|function| !names.insert(&function.name)) {
            bail!("two libraries make a function named {}: rename one", twice.name);
        }
        let mut placements = Vec::<Arc<Placement>>::new();
        for mut function in functions {
            reach_back(&mut function, address, credentials.as_ref());
            match Placement::open(function, settings.clone(), epoch) {
                Ok(placement) => placements.push(placement),
                Err(error) => {
                    placements.iter().for_each(|placement| placement.close());
                    return Err(error);
                }
            }
        }
        let lambda = Arc::new(Lambda::new(placements, credentials, settings.clock, epoch));
        let serving = Arc::clone(&lambda);
        let listener =
            Listener::start(socket, THREADS, move |connection| serving.serve(connection))?;
        // Their fan-out needs somebody who listens.
        let start = |warming| Schedule::start(warming, settings.clock, Arc::clone(&lambda));
        let schedule = settings.warming.clone().map(start);
        Ok(Served { lambda, listener: Some(listener), schedule })
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().map(Listener::address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.schedule.take());
        // Invocations that are under way get their error before their connections are closed.
        self.lambda.close();
        drop(self.listener.take());
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "cannot listen on {address}: something else does; end it, or choose another with --listen"
        ),
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
    })
}

/// Functions that invoke functions find this Lambda, unless they are told otherwise.
fn reach_back(function: &mut Function, address: SocketAddr, credentials: Option<&Credentials>) {
    let endpoint = format!("http://{address}");
    let (key, secret) = match credentials {
        Some(Credentials { key, secret }) => (key.as_str(), secret.as_str()),
        None => ("local", "local"),
    };
    let known = |name: &str| function.environment("").iter().any(|(known, _)| known == name);
    let mut ours = vec![("AWS_ENDPOINT_URL_LAMBDA".to_owned(), endpoint)];
    if credentials.is_some() || !known("AWS_ACCESS_KEY_ID") {
        ours.push(("AWS_ACCESS_KEY_ID".to_owned(), key.to_owned()));
        ours.push(("AWS_SECRET_ACCESS_KEY".to_owned(), secret.to_owned()));
    }
    // The user's own come behind, and win.
    function.variables.splice(0..0, ours);
}

/// Reads `KEY:SECRET`.
pub fn credentials(text: &str) -> Result<Credentials> {
    let (key, secret) = text.split_once(':').context("expected KEY:SECRET")?;
    if key.is_empty() || secret.is_empty() {
        bail!("expected KEY:SECRET");
    }
    Ok(Credentials { key: key.to_owned(), secret: secret.to_owned() })
}
