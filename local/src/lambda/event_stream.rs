//! Messages of `application/vnd.amazon.eventstream`, the format of streamed invocations.
//!
//! Source: "Event stream encoding" in Amazon Transcribe's developer guide: total length, length of
//! the headers, CRC-32 of both, headers, payload, CRC-32 of all; numbers are big-endian.

use serde_json::Value;

/// Type of a header value that is a string.
const STRING: u8 = 7;

/// The message for the next bytes of the response.
pub fn payload_chunk(bytes: &[u8]) -> Vec<u8> {
    message("PayloadChunk", "application/octet-stream", bytes)
}

/// The last message: `ErrorCode`, `ErrorDetails` and `LogResult`, each if there is one.
pub fn invoke_complete(complete: &Value) -> Vec<u8> {
    message("InvokeComplete", "application/json", complete.to_string().as_bytes())
}

fn message(event_type: &str, content_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    let known =
        [(":event-type", event_type), (":content-type", content_type), (":message-type", "event")];
    for (name, value) in known {
        headers.extend(u8::try_from(name.len()));
        headers.extend(name.as_bytes());
        headers.push(STRING);
        headers.extend(u16::try_from(value.len()).unwrap_or_default().to_be_bytes());
        headers.extend(value.as_bytes());
    }
    // Pieces are far below 4 GiB.
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let total = 4 + 4 + 4 + headers.len() + payload.len() + 4;
    let mut message = Vec::with_capacity(total);
    message.extend(length(total));
    message.extend(length(headers.len()));
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(headers);
    message.extend(payload);
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}
