//! Header lines that may stand once.

use http::header::{AsHeaderName, HeaderValue};
use http::{HeaderMap, HeaderName};

/// A header that stands more than once.
pub(crate) struct Repeated;

/// The one value of a header; `None` without the header.
pub(crate) fn at_most_one(headers: &HeaderMap, name: impl AsHeaderName) -> Result<Option<&HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Repeated),
    }
}

/// The value of a header that stands exactly once.
pub(crate) fn exactly_one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    at_most_one(headers, name).ok().flatten()
}

/// RFC 9110 §5.6.2, `tchar`.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
