//! Responses of the Runtime API: read whole or in pieces of any size, they are the same response or
//! the same error, and never anything else.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pilotlight_bootstrap::http;
use pilotlight_bootstrap::http::Receive;
use pilotlight_host::errno::Errno;

/// The bytes, in pieces whose sizes come from the input as well.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl Receive for Pieces<'_> {
    fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<usize, Errno> {
        let wanted = usize::from(*self.sizes.next().unwrap_or(&255)) + 1;
        let spare = buffer.capacity() - buffer.len();
        let (now, later) = self.bytes.split_at(wanted.min(spare).min(self.bytes.len()));
        buffer.extend_from_slice(now);
        self.bytes = later;
        Ok(now.len())
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((count, rest)) = input.split_first() else {
        return;
    };
    let (sizes, bytes) = rest.split_at(usize::from(*count).min(rest.len()));
    let read = |sizes: &[u8]| {
        let mut buffer = Vec::new();
        let mut source = Pieces { bytes, sizes: sizes.iter().cycle() };
        let response = http::read_response(&mut source, &mut buffer);
        response.map(|response| {
            let headers = http::headers(&buffer[response.head.clone()]).count();
            (response.status, response.keep_alive, headers, buffer[response.body].to_vec())
        })
    };
    let whole = read(&[255]);
    let pieces = read(sizes);
    // An response that claims more than memory holds may fail sooner or later; both are errors.
    if whole.is_ok() || pieces.is_ok() {
        assert_eq!(whole, pieces);
    }
});
