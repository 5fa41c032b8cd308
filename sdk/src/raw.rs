//! Uninterpreted bytes.

use std::ops::Deref;

/// Bytes without a conversion: `Raw<&[u8]>` as an event, and `Raw` of any bytes as a response (a
/// `Vec<u8>`, a `String`, a `&'static [u8]`, the event itself).
///
/// ```
/// use pilotlight::Raw;
///
/// fn echo(event: Raw<&[u8]>) -> Result<Raw<&[u8]>, std::convert::Infallible> {
///     Ok(event)
/// }
/// # pilotlight::handler!(echo);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<T>(pub T);

impl<T: AsRef<[u8]>> Deref for Raw<T> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_ref()
    }
}
