//! The compact form (RFC 7515 §7.1): exactly three parts of canonical base64url without padding.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::{memchr, memrchr};

/// The longest token in bytes. A token of a browser has to fit into a header of 8 KiB with other things.
pub(crate) const MAX_TOKEN: usize = 8 * 1024;

const NOT_THREE: &str = "the token doesn't have three parts";
const NOT_CANONICAL: &str = "a part of the token isn't canonical base64url";

/// The buffer for a decoded part. A token of usual size needs no allocation.
pub(crate) struct Buffer {
    short: [u8; 512],
    long: Vec<u8>,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        Self { short: [0; 512], long: Vec::new() }
    }

    fn of(&mut self, length: usize) -> &mut [u8] {
        if length > self.short.len() {
            self.long.resize(length, 0);
            return &mut self.long;
        }
        &mut self.short
    }
}

/// The parts of a token.
pub(crate) struct Compact<'t> {
    /// The signed text: header, dot, payload.
    pub(crate) signed: &'t str,
    pub(crate) header: &'t str,
    payload: &'t str,
    signature: &'t str,
}

impl<'t> Compact<'t> {
    pub(crate) fn parse(token: &'t str) -> Result<Self, &'static str> {
        if token.len() > MAX_TOKEN {
            return Err("the token is longer than 8 KiB");
        }
        let split = |text: &'t str, at: Option<usize>| {
            let (before, rest) = text.split_at_checked(at?)?;
            Some((before, rest.get(1..)?))
        };
        let (signed, signature) = split(token, memrchr(b'.', token.as_bytes())).ok_or(NOT_THREE)?;
        let (header, payload) = split(signed, memchr(b'.', signed.as_bytes())).ok_or(NOT_THREE)?;
        Ok(Self { signed, header, payload, signature })
    }

    /// Decodes the payload. An extra dot is found here, as it isn't a base64 character.
    pub(crate) fn payload<'b>(&self, buffer: &'b mut Buffer) -> Result<&'b [u8], &'static str> {
        decode(self.payload, buffer).map_err(|why| if self.payload.contains('.') { NOT_THREE } else { why })
    }

    pub(crate) fn signature<'b>(&self, buffer: &'b mut Buffer) -> Result<&'b [u8], &'static str> {
        decode(self.signature, buffer)
    }
}

/// Decodes a part. Text that isn't canonical is refused, so that a token has one spelling.
pub(crate) fn decode<'b>(part: &str, buffer: &'b mut Buffer) -> Result<&'b [u8], &'static str> {
    let decoded = buffer.of(part.len() / 4 * 3 + 3);
    let length = URL_SAFE_NO_PAD.decode_slice(part, decoded).map_err(|_| NOT_CANONICAL)?;
    decoded.get(..length).ok_or(NOT_CANONICAL)
}
