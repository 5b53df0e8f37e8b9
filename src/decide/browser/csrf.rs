//! CSRF: checks that the site itself sent a request, by the browser's headers and by a token that is bound to the session,
//! and issues such tokens.

use std::borrow::Cow;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};

use crate::decide::browser::cookie;
use crate::decide::callers::entropy::Entropy;
use crate::decide::callers::issuer::no_entropy;
use crate::decide::denial::Denial;
use crate::decide::headers::{Repeated, at_most_one};
use crate::decide::journey::Journey;
use crate::decide::respond::Response;
use crate::decide::routes::transport::{Target, without_default_port};
use crate::eval::cookies;
use crate::eval::cookies::Unclear;
use crate::model::reason::{Code, Stage};
use crate::protocol::request::Request;
use crate::typed::{Cors, Csrf, CsrfApplies, CsrfLayer};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The greatest difference between the clocks of two machines that share a secret.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);
const TIME_BYTES: usize = 8;
const NONCE_BYTES: usize = 16;
const MAC_BYTES: usize = 32;
const SESSION_BYTES: usize = 32;
/// A token's text has 75 characters.
const MAX_TEXT: usize = 128;

fn denial(code: Code, message: &'static str, csrf: &Csrf) -> Denial {
    Denial::new(code, Stage::Csrf, message).at(csrf.span)
}

/// The settings and facts of a check.
pub(crate) struct Check<'c> {
    pub(crate) csrf: &'c Csrf,
    /// The key of the token layer, if there is one.
    pub(crate) key: Option<&'c hmac::Key>,
    /// The route's block, whose origins are trusted.
    pub(crate) cors: Option<&'c Cors>,
    pub(crate) target: &'c Target<'c, 'c>,
    /// True if the caller's credential is one that no browser sends by itself.
    pub(crate) by_header: bool,
}

/// Checks a request, unless its method is safe.
pub(crate) fn check(check: &Check<'_>, request: &Request<'_>) -> Result<(), Denial> {
    let csrf = check.csrf;
    if is_safe(request) {
        return Ok(());
    }
    let ambient = !check.by_header || cookies::any_of(&csrf.ambient, request.headers);
    if csrf.applies == CsrfApplies::Ambient && !ambient {
        return Ok(());
    }
    check_origin(check, request)?;
    let Some(layer) = &csrf.token else { return Ok(()) };
    let key = check.key.ok_or_else(|| denial(Code::CsrfInvalid, "the policy has no CSRF key", csrf))?;
    let session = session(csrf, layer, request.headers)?.ok_or_else(|| {
        denial(Code::CsrfSession, "the request has no session cookie that a token could be bound to", csrf)
    })?;
    let token = at_most_one(request.headers, &layer.header)
        .map_err(|Repeated| denial(Code::CsrfInvalid, "the request has two CSRF tokens", csrf))?
        .ok_or_else(|| denial(Code::CsrfMissing, "the request has no CSRF token", csrf))?;
    let token = token.to_str().unwrap_or_default();
    check_token(csrf, layer, key, &session, token, request.now)
}

/// RFC 9110 §9.2.1; but a WebSocket handshake is a GET that opens a channel for unsafe things (RFC 6455 §10.2).
pub(crate) fn is_safe(request: &Request<'_>) -> bool {
    let upgrades = request.headers.get_all(header::UPGRADE).iter().any(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(',').any(|upgrade| {
                let protocol = upgrade.split('/').next().unwrap_or_default();
                protocol.trim().eq_ignore_ascii_case("websocket")
            })
        })
    });
    !upgrades && matches!(*request.method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The session cookie's value.
fn session<'h>(csrf: &Csrf, layer: &CsrfLayer, headers: &'h HeaderMap) -> Result<Option<Cow<'h, str>>, Denial> {
    cookies::find(&layer.session.name, headers).map_err(|unclear| {
        let why = match unclear {
            Unclear::Twice => "there are two session cookies",
            Unclear::Malformed => "the session cookie is malformed",
        };
        denial(Code::CsrfSession, why, csrf)
    })
}

/// Fetch Metadata where the browser sends it, else `Origin`. With neither, it was no browser that could be tricked.
fn check_origin(check: &Check<'_>, request: &Request<'_>) -> Result<(), Denial> {
    let csrf = check.csrf;
    let single = |name: &HeaderName| {
        let repeated = |Repeated| denial(Code::CsrfOrigin, "a header about the request's origin stands twice", csrf);
        at_most_one(request.headers, name).map(|value| value.map(HeaderValue::as_bytes)).map_err(repeated)
    };
    let site = single(&SEC_FETCH_SITE)?;
    let origin = single(&header::ORIGIN)?;
    let is_trusted =
        |origin: &str| is_own(origin, check.target) || check.cors.is_some_and(|cors| cors.origins.name(origin));
    let passes = match (site, origin) {
        (Some(b"same-origin" | b"none"), _) | (None, None) => true,
        (Some(_), origin) | (None, origin) => {
            origin.and_then(|origin| std::str::from_utf8(origin).ok()).is_some_and(is_trusted)
        }
    };
    if passes { Ok(()) } else { Err(denial(Code::CsrfOrigin, "the request comes from a foreign origin", csrf)) }
}

