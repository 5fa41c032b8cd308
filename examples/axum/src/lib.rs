//! An axum application as a Lambda function: the router is what it would be on a server of its own.

mod app;

pilotlight::http!(app::router());
