//! CORS, CSRF, cookies and response headers.

pub(crate) mod cookie;
pub(crate) mod cors;
pub(crate) mod csrf;
pub(crate) mod header;
pub(crate) mod header_value;
pub(crate) mod preset;
