//! Raw bytes in and out: returns its event unchanged, whatever it is, without a copy.

use std::convert::Infallible;

use pilotlight::Raw;

fn echo(event: Raw<&[u8]>) -> Result<Raw<&[u8]>, Infallible> {
    Ok(event)
}

pilotlight::handler!(echo);
