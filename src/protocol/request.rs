//! What a host hands over: a request as it came in, and what the host already knows about it.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde::Deserialize;

use crate::keys::KeySet;
use crate::limit::bucket::BucketState;
use crate::model::value::Known;
use crate::protocol::account::{Account, TokenFact};

/// One request, borrowed from the host.
///
/// Nothing in it is trusted, `now`, `peer`, `user` and `facts` excepted: those are the host's own word.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, as it came in. Methods are case-sensitive (RFC 9110 §9.1).
    pub method: &'a Method,
    /// The request target as it came in, in origin-form (`/posts?page=2`) or absolute-form
    /// (`https://api.example.com/posts`), not decoded, not normalised (RFC 9112 §3.2).
    pub target: &'a str,
    /// The scheme of the connection. An absolute-form target has its own.
    pub scheme: Scheme,
    /// The authority that the connection speaks of (HTTP/2's `:authority`), if it isn't in the `Host` header.
    /// An absolute-form target has its own.
    pub host: Option<&'a str>,
    /// The headers, repeated ones included.
    pub headers: &'a HeaderMap,
    /// The address at the other end of the connection.
    pub peer: Option<IpAddr>,
    /// The whole body; empty where there is none, `None` where the host hasn't read it. A host that knows from the connection
    /// that there is none says so here, and isn't asked for it.
    pub body: Option<&'a [u8]>,
    /// The time of the decision. The library reads no clock.
    pub now: Timestamp,
    /// 32 bytes from a cryptographic random source, used for this request alone. Only a route that issues
    /// something needs them.
    pub entropy: Option<&'a [u8; 32]>,
    /// A caller whom the host has authenticated already. Credentials in the headers then identify nobody.
    pub user: Option<&'a User>,
    /// What the host looked up.
    pub facts: &'a Facts,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        f.debug_struct("Request")
            .field("method", self.method)
            .field("path", &path)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// How the request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A caller whom the host vouches for.
#[derive(Clone, Default, PartialEq, Deserialize)]
pub struct User {
    /// Who it is.
    pub id: String,
    /// Role names; names that the policy doesn't know grant nothing.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// A tier's name; one that the policy doesn't know counts as absent.
    #[serde(default)]
    pub tier: Option<String>,
    /// Scopes, which cap the roles.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// The other attributes that the policy's mappings declare.
    #[serde(flatten)]
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// What the host looked up before it asked.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Facts {
    /// The state of limits' buckets, by the id that an earlier decision's effects gave. A bucket that isn't
    /// here has admitted nothing yet.
    pub buckets: HashMap<String, BucketState>,
    /// The attributes of things, by `RESOURCE/ID`, such as `posts/42`; `None` for a thing that doesn't exist. Of a thing
    /// that isn't here nothing is known.
    pub resources: HashMap<String, Option<Record>>,
    /// The attributes that the policy's `context` declares; `None` where nobody looked.
    pub context: Option<Record>,
    /// JWK sets by the names that the policy gives them, in place of those on the key ring.
    pub key_sets: HashMap<String, KeySet>,
    /// The account of whoever logs in or exchanges a token; absent where there is none.
    pub account: Known<Account>,
    /// What is known of tokens, by the id that [`Question::Token`](crate::Question::Token) gives: `None` for one that
    /// there isn't. Of a token that isn't here nothing is known.
    pub tokens: HashMap<String, Option<TokenFact>>,
}

/// Attributes by name, as JSON. A missing one, or `null`, is absent where it is declared optional, and unknown where it
/// isn't; so is one of the wrong type.
pub type Record = serde_json::Map<String, serde_json::Value>;
