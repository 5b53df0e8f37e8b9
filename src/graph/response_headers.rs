//! The headers of responses, prepared once for each pair of a header set and a `cors` block.

use std::collections::HashMap;

use http::{HeaderName, HeaderValue, header};

use crate::collections::table::{Id, Table};
use crate::model::headers::Header;
use crate::typed::{Cors, HeaderSet, Origins, TypedPolicy};

/// The headers that the policy adds to a response, or removes from it.
#[derive(Debug, Default)]
pub(crate) struct ResponseHeaders {
    pub(crate) over_https: Vec<Header>,
    pub(crate) over_http: Vec<Header>,
    /// The headers to remove from the handler's response.
    pub(crate) removed: Vec<HeaderName>,
    pub(crate) cors: Option<CorsHeaders>,
}

/// The headers that a `cors` block adds to every response.
#[derive(Debug)]
pub(crate) struct CorsHeaders {
    pub(crate) block: Id<Cors>,
    /// For an allowed origin. `Access-Control-Allow-Origin` is missing if the block lists its origins.
    pub(crate) allowed: Vec<Header>,
    /// For any other origin.
    pub(crate) foreign: Vec<Header>,
}

type HeadersKey = (Id<HeaderSet>, Option<Id<Cors>>);

/// The distinct response headers of a policy.
pub(crate) struct HeadersInterner<'p> {
    policy: &'p TypedPolicy,
    pub(crate) table: Table<ResponseHeaders>,
    ids: HashMap<HeadersKey, Id<ResponseHeaders>>,
}

impl<'p> HeadersInterner<'p> {
    pub(crate) fn new(policy: &'p TypedPolicy) -> Self {
        Self { policy, table: Table::new(), ids: HashMap::new() }
    }

    pub(crate) fn intern(&mut self, headers: Id<HeaderSet>, block: Option<Id<Cors>>) -> Id<ResponseHeaders> {
        let Self { policy, table, ids } = self;
        *ids.entry((headers, block)).or_insert_with(|| table.push(ResponseHeaders::new(policy, headers, block)))
    }
}

impl ResponseHeaders {
    fn new(policy: &TypedPolicy, headers: Id<HeaderSet>, block: Option<Id<Cors>>) -> Self {
        let set = &policy.headers[headers];
        let mut response = Self {
            over_https: set.over_https.clone(),
            over_http: set.over_http.clone(),
            removed: set.removed.clone(),
            cors: None,
        };
        if let Some(block) = block {
            response.cors = Some(response.with_cors(&policy.cors[block], block));
        }
        response
    }

    /// If the block lists its origins, responses vary by `Origin`, and caches must know that even for requests without one.
    /// All names are in one `Vary` header.
    fn with_cors(&mut self, cors: &Cors, block: Id<Cors>) -> CorsHeaders {
        let mut allowed = Vec::new();
        let mut foreign = Vec::new();
        match &cors.origins {
            Origins::Any => {
                allowed.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")));
            }
            Origins::Listed(_) => {
                let own = self.over_https.iter().find(|(name, _)| *name == header::VARY);
                let vary = varying(own.and_then(|(_, value)| value.to_str().ok()));
                for headers in [&mut self.over_https, &mut self.over_http] {
                    headers.retain(|(name, _)| *name != header::VARY);
                }
                foreign.push((header::VARY, vary));
                allowed.clone_from(&foreign);
            }
        }
        if cors.credentials {
            allowed.push((header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")));
        }
        allowed.extend(cors.expose.clone().map(|names| (header::ACCESS_CONTROL_EXPOSE_HEADERS, names)));
        CorsHeaders { block, allowed, foreign }
    }
}

/// The policy's own `Vary`, with `Origin` added.
fn varying(own: Option<&str>) -> HeaderValue {
    const ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
    let covers = |name: &str| name == "*" || name.eq_ignore_ascii_case("origin");
    match own {
        None => ORIGIN,
        Some(all) if all.split(',').map(str::trim).any(covers) => HeaderValue::from_str(all).unwrap_or(ORIGIN),
        Some(some) => HeaderValue::from_str(&format!("{some}, Origin")).unwrap_or(ORIGIN),
    }
}
