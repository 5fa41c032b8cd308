//! Snapshots of the process, as the Runtime API sees them.
//!
//! Source: "Runtime hooks for custom runtimes" of Lambda SnapStart in AWS's documentation. The
//! routes exist only if `AWS_LAMBDA_INITIALIZATION_TYPE` is `snap-start`.

use alloc::vec::Vec;

use super::RuntimeApi;
use super::refusal;
use super::wire;
use crate::failure::Failure;

impl RuntimeApi {
    /// Says that a snapshot may be taken, and waits without a timeout until it is restored. From
    /// then on, the end of the process is reported as a failure of the restore.
    pub fn wait_for_restore(&mut self) -> Result<(), Failure> {
        self.worker.disarm();
        let request = wire::restore_request(&self.endpoint);
        let mut buffer = Vec::new();
        let response = self.exchange(&request, &[], &mut buffer, &mut || {})?.response;
        // The snapshot's connection has no other end.
        self.connection = None;
        if response.status != 200 {
            let message = refusal("GET /restore/next", &response, &buffer);
            return Err(Failure::runtime_api(message));
        }
        self.arm(wire::RESTORE_ERROR, None);
        Ok(())
    }

    /// Posts a failure after a restore and returns it, like [`RuntimeApi::fail_init`].
    pub fn fail_restore(&mut self, failure: Failure) -> Failure {
        self.fail_phase(wire::RESTORE_ERROR, failure)
    }
}
