//! Raw bytes in and out: returns any event unchanged, without a copy.

use std::convert::Infallible;

use pilotlight::Raw;

fn echo(event: Raw<&[u8]>) -> Result<Raw<&[u8]>, Infallible> {
    Ok(event)
}

pilotlight::handler!(echo);
