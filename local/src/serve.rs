//! `pilotlight serve`: a local Lambda for clients of all kinds, until it is interrupted.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::function::Function;
use crate::lambda::Access;
use crate::lambda::Credentials;
use crate::lambda::Lambda;
use crate::placement::Placement;
use crate::placement::Settings;
use crate::placement::Timeline;
use crate::server::Server;
use crate::warming::Schedule;

/// Settings of the server that clients connect to.
#[derive(Debug)]
pub struct ServerOptions {
    /// The address to listen on.
    pub address: SocketAddr,
    /// Host names that clients may use, in addition to this machine's own.
    pub names: Vec<String>,
    /// The access key that clients must sign with, if any.
    pub credentials: Option<Credentials>,
    /// The maximum number of concurrent connections.
    pub connections: usize,
}

/// A running local Lambda, until it is dropped.
#[derive(Debug)]
pub struct Served {
    /// The functions; schedules invoke them directly.
    pub lambda: Arc<Lambda>,
    server: Server,
    schedule: Option<Schedule>,
}

impl Served {
    /// Listens, and serves the functions once their provisioned environments are initialised. Then
    /// starts the warming schedule, if there is one.
    pub fn start(
        functions: Vec<Function>,
        settings: &Settings,
        options: ServerOptions,
    ) -> Result<Served> {
        let ServerOptions { address, names, credentials, connections } = options;
        let mut server = listen(address)?;
        let address = server.address();
        let timeline = Timeline::start();
        let mut known = BTreeSet::new();
        if let Some(twice) = functions.iter().find(|function| !known.insert(&function.name)) {
            bail!("two libraries make a function named {}: rename one", twice.name);
        }
        let mut placements = Vec::<Arc<Placement>>::new();
        for mut function in functions {
            set_client_variables(&mut function, address, credentials.as_ref());
            match Placement::open(function, settings.clone(), Arc::clone(&timeline)) {
                Ok(placement) => placements.push(placement),
                Err(error) => {
                    placements.iter().for_each(|placement| placement.close());
                    return Err(error);
                }
            }
        }
        let access = Access::new(address.ip(), &names, credentials);
        let lambda = Lambda::new(placements, access, settings.clock, timeline, server.handle());
        let lambda = Arc::new(lambda);
        server.serve(Arc::clone(&lambda), connections);
        // The pings fan out by invoking the function, so the server must accept requests already.
        let start = |warming| Schedule::start(warming, settings.clock, Arc::clone(&lambda));
        let schedule = settings.warming.clone().map(start);
        Ok(Served { lambda, server, schedule })
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.schedule.take());
        // Running invocations get their error before the server closes their connections.
        self.lambda.close();
    }
}

fn listen(address: SocketAddr) -> Result<Server> {
    Server::listen(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "cannot listen on {address}: the port is in use; choose another with --listen"
        ),
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
    })
}

/// Points the AWS clients of a function at this server, unless the user's variables say otherwise.
fn set_client_variables(
    function: &mut Function,
    address: SocketAddr,
    credentials: Option<&Credentials>,
) {
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
    // The user's own variables come later, and so override these.
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
