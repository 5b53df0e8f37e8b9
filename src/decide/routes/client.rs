//! The client's address and scheme. `Forwarded` headers are read from the peer, hop by hop, to the first address that isn't
//! a trusted proxy's. The client could have written the rest.

use std::borrow::Cow;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, header};

use crate::decide::headers::is_token_byte;
use crate::model::host::split_port;
use crate::protocol::request::{Request, Scheme};
use crate::typed::{Forwarded, Transport};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// More parameters than RFC 7239 and its extensions have.
const MAX_PARAMETERS: usize = 16;

/// The sender of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// `None` if the host knows no peer, or a trusted proxy names no client.
    pub(crate) address: Option<IpAddr>,
    pub(crate) scheme: Scheme,
}

/// Finds the client. An IPv4 address that is mapped into IPv6 is IPv4 (RFC 4291 §2.5.5.2).
pub(crate) fn client(transport: &Transport, request: &Request<'_>) -> Client {
    let scheme = own_scheme(request);
    let Some(peer) = request.peer.map(|address| address.to_canonical()) else {
        return Client { address: None, scheme };
    };
    if !is_trusted(transport, peer) {
        return Client { address: Some(peer), scheme };
    }
    match transport.forwarded {
        Forwarded::XForwardedFor => Client {
            address: first_untrusted(transport, x_forwarded_for(request.headers)),
            scheme: x_forwarded_proto(request.headers).unwrap_or(scheme),
        },
        Forwarded::Rfc7239 => forwarded(transport, request.headers, scheme),
    }
}

/// The scheme of the connection, or `http` if the target says so. A target of `https` doesn't make a connection in the
/// clear secure (RFC 9110 §7.4).
fn own_scheme(request: &Request<'_>) -> Scheme {
    let in_the_clear = request.target.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://"));
    if in_the_clear { Scheme::Http } else { request.scheme }
}

fn is_trusted(transport: &Transport, address: IpAddr) -> bool {
    transport.proxies.iter().any(|network| network.contains(&address))
}

/// The first untrusted hop from the nearest to the farthest. A hop without an address ends the walk.
fn first_untrusted(transport: &Transport, mut hops: impl Iterator<Item = Option<IpAddr>>) -> Option<IpAddr> {
    hops.find(|hop| hop.is_none_or(|address| !is_trusted(transport, address))).flatten()
}

/// The hops of all lines, from the right to the left.
fn x_forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    headers.get_all(X_FORWARDED_FOR).iter().rev().flat_map(|line| {
        // Commas and addresses are ASCII: other bytes make only their own hop unreadable.
        line.as_bytes()
            .rsplit(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .filter(|hop| !hop.is_empty())
            .map(|hop| std::str::from_utf8(hop).ok().and_then(address))
    })
}

/// `https` only if all values are `https`: another value may be the client's.
fn x_forwarded_proto(headers: &HeaderMap) -> Option<Scheme> {
    let mut words = headers
        .get_all(X_FORWARDED_PROTO)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii))
        .filter(|word| !word.is_empty())
        .peekable();
    words.peek()?;
    let secure = words.all(|word| word.eq_ignore_ascii_case(b"https"));
    Some(if secure { Scheme::Https } else { Scheme::Http })
}

/// An address with or without a port, a zone or brackets: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`, `fe80::1%eth0`.
fn address(hop: &str) -> Option<IpAddr> {
    let without_zone = |text: &str| text.split('%').next().and_then(|address| address.parse::<IpAddr>().ok());
    let found = match hop.strip_prefix('[') {
        Some(rest) => {
            let (inner, port) = rest.split_once(']')?;
            let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
            without_zone(inner).filter(|address| is_port && address.is_ipv6())
        }
        None => without_zone(hop).or_else(|| match split_port(hop) {
            (host, Some(port)) if is_port(port) => host.parse().ok().filter(IpAddr::is_ipv4),
            _ => None,
        }),
    };
    found.map(|address| address.to_canonical())
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// An element of `Forwarded`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Element {
    node: Option<IpAddr>,
    scheme: Option<Scheme>,
}

/// The element that names the client also has the client's scheme (RFC 7239 §5.4).
fn forwarded(transport: &Transport, headers: &HeaderMap, own: Scheme) -> Client {
    let mut scheme = own;
    for line in headers.get_all(header::FORWARDED).iter().rev() {
        // A malformed line ends the walk: an open quote of the client could hide the proxy's parameters.
        let Some(hops) = line.to_str().ok().and_then(|line| hops(transport, line)) else { break };
        scheme = hops.scheme.unwrap_or(scheme);
        if let Some(address) = hops.client {
            return Client { address, scheme };
        }
    }
    Client { address: None, scheme }
}

/// The hops of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Hops {
    /// The last untrusted hop, if there is one, and its address, if it has one.
    client: Option<Option<IpAddr>>,
    /// The first scheme in that hop or after it.
    scheme: Option<Scheme>,
}

/// The hops of one line (RFC 7239 §4); `None` if it is malformed.
fn hops(transport: &Transport, line: &str) -> Option<Hops> {
    let (mut hops, mut rest) = (Hops::default(), line);
    loop {
        let (element, after) = element(rest)?;
        match element {
            Some(Element { node: Some(proxy), scheme }) if is_trusted(transport, proxy) => {
                hops.scheme = hops.scheme.or(scheme);
            }
            Some(Element { node, scheme }) => hops = Hops { client: Some(node), scheme },
            None => {}
        }
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.is_empty().then_some(hops),
        }
    }
}

/// Reads one element, or none between two commas. Returns the rest, too. A repeated parameter makes the line malformed.
fn element(text: &str) -> Option<(Option<Element>, &str)> {
    let (mut element, mut rest) = (Element::default(), text.trim_start_matches([' ', '\t']));
    if rest.is_empty() || rest.starts_with(',') {
        return Some((None, rest));
    }
    let mut seen = [""; MAX_PARAMETERS];
    for at in 0..MAX_PARAMETERS {
        let (name, after) = rest.split_once('=')?;
        let known = seen.iter().take(at).any(|known| known.eq_ignore_ascii_case(name));
        if name.is_empty() || !name.bytes().all(is_token_byte) || known {
            return None;
        }
        let (value, after) = value(after)?;
        if name.eq_ignore_ascii_case("for") {
            element.node = address(&value);
        } else if name.eq_ignore_ascii_case("proto") {
            let secure = value.eq_ignore_ascii_case("https");
            element.scheme = Some(if secure { Scheme::Https } else { Scheme::Http });
        }
        *seen.get_mut(at)? = name;
        rest = after.trim_start_matches([' ', '\t']);
        match rest.strip_prefix(';') {
            Some(next) => rest = next.trim_start_matches([' ', '\t']),
            None => return (rest.is_empty() || rest.starts_with(',')).then_some((Some(element), rest)),
        }
    }
    None
}

/// Reads a token or a quoted string (RFC 9110 §5.6). Returns the rest, too.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.bytes().position(|byte| !is_token_byte(byte)).unwrap_or(text.len());
        let (token, after) = text.split_at_checked(end)?;
        return (!token.is_empty()).then_some((Cow::Borrowed(token), after));
    };
    let (plain, rest) = quoted.split_at_checked(quoted.find(['"', '\\'])?)?;
    if let Some(after) = rest.strip_prefix('"') {
        return Some((Cow::Borrowed(plain), after));
    }
    let mut value = plain.to_owned();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some((Cow::Owned(value), chars.as_str())),
            '\\' => value.push(chars.next()?),
            other => value.push(other),
        }
    }
}
