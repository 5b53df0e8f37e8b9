//! Transport and browsers: https, hosts, CORS, CSRF, response headers and cookies.

use crate::model::keywords::{CsrfApplies, Forwarded, HttpsRule, Maximum, SameSiteRule};
use crate::syntax::tree::{Block, Spanned, Text, Word};

/// `transport { … }`
pub type Transport = Block<(), TransportEntry>;

/// The entries of `transport`.
#[derive(Debug, Clone, PartialEq)]
pub enum TransportEntry {
    /// `https required|optional`
    Https(Word<HttpsRule>),
    /// `hosts "…", …`
    Hosts(Vec<Text>),
    /// `proxies NETWORK, …`
    Proxies(Vec<Spanned<ipnet::IpNet>>),
    /// `forwarded x_forwarded_for|forwarded`
    Forwarded(Word<Forwarded>),
    /// `max_target 8KiB` and the other maxima: bytes, or a plain number for `max_depth`
    Maximum(Word<Maximum>, Spanned<u64>),
}

/// `cors [NAME] { … }`; the block without a name is the policy's default
pub type Cors = Block<Option<Text>, CorsEntry>;

/// The entries of `cors`.
#[derive(Debug, Clone, PartialEq)]
pub enum CorsEntry {
    /// `origins "…", …`
    Origins(Vec<Text>),
    /// `methods GET, …`
    Methods(Vec<Text>),
    /// `headers "…", …`
    Headers(Vec<Text>),
    /// `expose "…", …`
    Expose(Vec<Text>),
    /// `credentials`
    Credentials,
    /// `max_age 10m`, in milliseconds
    MaxAge(Spanned<u64>),
}

/// `csrf { … }`
pub type Csrf = Block<(), CsrfEntry>;

/// The entries of `csrf`.
#[derive(Debug, Clone, PartialEq)]
pub enum CsrfEntry {
    /// `secret NAME`
    Secret(Text),
    /// `session cookie "NAME"`
    Session(Text),
    /// `header "NAME"`
    Header(Text),
    /// `lifetime 1h`, in milliseconds
    Lifetime(Spanned<u64>),
    /// `applies ambient|always`
    Applies(Word<CsrfApplies>),
}

/// `headers [NAME] { … }`; the block without a name is the policy's default
pub type Headers = Block<Option<Text>, HeadersEntry>;

/// The entries of `headers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadersEntry {
    /// `X-Frame-Options "DENY"`
    Set(Text, Text),
    /// `preset api`
    Preset(Text),
    /// `remove X-Powered-By, Server`
    Remove(Vec<Text>),
}

/// `cookie "NAME" { … }`
pub type Cookie = Block<Text, CookieEntry>;

/// The entries of `cookie`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CookieEntry {
    /// `http_only`
    HttpOnly,
    /// `secure`
    Secure,
    /// `partitioned`
    Partitioned,
    /// `same_site strict|lax|none`
    SameSite(Word<SameSiteRule>),
    /// `path "/"`
    Path(Text),
    /// `domain "…"`
    Domain(Text),
    /// `max_age 1h`, in milliseconds
    MaxAge(Spanned<u64>),
}
