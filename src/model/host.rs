//! Hosts, origins and networks: one reading for policies and for requests.

use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv4Net};

/// A host name of labels, or an address; IPv6 in brackets (RFC 3986 §3.2.2). A name may end in the root's dot.
pub(crate) fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let mut in_label = false;
    let name = host.strip_suffix('.').unwrap_or(host);
    for byte in name.bytes() {
        if byte == b'.' && !in_label || byte != b'.' && !is_label_byte(byte) {
            return false;
        }
        in_label = byte != b'.';
    }
    in_label
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(is_label_byte)
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// A host and its port, where one is written. The colons of an IPv6 address stand in brackets.
pub(crate) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// The port that a scheme has where none is written.
pub(crate) fn default_port(scheme: &str) -> Option<&'static str> {
    match scheme {
        "https" => Some("443"),
        "http" => Some("80"),
        _ => None,
    }
}

/// A host or an origin that a policy names, or all that differ from it in one label alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NamePattern {
    /// Byte by byte.
    Exact(String),
    /// `https://*.example.com`: one label, never across dots.
    OneLabel { before: String, after: String },
}

impl NamePattern {
    /// The pattern of a text in which a `*`, if there is one, stands for a label.
    pub(crate) fn new(text: &str) -> Self {
        match text.split_once('*') {
            Some((before, after)) => Self::OneLabel { before: before.to_owned(), after: after.to_owned() },
            None => Self::Exact(text.to_owned()),
        }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::OneLabel { before, after } => text
                .strip_prefix(before.as_str())
                .and_then(|rest| rest.strip_suffix(after.as_str()))
                .is_some_and(is_label),
        }
    }
}

/// The network as addresses are compared: as IPv4 where it is IPv4 inside IPv6 (RFC 4291 §2.5.5.2).
pub(crate) fn unmapped(network: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let IpNet::V6(v6) = network else { return network };
    let v4 = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(MAPPED_BITS));
    v4.and_then(|(address, length)| Ipv4Net::new(address, length).ok()).map_or(network, IpNet::V4)
}
