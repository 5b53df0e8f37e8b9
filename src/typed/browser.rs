//! The outer layers of a typed policy: transport, CORS, CSRF, cookies and response headers.

use std::collections::HashSet;

use cookie::SameSite;
use http::{HeaderName, HeaderValue, Method};
use ipnet::IpNet;
use jiff::SignedDuration;

use crate::collections::table::Id;
use crate::model::host::NamePattern;
use crate::model::keywords::{CsrfApplies, Forwarded};
use crate::model::source::Span;
use crate::typed::secrets::Secret;

/// The requirements on a request before any other check, and the proxies that it may come through.
#[derive(Debug)]
pub(crate) struct Transport {
    /// The place of `https required`, if it is written.
    pub(crate) https: Option<Span>,
    /// The hosts that it serves, in lower case; empty for every host.
    pub(crate) hosts: Vec<NamePattern>,
    pub(crate) hosts_span: Option<Span>,
    /// The networks of trusted proxies, whose headers on a client's address and scheme count.
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) forwarded: Forwarded,
    /// The longest request target in bytes.
    pub(crate) max_target: usize,
    /// The most bytes of all headers together: names, values, and 4 a line for `: ` and the line's end.
    pub(crate) max_header: usize,
    /// The most header lines.
    pub(crate) max_header_lines: usize,
    /// The largest body in bytes.
    pub(crate) max_body: usize,
    /// The deepest nesting of arrays and objects in a body.
    pub(crate) max_depth: usize,
}

impl Default for Transport {
    fn default() -> Self {
        Self {
            https: None,
            hosts: Vec::new(),
            hosts_span: None,
            proxies: Vec::new(),
            forwarded: Forwarded::XForwardedFor,
            max_target: 8 * 1024,
            max_header: 16 * 1024,
            max_header_lines: 100,
            max_body: 1024 * 1024,
            max_depth: 32,
        }
    }
}

/// The pages of other origins that may read answers.
#[derive(Debug)]
pub(crate) struct Cors {
    pub(crate) span: Span,
    pub(crate) origins: Origins,
    /// The methods that a preflight may ask for; empty for those of the path's routes.
    pub(crate) methods: Vec<Method>,
    /// The request headers that a preflight may ask for.
    pub(crate) headers: HashSet<HeaderName>,
    /// All of them but `Authorization`, which a `*` never covers.
    pub(crate) any_header: bool,
    pub(crate) credentials: bool,
    /// `Access-Control-Allow-Headers`
    pub(crate) allow_headers: Option<HeaderValue>,
    /// `Access-Control-Expose-Headers`
    pub(crate) expose: Option<HeaderValue>,
    /// `Access-Control-Max-Age`
    pub(crate) max_age: Option<HeaderValue>,
}

/// The origins of a `cors` block.
#[derive(Debug)]
pub(crate) enum Origins {
    /// `*`
    Any,
    /// Written the same way that browsers write them.
    Listed(Vec<NamePattern>),
}

impl Origins {
    /// True if the policy names this origin. `*` names none: it lets all pages read, and trusts none.
    pub(crate) fn name(&self, origin: &str) -> bool {
        match self {
            Self::Any => false,
            Self::Listed(patterns) => patterns.iter().any(|pattern| pattern.matches(origin)),
        }
    }
}

/// The protection against requests that foreign pages forge.
#[derive(Debug)]
pub(crate) struct Csrf {
    pub(crate) span: Span,
    pub(crate) applies: CsrfApplies,
    /// Cookies that browsers send by themselves, and that the policy names, sorted.
    pub(crate) ambient: Vec<String>,
    /// The second layer, if the block declares it.
    pub(crate) token: Option<CsrfLayer>,
}

/// Tokens that are bound to a session.
#[derive(Debug)]
pub(crate) struct CsrfLayer {
    pub(crate) secret: Id<Secret>,
    pub(crate) session: Cookie,
    pub(crate) header: HeaderName,
    pub(crate) lifetime: SignedDuration,
}

/// A cookie, and the attributes it is set with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) http_only: bool,
    pub(crate) secure: bool,
    pub(crate) partitioned: bool,
    pub(crate) same_site: Option<SameSite>,
    pub(crate) path: Option<String>,
    pub(crate) domain: Option<String>,
    /// In seconds.
    pub(crate) max_age: Option<i64>,
}

/// Response headers, prebuilt. HSTS goes out over https only (RFC 6797 §7.2).
#[derive(Debug, Default)]
pub(crate) struct HeaderSet {
    pub(crate) over_https: Vec<(HeaderName, HeaderValue)>,
    pub(crate) over_http: Vec<(HeaderName, HeaderValue)>,
    /// Headers that are taken out of the handler's answer.
    pub(crate) removed: Vec<HeaderName>,
}
