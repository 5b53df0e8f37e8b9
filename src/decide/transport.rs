//! The first stage: is this a request that a server should look at at all? Sizes, the form of the target, and
//! headers that frame the message. What comes out is the one canonical path that everything after goes by.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use http::{HeaderMap, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::path::decode_segment;
use crate::model::reason::{Code, Stage};
use crate::model::request::{Request, Scheme};

use super::Denial;

/// The longest request target in bytes.
const MAX_TARGET: usize = 8 * 1024;
/// The most bytes of all headers together: names, values, and 4 a line for what stands around them.
const MAX_HEADER: usize = 16 * 1024;
/// The most header lines.
const MAX_HEADER_LINES: usize = 100;
/// The largest body in bytes.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// What a path segment may hold unescaped (RFC 3986 §3.3), less `;`, which the path never holds.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
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

/// A request target, taken apart.
#[derive(Debug)]
pub(super) struct Target {
    /// The decoded segments of the path; none for `/`.
    pub(super) segments: Vec<String>,
    /// The target to forward: the canonical path, and the query as it came.
    pub(super) canonical: String,
    pub(super) scheme: Scheme,
    /// The host with its port, in lower case, where one is known.
    pub(super) authority: Option<String>,
}

impl Target {
    /// The canonical path, without the query.
    pub(super) fn path(&self) -> &str {
        self.canonical.split('?').next().unwrap_or_default()
    }
}

/// Checks what can be checked before anything is known about the policy's routes.
pub(super) fn transport(request: &Request<'_>) -> Result<Target, Denial> {
    sizes(request)?;
    target(request)
}

fn sizes(request: &Request<'_>) -> Result<(), Denial> {
    if request.target.len() > MAX_TARGET {
        let message = format!("the target has {} bytes, and {MAX_TARGET} are allowed", request.target.len());
        return Err(Denial::new(Code::TargetTooLong, Stage::Transport, message));
    }
    let lines = request.headers.len();
    if lines > MAX_HEADER_LINES {
        let message = format!("the request has {lines} header lines, and {MAX_HEADER_LINES} are allowed");
        return Err(Denial::new(Code::HeadersTooLarge, Stage::Transport, message));
    }
    let bytes: usize = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > MAX_HEADER {
        let message = format!("the headers have {bytes} bytes, and {MAX_HEADER} are allowed");
        return Err(Denial::new(Code::HeadersTooLarge, Stage::Transport, message));
    }
    let announced = content_length(request.headers)?;
    if announced.is_some() && request.headers.contains_key(header::TRANSFER_ENCODING) {
        // Two readers would see two bodies (RFC 9112 §6.3).
        let message = "the request has both `Content-Length` and `Transfer-Encoding`";
        return Err(Denial::new(Code::HeaderMalformed, Stage::Transport, message));
    }
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        let message = format!("the body is announced to be larger than {MAX_BODY} bytes");
        return Err(Denial::new(Code::BodyTooLarge, Stage::Transport, message));
    }
    Ok(())
}

/// RFC 9110 §8.6: digits; several lines must agree.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Denial> {
    let mut length = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        let digits = value.to_str().ok().filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
        // More digits than a u64 holds are a length, too, and one that is too large.
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
fn target(request: &Request<'_>) -> Result<Target, Denial> {
    let raw = request.target;
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
        return taken_apart(raw, request.scheme, host);
    }
    let Some((scheme, after_scheme)) = raw.split_once("://") else {
        return Err(malformed("the target is neither a path nor a URL"));
    };
    let scheme = if scheme.eq_ignore_ascii_case("https") {
        Scheme::Https
    } else if scheme.eq_ignore_ascii_case("http") {
        Scheme::Http
    } else {
        return Err(malformed("the target's scheme is neither http nor https"));
    };
    let at = after_scheme.find(['/', '?']).unwrap_or(after_scheme.len());
    let (named, path) = after_scheme.split_at_checked(at).unwrap_or((after_scheme, ""));
    let path = if path.starts_with('/') { Cow::Borrowed(path) } else { Cow::Owned(format!("/{path}")) };
    taken_apart(&path, scheme, Some(authority(named)?))
}

/// The authority that the request is for, by the host's own word or by the `Host` header. One of each name only.
fn host(request: &Request<'_>) -> Result<Option<String>, Denial> {
    let mut lines = request.headers.get_all(header::HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(Denial::new(Code::HeaderMalformed, Stage::Transport, "there are two `Host` headers"));
    }
    let header =
        line.map(|value| value.to_str().map_err(|_| malformed("the `Host` header isn't ASCII"))).transpose()?;
    match request.host.or(header).filter(|host| !host.is_empty()) {
        Some(host) => authority(host).map(Some),
        None => Ok(None),
    }
}

/// A host and perhaps a port: no user, nothing else.
fn authority(text: &str) -> Result<String, Denial> {
    let parsed: Result<http::uri::Authority, _> = text.parse();
    let valid = parsed.is_ok_and(|authority| {
        let host = authority.host();
        let port = text.get(host.len()..).unwrap_or_default();
        let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        port_fits && !text.contains('@') && is_host(host)
    });
    if valid { Ok(text.to_ascii_lowercase()) } else { Err(malformed("the host isn't a host name or an address")) }
}

/// A host name of labels, or an address; IPv6 in brackets (RFC 3986 §3.2.2).
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // A name may end in the root's dot.
    host.strip_suffix('.').unwrap_or(host).split('.').all(label)
}

fn taken_apart(path_and_query: &str, scheme: Scheme, authority: Option<String>) -> Result<Target, Denial> {
    // The last word on the characters that a target may hold is the `http` crate's, as hosts go by it too.
    if path_and_query.parse::<Uri>().is_err() {
        return Err(malformed("the target isn't a valid URL"));
    }
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    let segments = segments(path)?;
    let mut canonical = String::with_capacity(path_and_query.len());
    for segment in &segments {
        canonical.push('/');
        canonical.extend(utf8_percent_encode(segment, ESCAPED));
    }
    if segments.is_empty() {
        canonical.push('/');
    }
    if let Some(query) = query {
        canonical.push('?');
        canonical.push_str(query);
    }
    Ok(Target { segments, canonical, scheme, authority })
}

/// Decodes a path once. Whatever two readers could read differently is refused, not mended.
fn segments(path: &str) -> Result<Vec<String>, Denial> {
    if path == "/" {
        return Ok(Vec::new());
    }
    let mut segments = Vec::new();
    let mut raw = path.split('/').skip(1).peekable();
    while let Some(segment) = raw.next() {
        let last = raw.peek().is_none();
        if segment.is_empty() && !last {
            return Err(malformed("the path holds `//`"));
        }
        let decoded = decode_segment(segment).map_err(|what| malformed(format!("the path holds {what}")))?;
        segments.push(decoded);
    }
    Ok(segments)
}
