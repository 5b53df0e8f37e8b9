//! A request as the host received it, borrowed.

use std::fmt;
use std::net::IpAddr;
use std::sync::LazyLock;

use http::{HeaderMap, Method, request};
use jiff::Timestamp;
use serde::Deserialize;

use crate::protocol::facts::Facts;

static NO_HEADERS: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
static NO_FACTS: LazyLock<Facts> = LazyLock::new(Facts::new);

/// One request, borrowed from the host.
///
/// The method, the target, the host, the headers and the body are the client's word and are not trusted. `scheme`, `peer`,
/// `now`, `entropy`, `user` and `facts` are the host's own word.
///
/// [`Request::new`] sets the parts that every request has. Each other part has a default that grants nothing:
///
/// | part | default | effect of the default |
/// | --- | --- | --- |
/// | `scheme` | `Http` | a policy that requires https redirects or denies the request |
/// | `host` | none | the `Host` header counts |
/// | `headers` | empty | the request has no credentials and no cookies |
/// | `peer` | none | the client's address is unknown |
/// | `body` | not read | a route that takes a body denies the request, or asks the host for the body |
/// | `entropy` | none | a route that issues a token denies the request |
/// | `user` | none | only credentials in the request identify the caller |
/// | `facts` | none | everything that the policy reads from the host is *unknown* |
///
/// ```
/// use portcullis::Request;
/// use portcullis::request::Scheme;
///
/// let now = jiff::Timestamp::UNIX_EPOCH;
/// let headers = http::HeaderMap::new();
/// let request = Request::new(&http::Method::GET, "/posts?page=2", now).scheme(Scheme::Https).headers(&headers).body(b"");
/// assert_eq!(request.target, "/posts?page=2");
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The method as received. Methods are case-sensitive (RFC 9110 §9.1).
    pub method: &'a Method,
    /// The request target as received: in origin-form (`/posts?page=2`) or absolute-form
    /// (`https://api.example.com/posts`), neither decoded nor normalised (RFC 9112 §3.2).
    pub target: &'a str,
    /// The scheme of the connection.
    pub scheme: Scheme,
    /// The authority that the connection names (HTTP/2's `:authority`), if it isn't in the `Host` header. The authority of
    /// an absolute-form target takes precedence.
    pub host: Option<&'a str>,
    /// The headers, including repeated ones.
    pub headers: &'a HeaderMap,
    /// The address at the other end of the connection.
    pub peer: Option<IpAddr>,
    /// The whole body, empty if there is none; `None` if the host hasn't read it.
    pub body: Option<&'a [u8]>,
    /// The time of the decision. The library reads no clock.
    pub now: Timestamp,
    /// 32 bytes from a cryptographic random source, used for this request only. Only routes that issue something need them.
    pub entropy: Option<&'a [u8; 32]>,
    /// A caller that the host has authenticated. Credentials in the headers are then ignored.
    pub user: Option<&'a User>,
    /// The facts that the host has looked up.
    pub facts: &'a Facts,
}

impl<'a> Request<'a> {
    /// A request with the given method, target and time, and the defaults listed above.
    pub fn new(method: &'a Method, target: &'a str, now: Timestamp) -> Self {
        Self {
            method,
            target,
            scheme: Scheme::Http,
            host: None,
            headers: &NO_HEADERS,
            peer: None,
            body: None,
            now,
            entropy: None,
            user: None,
            facts: &NO_FACTS,
        }
    }

    /// A request with the method, target, authority and headers of an [`http::Request`].
    ///
    /// The scheme stays `Http`: in a URI it is the client's word. Call [`Request::scheme`] with the connection's scheme.
    ///
    /// ```
    /// use portcullis::Request;
    ///
    /// let (parts, body) = http::Request::get("https://api.example.com/posts/42").body(Vec::new())?.into_parts();
    /// let request = Request::of_parts(&parts, jiff::Timestamp::UNIX_EPOCH).body(&body);
    /// assert_eq!((request.target, request.host), ("/posts/42", Some("api.example.com")));
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn of_parts(parts: &'a request::Parts, now: Timestamp) -> Self {
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let host = parts.uri.authority().map(|authority| authority.as_str());
        Self { host, headers: &parts.headers, ..Self::new(&parts.method, target, now) }
    }

    /// Sets the scheme of the connection.
    #[must_use]
    pub fn scheme(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// Sets the authority that the connection names.
    #[must_use]
    pub fn host(self, host: &'a str) -> Self {
        Self { host: Some(host), ..self }
    }

    /// Sets the headers.
    #[must_use]
    pub fn headers(self, headers: &'a HeaderMap) -> Self {
        Self { headers, ..self }
    }

    /// Sets the address at the other end of the connection.
    #[must_use]
    pub fn peer(self, peer: IpAddr) -> Self {
        Self { peer: Some(peer), ..self }
    }

    /// Sets the whole body; an empty one states that there is none.
    #[must_use]
    pub fn body(self, body: &'a [u8]) -> Self {
        Self { body: Some(body), ..self }
    }

    /// Sets the random bytes for tokens that a route issues.
    #[must_use]
    pub fn entropy(self, entropy: &'a [u8; 32]) -> Self {
        Self { entropy: Some(entropy), ..self }
    }

    /// Sets the caller that the host has authenticated.
    #[must_use]
    pub fn user(self, user: &'a User) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Sets the facts that the host has looked up.
    #[must_use]
    pub fn facts(self, facts: &'a Facts) -> Self {
        Self { facts, ..self }
    }
}

impl fmt::Debug for Request<'_> {
    /// Omits the query, the headers and the body, which may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        f.debug_struct("Request")
            .field("method", self.method)
            .field("path", &path)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// The scheme of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// Returns `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A caller that the host has authenticated.
#[derive(Clone, Default, PartialEq, Deserialize)]
pub struct User {
    /// The caller's id; an empty one identifies nobody.
    pub id: String,
    /// Role names; names that the policy doesn't declare grant nothing.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// The name of a tier; one that the policy doesn't declare counts as absent.
    #[serde(default)]
    pub tier: Option<String>,
    /// Scopes, which restrict what the roles grant.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// The other attributes that the policy's mappings declare.
    #[serde(flatten)]
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

impl User {
    /// A caller with an id and nothing else.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// Adds a role.
    #[must_use]
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.roles.get_or_insert_default().push(role.into());
        self
    }
}

impl fmt::Debug for User {
    /// Omits the attributes, which may be personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("roles", &self.roles).finish_non_exhaustive()
    }
}
