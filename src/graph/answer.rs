//! The headers of answers, put together once: for every set of headers, and every `cors` block beside it.

use std::collections::HashMap;

use http::{HeaderName, HeaderValue, header};

use crate::collections::table::{Id, Table};
use crate::model::headers::Header;
use crate::typed::{Cors, HeaderSet, Origins, TypedPolicy};

/// What the policy says of the headers of an answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) over_https: Vec<Header>,
    pub(crate) over_http: Vec<Header>,
    /// What the handler's answer mustn't have.
    pub(crate) removed: Vec<HeaderName>,
    pub(crate) cors: Option<CorsAnswer>,
}

/// What a block adds to every answer, whatever it says.
#[derive(Debug)]
pub(crate) struct CorsAnswer {
    pub(crate) block: Id<Cors>,
    /// Where the origin may read it. The origin itself isn't in it, where the block lists them.
    pub(crate) allowed: Vec<Header>,
    /// Where the origin is another.
    pub(crate) foreign: Vec<Header>,
}

/// What an answer is put together from.
type Parts = (Id<HeaderSet>, Option<Id<Cors>>);

/// The answers of a policy, each of them once.
pub(crate) struct Answers<'p> {
    policy: &'p TypedPolicy,
    pub(crate) table: Table<Answer>,
    ids: HashMap<Parts, Id<Answer>>,
}

impl<'p> Answers<'p> {
    pub(crate) fn new(policy: &'p TypedPolicy) -> Self {
        Self { policy, table: Table::new(), ids: HashMap::new() }
    }

    pub(crate) fn intern(&mut self, headers: Id<HeaderSet>, block: Option<Id<Cors>>) -> Id<Answer> {
        let Self { policy, table, ids } = self;
        *ids.entry((headers, block)).or_insert_with(|| table.push(Answer::new(policy, headers, block)))
    }
}

impl Answer {
    fn new(policy: &TypedPolicy, headers: Id<HeaderSet>, block: Option<Id<Cors>>) -> Self {
        let set = &policy.headers[headers];
        let mut answer = Self {
            over_https: set.over_https.clone(),
            over_http: set.over_http.clone(),
            removed: set.removed.clone(),
            cors: None,
        };
        if let Some(block) = block {
            let cors = answer.with_cors(&policy.cors[block], block);
            answer.cors = Some(cors);
        }
        answer
    }

    /// Where the origins are a list, answers differ by `Origin`, and a cache has to know even when none came. An answer that
    /// differs by several headers says so in one line.
    fn with_cors(&mut self, cors: &Cors, block: Id<Cors>) -> CorsAnswer {
        let mut allowed = Vec::new();
        let mut foreign = Vec::new();
        match &cors.origins {
            Origins::Any => {
                allowed.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")));
            }
            Origins::Listed(_) => {
                let by_hand = self.over_https.iter().find(|(name, _)| *name == header::VARY);
                let vary = varying(by_hand.and_then(|(_, value)| value.to_str().ok()));
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
        CorsAnswer { block, allowed, foreign }
    }
}

/// `Vary` as the policy writes it, and `Origin`.
fn varying(by_hand: Option<&str>) -> HeaderValue {
    const ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
    let covers = |name: &str| name == "*" || name.eq_ignore_ascii_case("origin");
    match by_hand {
        None => ORIGIN,
        Some(all) if all.split(',').map(str::trim).any(covers) => HeaderValue::from_str(all).unwrap_or(ORIGIN),
        Some(some) => HeaderValue::from_str(&format!("{some}, Origin")).unwrap_or(ORIGIN),
    }
}
