//! Snapshots: with Lambda SnapStart, the platform takes a snapshot of the process after the init
//! phase, and restores it to many, each of which goes on to its first invocation.

use pilotlight_host::sys;

use crate::config;
use crate::environment::Environment;
use crate::failure::ExitCode;
use crate::failure::Failure;
use crate::handler::Handler;
use crate::runtime_api::RuntimeApi;

/// Passes through a snapshot if the platform takes one: runs the library's functions around it, and
/// makes configuration values from before it stale. Returns in the restored process.
pub fn pass(
    api: &mut RuntimeApi,
    handler: &Handler,
    environment: &Environment,
) -> Result<(), Failure> {
    if environment.initialization_type != Some(b"snap-start") {
        return Ok(());
    }
    if let Err(failure) = handler.before_snapshot() {
        let error_type = "Runtime.BeforeSnapshotError";
        return Err(api.fail_init(Failure::snapshot(ExitCode::Init, error_type, &failure)));
    }
    // Every restored process would write what a stream holds back, and no fetch outlives the
    // snapshot.
    sys::flush_streams();
    config::STORE.end_invocation();
    api.wait_for_restore()?;
    config::STORE.expire();
    if let Err(failure) = handler.after_restore() {
        let error_type = "Runtime.AfterRestoreError";
        return Err(api.fail_restore(Failure::snapshot(ExitCode::Restore, error_type, &failure)));
    }
    sys::flush_streams();
    config::STORE.end_start();
    Ok(())
}