/// True if the origin is that of the request's host. Browsers omit the default port (RFC 6454 §6.1).
fn is_own(origin: &str, target: &Target<'_, '_>) -> bool {
    let host = origin.strip_prefix(target.scheme.as_str()).and_then(|rest| rest.strip_prefix("://"));
    host.is_some() && host == target.authority().map(|authority| without_default_port(authority, target.scheme))
}

/// A session that nobody has yet, and the `Set-Cookie` value that makes it the browser's.
fn fresh_session(layer: &CsrfLayer, entropy: &Entropy<'_>) -> Option<(String, HeaderValue)> {
    let session = URL_SAFE_NO_PAD.encode(entropy.expand::<SESSION_BYTES>("session")?);
    let cookie = cookie::set(&layer.session, &session)?;
    Some((session, cookie))
}

/// A token: when it was issued, 16 random bytes, and a MAC over both and the session.
pub(crate) fn issue(key: &hmac::Key, session: &str, now: Timestamp, entropy: &Entropy<'_>) -> Option<String> {
    let mut token = Vec::with_capacity(TIME_BYTES + NONCE_BYTES + MAC_BYTES);
    token.extend(now.as_second().to_be_bytes());
    token.extend(entropy.expand::<NONCE_BYTES>("csrf nonce")?);
    let mac = hmac::sign(key, &signed(session, &token));
    token.extend(mac.as_ref());
    Some(URL_SAFE_NO_PAD.encode(token))
}

fn check_token(
    csrf: &Csrf,
    layer: &CsrfLayer,
    key: &hmac::Key,
    session: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), Denial> {
    let invalid = || denial(Code::CsrfInvalid, "the CSRF token wasn't issued for the session that came", csrf);
    if text.len() > MAX_TEXT {
        return Err(invalid());
    }
    let token = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
    let (content, mac) = token.split_at_checked(TIME_BYTES + NONCE_BYTES).ok_or_else(invalid)?;
    // In constant time.
    hmac::verify(key, &signed(session, content), mac).map_err(|_| invalid())?;
    let time = content.first_chunk::<TIME_BYTES>().map(|bytes| i64::from_be_bytes(*bytes));
    let issued = time.and_then(|time| Timestamp::from_second(time).ok()).ok_or_else(invalid)?;
    let age = now.duration_since(issued);
    if age < -CLOCK_SKEW {
        return Err(invalid());
    }
    if age >= layer.lifetime {
        return Err(denial(Code::CsrfExpired, "the CSRF token is too old", csrf));
    }
    Ok(())
}

/// The input of the MAC: each field after its length, so that fields can't run into each other.
fn signed(session: &str, content: &[u8]) -> Vec<u8> {
    const PURPOSE: &[u8] = b"portcullis csrf token 1";
    let mut message = Vec::with_capacity(PURPOSE.len() + session.len() + content.len() + 24);
    for field in [PURPOSE, session.as_bytes(), content] {
        message.extend((field.len() as u64).to_be_bytes());
        message.extend(field);
    }
    message
}

impl Journey<'_, '_> {
    /// Issues a token for the session of the request, or for a fresh session.
    pub(crate) fn issue_csrf(&self) -> Result<Response<'static>, Denial> {
        let csrf = self.policy.csrf.as_ref();
        let layer = csrf.and_then(|csrf| csrf.token.as_ref());
        let (Some(csrf), Some(layer), Some(key)) = (csrf, layer, self.keys.csrf()) else {
            return Err(Denial::new(Code::CsrfInvalid, Stage::Issue, "the policy has no CSRF key"));
        };
        let entropy = self.request.entropy.map(Entropy::new).ok_or_else(no_entropy)?;
        let (session, cookie) = match session(csrf, layer, self.request.headers)? {
            Some(session) => (session, None),
            None => {
                let (session, cookie) = fresh_session(layer, &entropy).ok_or_else(no_entropy)?;
                (Cow::Owned(session), Some(cookie))
            }
        };
        let token = issue(key, &session, self.request.now, &entropy).ok_or_else(no_entropy)?;
        Ok(Response::CsrfToken { token, cookie })
    }
}
