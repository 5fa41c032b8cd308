//! The bootstrap as an internal extension: what it takes to be told of the environment's end.
//!
//! Source: "Lambda Extensions API" in AWS's documentation. Without an extension a runtime is killed; with
//! one, it gets SIGTERM and some time. An internal extension may ask for no event, but the start-up ends
//! only when it waits for one: so the request is sent, and nobody reads the answer that never comes.

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
        let answer = attempt(&socket, &request, &[], &mut buffer, &mut || {})
            .map_err(|error| self.unreadable(&request, &error))?;
        let identifier = match answer.status {
            200 => wire::extension_identifier(&buffer[answer.head.clone()]),
            _ => None,
        };
        let Some(identifier) = identifier else {
            let message = refusal("POST /extension/register", &answer, &buffer);
            return Err(Failure::runtime_api(message));
        };
        let request = wire::next_event_request(&self.endpoint, identifier);
        socket.send([&request, b"", b"", b""]).map_err(|errno| {
            Failure::runtime_api(format!("GET /extension/event/next: errno {errno}"))
        })?;
        mem::forget(socket);
        Ok(())
    }
}
