//! The transport stage: checks sizes, framing headers, the target, the host and https. Its result is the canonical target,
//! which all later stages use.

use std::borrow::Cow;
use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::decide::browser::csrf;
use crate::decide::denial::Denial;
use crate::decide::headers::{Repeated, at_most_one};
use crate::decide::respond::Response;
use crate::decide::routes::canonical;
use crate::decide::routes::client::Client;
use crate::model::host::{NamePattern, default_port, is_host, split_port};
use crate::model::path::decode_segment;
use crate::model::reason::{Code, Stage};
use crate::protocol::request::{Request, Scheme};
use crate::typed::{TokenCarrier, Transport, TypedPolicy};

/// The characters to escape in a path segment: RFC 3986 §3.3, and `;`.
pub(crate) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// The parts of a request target.
#[derive(Debug)]
pub(crate) struct Target<'g, 'r> {
    /// The decoded path. No segment has a slash, not even an escaped one.
    pub(crate) path: Cow<'r, str>,
    /// The target to forward: the canonical path and the unchanged query.
    pub(crate) canonical: Cow<'r, str>,
    pub(crate) scheme: Scheme,
    /// The host with its port in lower case, if the request names one.
    named: Option<Cow<'r, str>>,
    /// The policy's first host, if the request names none.
    default_host: Option<&'g str>,
    /// The client's address.
    pub(crate) client: Option<IpAddr>,
}

impl<'g, 'r> Target<'g, 'r> {
    fn new(path: Cow<'r, str>, canonical: Cow<'r, str>, named: Option<Cow<'r, str>>, client: Client) -> Self {
        Self { path, canonical, scheme: client.scheme, named, default_host: None, client: client.address }
    }

    pub(crate) fn into_owned(self) -> Target<'g, 'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Target {
            path: owned(self.path),
            canonical: owned(self.canonical),
            scheme: self.scheme,
            named: self.named.map(owned),
            default_host: self.default_host,
            client: self.client,
        }
    }

    /// The canonical path, without the query.
    pub(crate) fn canonical_path(&self) -> &str {
        self.canonical.split('?').next().unwrap_or_default()
    }

    pub(crate) fn query(&self) -> &str {
        self.canonical.split_once('?').map_or("", |(_, query)| query)
    }

    /// The host with its port in lower case.
    pub(crate) fn authority(&self) -> Option<&str> {
        self.named.as_deref().or(self.default_host)
    }
}

/// Checks a request before its route is known.
pub(crate) fn admit<'g, 'r>(
    transport: &'g Transport,
    request: &Request<'r>,
    client: Client,
) -> Result<Target<'g, 'r>, Denial> {
    sizes(transport, request)?;
    let mut target = target(request, client)?;
    check_host(transport, &mut target)?;
    Ok(target)
}

/// Checks that the host is one of the policy's. A request without a host is for the first (RFC 9112 §3.3).
fn check_host<'g>(transport: &'g Transport, target: &mut Target<'g, '_>) -> Result<(), Denial> {
    let found = match (&target.named, transport.hosts.first()) {
        (_, None) => true,
        (None, Some(NamePattern::Exact(host))) => {
            target.default_host = Some(host);
            true
        }
        (None, Some(NamePattern::OneLabel { .. })) => false,
        (Some(authority), Some(_)) => {
            let bare = without_default_port(authority, target.scheme);
            transport.hosts.iter().any(|host| host.matches(bare))
        }
    };
    if found {
        return Ok(());
    }
    let denial = Denial::new(Code::HostForeign, Stage::Transport, "the policy doesn't speak for this host");
    Err(match transport.hosts_span {
        Some(span) => denial.at(span),
        None => denial,
    })
}

/// The host as it is in an origin.
pub(crate) fn without_default_port(authority: &str, scheme: Scheme) -> &str {
    match split_port(authority) {
        (host, Some(port)) if default_port(scheme.as_str()) == Some(port) => host,
        _ => authority,
    }
}

