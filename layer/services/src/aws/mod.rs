//! Calls of AWS services: [`endpoint`] finds the URL, [`credentials`] the role's keys, [`sign`]
//! signs, [`transport`] sends, and [`client`] joins them. No file here knows the requests of a
//! particular service: [`Service`] holds all that differs.

mod client;
mod credentials;
mod endpoint;
mod sign;
mod transport;

pub use self::client::Call;
pub use self::client::Client;
pub use self::transport::Response;
pub use self::transport::Transport;

/// A service, as endpoints and signatures name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The first label of its hosts.
    pub host: &'static str,
    /// Its name in the scope of a signature.
    pub signing_name: &'static str,
    /// Suffix of its variable `AWS_ENDPOINT_URL_…`.
    pub variable: &'static str,
}

/// AWS Lambda.
pub const LAMBDA: Service = Service { host: "lambda", signing_name: "lambda", variable: "LAMBDA" };

/// AWS AppConfig's data plane.
pub const APPCONFIG_DATA: Service =
    Service { host: "appconfigdata", signing_name: "appconfig", variable: "APPCONFIGDATA" };

/// Systems Manager, for its Parameter Store.
pub const SSM: Service = Service { host: "ssm", signing_name: "ssm", variable: "SSM" };

/// AWS Secrets Manager.
pub const SECRETS_MANAGER: Service =
    Service { host: "secretsmanager", signing_name: "secretsmanager", variable: "SECRETS_MANAGER" };
