//! CORS, CSRF and cookies.

pub(crate) mod cookie;
pub(crate) mod cors;
pub(crate) mod csrf;