/// The response to a request in the clear, if the policy requires https. A redirect to https goes to a listed host only,
/// and only if the request is safe and has no credential that was exposed.
pub(crate) fn require_https(
    policy: &TypedPolicy,
    request: &Request<'_>,
    target: &Target<'_, '_>,
) -> Option<Response<'static>> {
    let span = policy.transport.https.filter(|_| target.scheme == Scheme::Http)?;
    let host = target.authority().filter(|_| !policy.transport.hosts.is_empty());
    let redirected = host.filter(|_| csrf::is_safe(request) && !has_credential(policy, request));
    let location = redirected.and_then(|host| {
        let host = without_default_port(host, Scheme::Http);
        HeaderValue::from_str(&format!("https://{host}{}", target.canonical)).ok()
    });
    Some(match location {
        Some(location) => Response::Redirect(location),
        None => {
            let message = "the request came in the clear, and can't be sent to https unseen";
            Response::Denied(Denial::new(Code::HttpsRequired, Stage::Transport, message).at(span))
        }
    })
}

/// True if the request may have a credential: any cookie may be one.
fn has_credential(policy: &TypedPolicy, request: &Request<'_>) -> bool {
    let carried = |carrier: &TokenCarrier| match carrier {
        TokenCarrier::Header(name) => request.headers.contains_key(name.as_str()),
        TokenCarrier::Bearer | TokenCarrier::Body(_) | TokenCarrier::Cookie(_) => false,
    };
    request.user.is_some()
        || request.headers.contains_key(header::AUTHORIZATION)
        || request.headers.contains_key(header::COOKIE)
        || policy.tokens.iter().any(|token| carried(&token.carrier))
}

fn sizes(transport: &Transport, request: &Request<'_>) -> Result<(), Denial> {
    let Transport { max_target, max_header, max_header_lines, max_body, .. } = *transport;
    if request.target.len() > max_target {
        let message = format!("the target has {} bytes, and {max_target} are allowed", request.target.len());
        return Err(Denial::new(Code::TargetTooLong, Stage::Transport, message));
    }
    let lines = request.headers.len();
    if lines > max_header_lines {
        let message = format!("the request has {lines} header lines, and {max_header_lines} are allowed");
        return Err(Denial::new(Code::HeadersTooLarge, Stage::Transport, message));
    }
    let bytes: usize = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > max_header {
        let message = format!("the headers have {bytes} bytes, and {max_header} are allowed");
        return Err(Denial::new(Code::HeadersTooLarge, Stage::Transport, message));
    }
    let announced = content_length(request.headers)?;
    if announced.is_some() && request.headers.contains_key(header::TRANSFER_ENCODING) {
        // Two readers would see two bodies (RFC 9112 §6.3).
        let message = "the request has both `Content-Length` and `Transfer-Encoding`";
        return Err(Denial::new(Code::HeaderMalformed, Stage::Transport, message));
    }
    if announced.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > max_body)) {
        let message = format!("the body is announced to be larger than {max_body} bytes");
        return Err(Denial::new(Code::BodyTooLarge, Stage::Transport, message));
    }
    Ok(())
}

/// RFC 9110 §8.6: digits; several lines must agree.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Denial> {
    let mut length = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        let digits = value.to_str().ok().filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
        // A number beyond u64 is a length that is too large.
        let parsed = digits.map(|digits| digits.parse::<u64>().unwrap_or(u64::MAX));
        if parsed.is_none() || length.is_some_and(|length| Some(length) != parsed) {
            return Err(Denial::new(
                Code::HeaderMalformed,
                Stage::Transport,
                "`Content-Length` isn't a number, or there are two that differ",
            ));
        }
        length = parsed;
    }
    Ok(length)
}

fn malformed(message: impl Into<Cow<'static, str>>) -> Denial {
    Denial::new(Code::TargetMalformed, Stage::Transport, message)
}

/// RFC 9112 §3.2: origin-form, or absolute-form, whose scheme and authority then count.
fn target<'r>(request: &Request<'r>, client: Client) -> Result<Target<'static, 'r>, Denial> {
    let raw = request.target;
    if let Some(path) = canonical::path(raw) {
        return Ok(Target::new(Cow::Borrowed(path), Cow::Borrowed(raw), host(request)?, client));
    }
    if !raw.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
        return Err(malformed("the target holds a blank, a control character or a byte beyond ASCII"));
    }
    if raw.contains('#') {
        return Err(malformed("the target holds a fragment"));
    }
    if raw.contains('\\') {
        return Err(malformed("the target holds a backslash"));
    }
    let host = host(request)?;
    if raw.starts_with('/') {
        return canonical_target(Cow::Borrowed(raw), host, client);
    }
    let Some((scheme, after_scheme)) = raw.split_once("://") else {
        return Err(malformed("the target is neither a path nor a URL"));
    };
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err(malformed("the target's scheme is neither http nor https"));
    }
    let at = after_scheme.find(['/', '?']).unwrap_or(after_scheme.len());
    let (named, path) = after_scheme.split_at_checked(at).unwrap_or((after_scheme, ""));
    let path = if path.starts_with('/') { Cow::Borrowed(path) } else { Cow::Owned(format!("/{path}")) };
    canonical_target(path, Some(authority(named)?), client)
}

