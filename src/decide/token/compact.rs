//! The compact form (RFC 7515 §7.1), taken apart strictly: three parts of canonical base64url without padding, and nothing
//! else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use smallvec::SmallVec;

/// The longest token in bytes. A token of a browser has to fit into a header of 8 KiB with other things.
const MAX_TOKEN: usize = 8 * 1024;

/// Decoded bytes; of a usual token, without an allocation.
pub(super) type Bytes = SmallVec<[u8; 512]>;

/// The parts of a token.
pub(super) struct Compact<'t> {
    /// What is signed: header, dot, payload.
    pub(super) signed: &'t str,
    pub(super) header: &'t str,
    payload: &'t str,
    signature: &'t str,
}

impl<'t> Compact<'t> {
    pub(super) fn parse(token: &'t str) -> Result<Self, &'static str> {
        if token.len() > MAX_TOKEN {
            return Err("the token is longer than 8 KiB");
        }
        let parts =
            token.rsplit_once('.').and_then(|(signed, signature)| Some((signed, signed.split_once('.')?, signature)));
        match parts {
            Some((signed, (header, payload), signature)) if !payload.contains('.') => {
                Ok(Self { signed, header, payload, signature })
            }
            _ => Err("the token doesn't have three parts"),
        }
    }

    pub(super) fn payload(&self) -> Result<Bytes, &'static str> {
        decode(self.payload)
    }

    pub(super) fn signature(&self) -> Result<Bytes, &'static str> {
        decode(self.signature)
    }
}

/// What isn't canonical is refused: one token has one spelling.
pub(super) fn decode(part: &str) -> Result<Bytes, &'static str> {
    let mut bytes = Bytes::from_elem(0, part.len() / 4 * 3 + 3);
    let length =
        URL_SAFE_NO_PAD.decode_slice(part, &mut bytes).map_err(|_| "a part of the token isn't canonical base64url")?;
    bytes.truncate(length);
    Ok(bytes)
}
