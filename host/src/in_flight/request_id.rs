//! The id of the request that a worker serves, for the log.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;
use core::sync::atomic::fence;

/// Limit of a request id in the log, in bytes; a longer one is cut. Lambda's are UUIDs of 36 bytes.
pub const MAX_REQUEST_ID: usize = 64;

/// A request id that one thread writes and any thread reads, without tearing: a sequence lock,
/// whose sequence is odd during a write.
pub struct RequestId {
    sequence: AtomicU32,
    length: AtomicUsize,
    words: [AtomicU64; MAX_REQUEST_ID / 8],
}

impl RequestId {
    /// No id.
    pub const fn new() -> RequestId {
        RequestId {
            sequence: AtomicU32::new(0),
            length: AtomicUsize::new(0),
            words: [const { AtomicU64::new(0) }; MAX_REQUEST_ID / 8],
        }
    }

    /// Replaces the id. Only one thread may do so.
    pub fn set(&self, id: &[u8]) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        self.length.store(id.len().min(MAX_REQUEST_ID), Ordering::Relaxed);
        for (word, bytes) in self.words.iter().zip(id.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_ne_bytes(whole), Ordering::Relaxed);
        }
        self.sequence.store(sequence.wrapping_add(2), Ordering::Release);
    }

    /// Removes the id.
    pub fn clear(&self) {
        self.length.store(0, Ordering::Relaxed);
    }

    /// Writes the id to `buffer` and returns its length; 0 for none.
    pub fn get(&self, buffer: &mut [u8; MAX_REQUEST_ID]) -> usize {
        let before = self.sequence.load(Ordering::Acquire);
        for (word, bytes) in self.words.iter().zip(buffer.chunks_mut(8)) {
            bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        let length = self.length.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        let after = self.sequence.load(Ordering::Relaxed);
        // An id that changes during the read counts as none.
        if before == after && before.is_multiple_of(2) { length } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicBool;

    #[test]
    fn a_long_request_id_is_cut() {
        let id = RequestId::new();
        let mut buffer = [0; MAX_REQUEST_ID];
        assert_eq!(id.get(&mut buffer), 0);
        id.set(b"8476a536-e9f4-11e8-9739-2dfe598c3fcd");
        let length = id.get(&mut buffer);
        assert_eq!(&buffer[..length], b"8476a536-e9f4-11e8-9739-2dfe598c3fcd");
        id.set(&[b'x'; 100]);
        assert_eq!(id.get(&mut buffer), MAX_REQUEST_ID);
    }

    #[test]
    fn an_id_that_is_read_while_it_changes_is_one_of_the_two_or_none() {
        extern crate std;
        const READS: u32 = 500_000;
        let id = RequestId::new();
        let ended = AtomicBool::new(false);
        let is_whole = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    id.set(&[b'a'; 9]);
                    id.set(&[b'b'; MAX_REQUEST_ID]);
                }
            });
            let mut buffer = [0; MAX_REQUEST_ID];
            let is_whole = (0..READS).all(|_| {
                let length = id.get(&mut buffer);
                let found = &buffer[..length];
                length == 0 || found == [b'a'; 9] || found == [b'b'; MAX_REQUEST_ID]
            });
            ended.store(true, Ordering::Relaxed);
            is_whole
        });
        assert!(is_whole);
    }
}