/// The authority that the host names, or the `Host` header.
fn host<'r>(request: &Request<'r>) -> Result<Option<Cow<'r, str>>, Denial> {
    let line = at_most_one(request.headers, header::HOST)
        .map_err(|Repeated| Denial::new(Code::HeaderMalformed, Stage::Transport, "there are two `Host` headers"))?;
    let header =
        line.map(|value| value.to_str().map_err(|_| malformed("the `Host` header isn't ASCII"))).transpose()?;
    match request.host.or(header).filter(|host| !host.is_empty()) {
        Some(host) => authority(host).map(Some),
        None => Ok(None),
    }
}

/// A host with an optional port, in lower case.
fn authority(text: &str) -> Result<Cow<'_, str>, Denial> {
    if !is_authority(text) {
        return Err(malformed("the host isn't a host name or an address"));
    }
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    Ok(if lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_ascii_lowercase()) })
}

fn is_authority(text: &str) -> bool {
    let end = match text.strip_prefix('[') {
        Some(_) => text.bytes().position(|byte| byte == b']').map(|last| last + 1),
        None => text.bytes().position(|byte| byte == b':'),
    };
    let Some((host, port)) = text.split_at_checked(end.unwrap_or(text.len())) else { return false };
    is_host(host) && (port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()))
}

/// Decodes the path, and encodes it in the canonical way.
fn canonical_target<'r>(
    target: Cow<'r, str>,
    named: Option<Cow<'r, str>>,
    client: Client,
) -> Result<Target<'static, 'r>, Denial> {
    if let Cow::Borrowed(raw) = target
        && let Some(path) = canonical::path(raw)
    {
        return Ok(Target::new(Cow::Borrowed(path), target, named, client));
    }
    // The `http` crate decides on the characters of a target, as hosts use it, too.
    if target.parse::<Uri>().is_err() {
        return Err(malformed("the target isn't a valid URL"));
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&*target, None),
    };
    let mut decoded = String::with_capacity(path.len());
    let mut canonical = String::with_capacity(target.len());
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_some() {
            return Err(malformed("the path holds `//`"));
        }
        let segment = decode_segment(segment).map_err(|what| malformed(format!("the path holds {what}")))?;
        decoded.push('/');
        decoded.push_str(&segment);
        canonical.push('/');
        canonical.extend(utf8_percent_encode(&segment, ESCAPED));
    }
    if let Some(query) = query {
        canonical.push('?');
        canonical.push_str(query);
    }
    Ok(Target::new(Cow::Owned(decoded), Cow::Owned(canonical), named, client))
}

#[cfg(test)]
mod tests {
    use http::uri::Authority;
    use proptest::prelude::*;

    use super::{is_authority, is_host};

    /// Reads an authority by the `http` crate.
    fn by_http(text: &str) -> bool {
        text.parse::<Authority>().is_ok_and(|authority| {
            let host = authority.host();
            let port = text.get(host.len()..).unwrap_or_default();
            let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
            port_fits && !text.contains('@') && is_host(host)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn authorities(text in r"\PC{0,6}|[a-zA-Z0-9._-]{0,8}(:[0-9+]{0,6}){0,2}|@?\[[0-9a-f:.%]{0,12}\]?(:?[0-9]{0,5}){0,2}[/?#]?") {
            prop_assert_eq!(is_authority(&text), by_http(&text), "{}", text);
        }
    }

    #[test]
    fn authorities_one_by_one() {
        let short = [
            "a", "a.b.", "a:1", "a:", ":1", "", "a:65536", "a:+1", "a@b", "[::1]", "[::1]:1", "[::1", "::1", "[::1]1",
            "[::]x:1", "a_b", "a%41", "a..b", "a:1:2", "a/b", "ä", "[v1.a]", "]", "[]", "a]:1",
        ];
        let long = ["[1:2:3:4:5:6:7::]", "[::2:3:4:5:6:7:8]", "[::ffff:1.2.3.4]:80", "127.0.0.1:80"];
        for text in short.into_iter().chain(long) {
            assert_eq!(is_authority(text), by_http(text), "{text}");
        }
    }
}
