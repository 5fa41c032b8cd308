//! An invocation on a thread of its own, with its client's task at the other end of a channel.
//!
//! Environments are waited for by blocking threads, which keeps their times free of a scheduler's.
//! There are at most as many such threads as the account has concurrent executions.

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

/// Pieces of an answer that wait for the client's task.
const MAX_PIECES: usize = 16;

/// An invocation under way. It goes on when this is dropped, as Lambda's do when a client has gone.
#[derive(Debug)]
pub struct Running {
    pieces: mpsc::Receiver<Piece>,
    done: JoinHandle<Result<Done, Throttled>>,
}

impl Running {
    /// Starts an invocation; `execution` is the one of the account's that it takes. With `live`,
    /// the pieces of its answer come while it is made.
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
            // A client that has gone away wants no more pieces.
            let mut pass_on = |piece| drop(sender.blocking_send(piece));
            let pass_on: Option<&mut dyn FnMut(Piece)> =
                if live { Some(&mut pass_on) } else { None };
            placement.invoke(request, received, pass_on)
        });
        Running { pieces, done }
    }

    /// The next piece of the answer; None after the last.
    pub async fn piece(&mut self) -> Option<Piece> {
        self.pieces.recv().await
    }

    /// Waits for the end.
    pub async fn done(self) -> Result<Done, Throttled> {
        // The thread is not to wait for room for a piece that is not wanted.
        drop(self.pieces);
        match self.done.await.map_err(JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(_)) => Err(Throttled::Closed),
        }
    }
}
