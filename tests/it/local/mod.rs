//! The local Lambda: the command `pilotlight` and the server that clients talk to.

mod check;
mod command;
mod doors;
mod ends;
mod exec;
mod external;
mod feed;
mod http_events;
mod limits;
mod misbehaved_runtimes;
mod remedies;
mod serve;
