//! The way back: runs a library's handlers on the crate `lambda_runtime`, in a program of their
//! own.
//!
//! The handlers are called through the same ABI, so that their answers are the same. This module
//! is the runtime then: it keeps the ABI's promises, and leaves the Runtime API to the crate.

mod invocation;
#[allow(unsafe_code)] // Calls the functions of the library through the ABI.
mod library;
mod service;
mod stream;
#[allow(unsafe_code)] // The functions that the library calls through the ABI.
mod table;

use std::env;
use std::process;
use std::sync::Arc;

use lambda_runtime::BoxFuture;
use lambda_runtime::Error;
use lambda_runtime::Runtime;
use lambda_runtime::SnapStartResource;
use pilotlight_abi as abi;
use tokio::runtime::Builder;
use tokio::task;

use self::library::Library;
use self::service::Around;

/// Exit code if the library cannot be initialised, as the bootstrap's.
const INIT_FAILED: i32 = 10;

/// Serves invocations with the handler that `_HANDLER` names, or with the only one. Returns if the
/// Runtime API fails.
pub fn run(library: &'static abi::Library) {
    let library = Library::new(library);
    let result = library.initialise().and_then(|()| {
        let handler = library.handler(&env::var("_HANDLER").unwrap_or_default())?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("tokio cannot be started: {error}"))?;
        Ok((runtime, handler))
    });
    let (runtime, handler) = result.unwrap_or_else(|message| {
        eprintln!("{message}");
        process::exit(INIT_FAILED)
    });
    if let Err(error) = runtime.block_on(serve(library, handler)) {
        eprintln!("{error}");
        process::exit(1);
    }
}

async fn serve(library: Library, handler: abi::Call) -> Result<(), Error> {
    let around = Around::new(library);
    Runtime::new(around.handler(handler))
        .layer(around)
        .register_snapstart_resource(Arc::new(library))
        .run_concurrent()
        .await
}

impl SnapStartResource for Library {
    fn before_snapshot(&self) -> BoxFuture<'_, Result<(), Error>> {
        let library = *self;
        Box::pin(async move { Ok(task::spawn_blocking(move || library.before_snapshot()).await??) })
    }

    fn after_restore(&self) -> BoxFuture<'_, Result<(), Error>> {
        let library = *self;
        Box::pin(async move { Ok(task::spawn_blocking(move || library.after_restore()).await??) })
    }
}
