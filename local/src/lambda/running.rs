//! An invocation on its own thread, which sends the answer to the client's task over a channel.
//!
//! Blocking threads wait for environments, so that a scheduler does not add to the measured times.
//! Their number is limited by the account's concurrent executions.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::task::JoinHandle;

use crate::placement::Done;
use crate::placement::Placement;
use crate::placement::Request;
use crate::placement::Throttled;
use crate::runtime_api::Piece;

/// Limit for the pieces of an answer that are buffered for the client's task.
const MAX_PIECES: usize = 16;

/// A running invocation. It goes on after this is dropped, as on Lambda when the client is gone.
#[derive(Debug)]
pub struct Running {
    pieces: mpsc::Receiver<Piece>,
    done: JoinHandle<Result<Done, Throttled>>,
}

impl Running {
    /// Starts an invocation, which holds the permit `execution` until it ends. With `live`, the
    /// pieces of its answer arrive while they are made.
    pub fn start(
        threads: &Handle,
        execution: OwnedSemaphorePermit,
        placement: &Arc<Placement>,
        request: Request,
        received: Instant,
        live: bool,
    ) -> Running {
        let (sender, pieces) = mpsc::channel(MAX_PIECES);
        let placement = Arc::clone(placement);
        let done = threads.spawn_blocking(move || {
            let _execution = execution;
            // Sending fails if the client is gone; then the pieces are discarded.
            let mut pass_on = |piece| drop(sender.blocking_send(piece));
            let pass_on: Option<&mut dyn FnMut(Piece)> =
                if live { Some(&mut pass_on) } else { None };
            placement.invoke(request, received, pass_on)
        });
        Running { pieces, done }
    }

    /// The next piece of the answer; `None` after the last.
    pub async fn piece(&mut self) -> Option<Piece> {
        self.pieces.recv().await
    }

    /// Waits for the end, and discards the remaining pieces.
    pub async fn done(self) -> Result<Done, Throttled> {
        // Otherwise the thread could block on a full channel.
        drop(self.pieces);
        match self.done.await.map_err(JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(_)) => Err(Throttled::Closed),
        }
    }
}
