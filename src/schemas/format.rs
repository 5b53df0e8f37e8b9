//! Formats of strings, and the parsers of values that are written as strings.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;
use regex::Regex;
use url::{Host, Url};

use crate::model::host::unmapped;
use crate::model::keywords::Format;
use crate::model::path::is_uuid;

/// RFC 5321 §4.5.3.1.3, as corrected by erratum 1690 to RFC 3696.
const LONGEST_EMAIL: usize = 254;
/// RFC 1035 §2.3.4, less the length of the first label and the root.
const LONGEST_HOSTNAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// True if a text has a format.
pub(crate) fn has_format(format: Format, text: &str) -> bool {
    match format {
        Format::Email => is_email(text),
        Format::Url => is_url(text),
        Format::Uuid => is_uuid(text),
        Format::Date => is_date(text),
        Format::DateTime => timestamp(text).is_some(),
        Format::Ip => ip(text).is_some(),
        Format::Hostname => is_hostname(text),
    }
}

/// The message for a text without a format.
pub(crate) fn requirement(format: Format) -> &'static str {
    match format {
        Format::Email => "must be an email address",
        Format::Url => "must be an http or https URL",
        Format::Uuid => "must be a UUID",
        Format::Date => "must be a date such as 2026-11-23",
        Format::DateTime => "must be a date and time such as 2026-11-23T10:00:00Z",
        Format::Ip => "must be an IP address",
        Format::Hostname => "must be a host name",
    }
}

/// Parses an RFC 3339 date-time, and no other form that jiff reads. It refuses leap seconds, and fractions finer than
/// nanoseconds.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let date = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
        let time = r"[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,9})?";
        Regex::new(&format!(r"\A{date}[Tt]{time}(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])\z")).ok()
    });
    let instant: Timestamp = has_form(&FORM, text).then(|| text.parse().ok()).flatten()?;
    // A time before the year 0 has no date-time of this form.
    (!instant.to_string().starts_with('-')).then_some(instant)
}

/// Parses an address. An IPv4 address mapped into IPv6 becomes that IPv4 address (RFC 4291 §2.5.5.2).
pub(crate) fn ip(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// Parses a network: an address and the length of its prefix, without bits behind the prefix.
pub(crate) fn cidr(text: &str) -> Option<IpNet> {
    let (_, bits) = text.split_once('/')?;
    let net: IpNet = text.parse().ok()?;
    if net.addr() != net.network() || net.prefix_len().to_string() != bits {
        return None;
    }
    Some(unmapped(net))
}

/// True for a valid e-mail address of the HTML standard (§4.10.5.1.5) without leading, trailing or double dots in the local
/// part, which mail servers refuse.
fn is_email(text: &str) -> bool {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let word = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+";
        let label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
        Regex::new(&format!(r"\A{word}(?:\.{word})*@{label}(?:\.{label})*\z")).ok()
    });
    text.len() <= LONGEST_EMAIL && has_form(&FORM, text)
}

/// True for an absolute URL of http or https that all parsers read alike: it has only characters of RFC 3986, is valid by the
/// URL standard, has no user, and its host is in normal form (`0x7f.1` is an address to some parsers, a name to others).
fn is_url(text: &str) -> bool {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let rest = r"(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*";
        Regex::new(&format!(
            r"\A(?i:https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]+)?(?:[/?#]{rest})?\z"
        ))
        .ok()
    });
    let Some(found) = FORM.as_ref().and_then(|form| form.captures(text)) else { return false };
    let written = found.name("host").map(|host| host.as_str().to_ascii_lowercase());
    let fragments = text.matches('#').count();
    let Ok(url) = Url::parse(text) else { return false };
    fragments <= 1 && url.host().map(|host: Host<&str>| host.to_string()) == written
}

/// True for an RFC 3339 full-date.
fn is_date(text: &str) -> bool {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z").ok());
    has_form(&FORM, text) && text.parse::<Date>().is_ok()
}

/// True for labels of letters, digits and inner hyphens (RFC 1123 §2.1). The last label must not be a number, so that no
/// spelling of an address is a name.
fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = digits(&last) || last.strip_prefix("0x").is_some_and(hexadecimal);
    text.len() <= LONGEST_HOSTNAME && text.split('.').all(label) && !number
}

fn has_form(form: &LazyLock<Option<Regex>>, text: &str) -> bool {
    form.as_ref().is_some_and(|form| form.is_match(text))
}
