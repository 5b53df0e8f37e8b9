//! The browser's layers and the transport: hosts, https, proxies, CORS, CSRF, cookies and headers.

mod article;
mod cors;
mod csrf;
mod headers;
mod proxies;
mod transport;
