//! Fan-outs judged by clients and warmers of other people, in Python and Node.

mod environments;
mod oracle;
mod port;
mod tls;
