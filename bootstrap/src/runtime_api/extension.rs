//! Registers the bootstrap as an internal extension, so that it gets SIGTERM before the environment
//! ends.
//!
//! Source: "Lambda Extensions API" in AWS's documentation. Lambda kills a runtime without an
//! extension; with one, it sends SIGTERM and allows some time. An internal extension may subscribe
//! to no event, but the init phase ends only when it waits for one: the request is sent, and
//! its response never comes.

use alloc::format;
use alloc::vec::Vec;
use core::mem;

use super::RuntimeApi;
use super::attempt;
use super::refusal;
use super::wire;
use crate::failure::Failure;

impl RuntimeApi {
    /// Registers, on a connection that stays open until the process ends.
    pub fn register_extension(&mut self) -> Result<(), Failure> {
        let socket = self.endpoint.connect()?;
        let mut buffer = Vec::new();
        let request = wire::register_request(&self.endpoint);
        let response = attempt(&socket, &request, &[], &mut buffer, &mut || {})
            .map_err(|error| self.unreadable(&request, &error))?;
        let identifier = match response.status {
            200 => wire::extension_identifier(&buffer[response.head.clone()]),
            _ => None,
        };
        let Some(identifier) = identifier else {
            let message = refusal("POST /extension/register", &response, &buffer);
            return Err(Failure::runtime_api(message));
        };
        let request = wire::next_event_request(&self.endpoint, identifier);
        socket
            .send([&request, b"", b"", b""])
            .map_err(|errno| Failure::runtime_api(format!("GET /extension/event/next: {errno}")))?;
        mem::forget(socket);
        Ok(())
    }
}
