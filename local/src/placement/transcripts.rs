//! The logs of a function's last invocations, for the page.

use std::collections::VecDeque;

use crate::log::Kept;

/// Limit for the logs of a function, in bytes; older ones are dropped.
const MAX_BYTES: usize = 2 << 20;
/// Limit for the number of these logs.
const MAX_LOGS: usize = 2000;

/// The logs of a function's last invocations.
#[derive(Debug, Default)]
pub struct Transcripts {
    logs: VecDeque<(u64, Kept)>,
    bytes: usize,
    /// The number of logs that were dropped.
    pub dropped: u64,
}

impl Transcripts {
    /// Adds the log of a span.
    pub fn push(&mut self, span: u64, log: Kept) {
        self.bytes += log.bytes.len();
        self.logs.push_back((span, log));
        while self.bytes > MAX_BYTES || self.logs.len() > MAX_LOGS {
            let Some((_, oldest)) = self.logs.pop_front() else { return };
            self.bytes -= oldest.bytes.len();
            self.dropped += 1;
        }
    }

    /// The log of a span, if it is still there.
    pub fn get(&self, span: u64) -> Option<&Kept> {
        self.logs.iter().find(|(known, _)| *known == span).map(|(_, log)| log)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_logs_make_room_for_new_ones() {
        let mut transcripts = Transcripts::default();
        for span in 0..100 {
            transcripts.push(span, Kept { bytes: vec![b'x'; 32 << 10], dropped: 0 });
        }
        assert_eq!(transcripts.logs.len() + 36, 100);
        assert_eq!(transcripts.dropped, 36);
        assert!(transcripts.get(35).is_none() && transcripts.get(36).is_some());
        for span in 100..4100 {
            transcripts.push(span, Kept::default());
        }
        assert_eq!((transcripts.logs.len(), transcripts.bytes), (MAX_LOGS, 0));
    }
}
