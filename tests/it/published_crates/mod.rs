//! Handlers on well-known crates, which Cargo downloads and builds in workspaces of their own.

mod allocators;
mod aws;
mod axum;
mod events;
mod heavy;
mod http_events;
mod moved;
mod traced;
