//! The first stage: is this a request that a server should look at at all? Sizes, the form of the target, and
//! headers that frame the message. What comes out is the one canonical path that everything after goes by.

use std::borrow::Cow;

use http::{HeaderMap, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

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
const MAX_BODY: usize = 1024 * 1024;

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
    let announced = content_length(request.headers)?.unwrap_or(0);
    let read = request.body.map_or(0, <[u8]>::len);
    let body = announced.max(u64::try_from(read).unwrap_or(u64::MAX));
    if body > MAX_BODY as u64 {
        let message = format!("the body has {body} bytes, and {MAX_BODY} are allowed");
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
    if raw.starts_with('/') {
        let host = host(request)?;
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
    let (host, path) = after_scheme.split_at_checked(at).unwrap_or((after_scheme, ""));
    let path = if path.starts_with('/') { Cow::Borrowed(path) } else { Cow::Owned(format!("/{path}")) };
    taken_apart(&path, scheme, Some(authority(host)?))
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
    match parsed {
        Ok(authority) if !text.contains('@') && !authority.host().is_empty() => Ok(text.to_ascii_lowercase()),
        _ => Err(malformed("the host isn't a host name or an address")),
    }
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
        segments.push(decoded(segment)?);
    }
    Ok(segments)
}

fn decoded(segment: &str) -> Result<String, Denial> {
    if has_bad_escape(segment) {
        return Err(malformed("the path holds a `%` without two hexadecimal digits"));
    }
    let Ok(decoded) = percent_decode_str(segment).decode_utf8() else {
        return Err(malformed("the path's escapes aren't UTF-8"));
    };
    if decoded.chars().any(|c| matches!(c, '/' | '\\' | ';') || c.is_control()) {
        return Err(malformed("the path holds an escaped `/` or `\\`, a `;` or a control character"));
    }
    if decoded == "." || decoded == ".." {
        return Err(malformed("the path holds a dot segment"));
    }
    if has_escape(&decoded) {
        return Err(malformed("the path is escaped twice"));
    }
    Ok(decoded.into_owned())
}

fn has_bad_escape(text: &str) -> bool {
    escapes(text).any(|complete| !complete)
}

fn has_escape(text: &str) -> bool {
    escapes(text).any(|complete| complete)
}

/// For each `%`, whether two hexadecimal digits follow.
fn escapes(text: &str) -> impl Iterator<Item = bool> {
    text.split('%').skip(1).map(|after| {
        let mut bytes = after.bytes();
        matches!((bytes.next(), bytes.next()), (Some(high), Some(low)) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    })
}
