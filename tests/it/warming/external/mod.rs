//! Fan-outs judged by clients and warmers of other people, in Python and Node.

mod environments;
mod fan_out;
mod limits;
mod oracle;
mod port;
mod tls;
