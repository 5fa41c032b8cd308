//! The answer of one invocation: all at once, or as a stream.

use lambda_runtime::Diagnostic;
use lambda_runtime::MetadataPrelude;
use lambda_runtime::StreamResponse;
use lambda_runtime::streaming::Body;
use lambda_runtime::streaming::Sender;
use lambda_runtime::streaming::channel;
use tokio::sync::oneshot;

use crate::block_on::block_on;

/// The error number for a stream that has begun, or for a content type that is none.
pub const EINVAL: i32 = 22;
/// The error number for a reader that has gone.
const EPIPE: i32 = 32;

/// The beginning of an answer.
pub enum Answer {
    /// All of it.
    Whole(Result<Vec<u8>, Diagnostic>),
    /// A stream.
    Stream(StreamResponse<Body>),
}

/// The handler's end of an answer.
pub struct Sink {
    /// Empty once the answer has begun.
    answer: Option<oneshot::Sender<Answer>>,
    /// The stream, if the answer is one.
    pieces: Option<Sender>,
}

impl Sink {
    /// The end for the handler, and the one for the client.
    pub fn new() -> (Sink, oneshot::Receiver<Answer>) {
        let (answer, receiver) = oneshot::channel();
        (Sink { answer: Some(answer), pieces: None }, receiver)
    }

    /// Begins a stream. `prelude` is its JSON.
    pub fn begin(&mut self, content_type: Option<&str>, prelude: Option<&[u8]>) -> Result<(), i32> {
        let mut metadata = match prelude {
            Some(json) => serde_json::from_slice(json).map_err(|_| EINVAL)?,
            None => MetadataPrelude::default(),
        };
        if let Some(content_type) = content_type {
            let content_type = content_type.parse().map_err(|_| EINVAL)?;
            metadata.headers.insert("content-type", content_type);
        }
        let (pieces, body) = channel();
        let answer = self.answer.take().ok_or(EINVAL)?;
        self.pieces = Some(pieces);
        let stream = StreamResponse { metadata_prelude: metadata, stream: body };
        answer.send(Answer::Stream(stream)).map_err(|_| EPIPE)
    }

    /// Sends a piece, and waits while the reader is slow.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), i32> {
        if self.pieces.is_none() {
            self.begin(None, None)?;
        }
        let pieces = self.pieces.as_mut().ok_or(EPIPE)?;
        // Not by tokio, which refuses to wait in the middle of a handler's own runtime.
        block_on(pieces.send_data(piece.to_vec().into())).map_err(|_| EPIPE)
    }

    /// Ends the answer with the handler's result.
    pub fn end(mut self, result: Result<Vec<u8>, Diagnostic>) {
        if let Some(answer) = self.answer.take() {
            // Fails if the client has gone.
            let _ = answer.send(Answer::Whole(result));
            return;
        }
        match result {
            // Fails if the reader has gone.
            Ok(rest) if !rest.is_empty() => drop(self.write(&rest)),
            Ok(_) => {}
            Err(_) => self.pieces.into_iter().for_each(Sender::abort),
        }
    }
}
