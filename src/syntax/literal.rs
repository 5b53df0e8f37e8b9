//! Values of literals. A literal whose shape fits the grammar may still have no value, which is a diagnostic. A
//! diagnostic never repeats the text of a string.

use crate::model::diagnostic::Diagnostic;
use crate::syntax::lower::{Lowering, Pair};
use crate::syntax::parse::Rule;
use crate::syntax::tree::{Literal, Span, Spanned};

use std::net::IpAddr;

/// Returns the constant of a literal pair.
pub(crate) fn literal(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> Option<Literal> {
    Some(match pair.as_rule() {
        Rule::k_null => Literal::Null,
        Rule::k_true => Literal::Bool(true),
        Rule::k_false => Literal::Bool(false),
        Rule::int => Literal::Int(int(lowering, pair)?.node),
        Rule::float => Literal::Float(float(lowering, pair)?.node),
        Rule::string => Literal::String(unescape(lowering, pair)),
        Rule::duration => Literal::Duration(duration(lowering, pair)?.node),
        Rule::size => Literal::Size(size(lowering, pair)?.node),
        Rule::timestamp => Literal::Timestamp(timestamp(lowering, pair)?.node),
        Rule::address => Literal::Ip(address(lowering, pair)?.node),
        Rule::network => Literal::Network(network(lowering, pair)?.node),
        _ => return None,
    })
}

/// Reads `1_000`, `-5`.
pub(crate) fn int(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> Option<Spanned<i64>> {
    found(lowering, pair, digits(pair.as_str()).parse().ok(), |span, text| {
        Diagnostic::error("integer_too_large", span, format!("the integer `{text}` is out of range")).help(format!(
            "integers go from {} to {}",
            i64::MIN,
            i64::MAX
        ))
    })
}

/// Reads an integer that isn't below 0.
pub(crate) fn natural(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> Option<Spanned<u64>> {
    let value = int(lowering, pair)?.node;
    found(lowering, pair, u64::try_from(value).ok(), |span, text| {
        Diagnostic::error("negative_number", span, format!("`{text}` is below 0"))
            .help("write a number that isn't negative")
    })
}

fn float(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> Option<Spanned<f64>> {
    let value = digits(pair.as_str()).parse().ok().filter(|value: &f64| value.is_finite());
    found(lowering, pair, value, |span, _| {
        Diagnostic::error("float_too_large", span, "the number is out of range")
            .help("write a number that fits a 64-bit float")
    })
}

/// Reads `1h30m`, in milliseconds.
pub(crate) fn duration(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> Option<Spanned<u64>> {
    let text = digits(pair.as_str());
    let mut rest = text.as_str();
    let mut total = Some(0_u64);
    while !rest.is_empty() {
        let (number, after) = split_while(rest, |c| c.is_ascii_digit());
        let (unit, after) = split_while(after, |c| !c.is_ascii_digit());
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => 86_400_000,
        };
        total =
            number.parse::<u64>().ok().and_then(|n| n.checked_mul(milliseconds)).and_then(|n| total?.checked_add(n));
        rest = after;
    }
    found(lowering, pair, total.filter(fits_signed), |span, text| {
        Diagnostic::error("duration_too_long", span, format!("the duration `{text}` is out of range"))
            .help("write a shorter one, such as `365d`")
    })
}

/// Reads `64KiB`, in bytes.
pub(crate) fn size(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> Option<Spanned<u64>> {
    let text = digits(pair.as_str());
    let (number, unit) = split_while(&text, |c| c.is_ascii_digit());
    let bytes = match unit {
        "B" => 1_u64,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => 1 << 30,
    };
    let total = number.parse::<u64>().ok().and_then(|n| n.checked_mul(bytes)).filter(fits_signed);
    found(lowering, pair, total, |span, text| {
        Diagnostic::error("size_too_large", span, format!("the size `{text}` is out of range"))
            .help("write a smaller one, such as `64KiB`")
    })
}

/// True for values that can be added to a timestamp, which is signed.
fn fits_signed(value: &u64) -> bool {
    i64::try_from(*value).is_ok()
}

fn timestamp(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> Option<Spanned<jiff::Timestamp>> {
    found(lowering, pair, pair.as_str().parse().ok(), |span, text| {
        Diagnostic::error("bad_timestamp", span, format!("`{text}` is no timestamp")).help(
            match text.get(..10).filter(|date| date.len() == text.len()) {
                Some(date) => format!("add the time of day and the zone: `{date}T00:00:00Z`"),
                None => {
                    "write date, time and zone as in `2026-11-23T10:00:00Z`, up to `9999-12-30T22:00:00Z`".to_owned()
                }
            },
        )
    })
}

fn address(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> Option<Spanned<IpAddr>> {
    found(lowering, pair, pair.as_str().parse().ok(), |span, text| {
        Diagnostic::error("bad_address", span, format!("`{text}` is no IP address"))
            .help("write an address such as `203.0.113.9` or `2001:db8::1`")
    })
}

/// Reads `10.0.0.0/8`. A bare address is the network of that address alone.
pub(crate) fn network(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> Option<Spanned<ipnet::IpNet>> {
    if pair.as_rule() == Rule::address {
        let Spanned { node, span } = address(lowering, pair)?;
        return Some(Spanned { node: node.into(), span });
    }
    found(lowering, pair, pair.as_str().parse().ok(), |span, text| {
        Diagnostic::error("bad_network", span, format!("`{text}` is no network"))
            .help("write an address and how many bits count, such as `10.0.0.0/8` or `2001:db8::/32`")
    })
}

/// Returns the value of a literal with its span. Reports a problem if there is no value.
fn found<T>(
    lowering: &mut Lowering<'_>,
    pair: &Pair<'_>,
    value: Option<T>,
    problem: impl FnOnce(Span, &str) -> Diagnostic,
) -> Option<Spanned<T>> {
    let span = lowering.span(pair);
    if value.is_none() {
        lowering.problem(problem(span, pair.as_str()));
    }
    Some(Spanned { node: value?, span })
}

/// Returns a string without its quotes, escapes resolved.
pub(crate) fn unescape(lowering: &mut Lowering<'_>, pair: &Pair<'_>) -> String {
    let text = pair.as_str();
    let body = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let body_start = pair.as_span().start() + 1;
    let mut out = String::with_capacity(body.len());
    let mut chars = body.char_indices();
    while let Some((start, c)) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let escape = match chars.next() {
            Some((_, 'n')) => Some('\n'),
            Some((_, 't')) => Some('\t'),
            Some((_, '"')) => Some('"'),
            Some((_, '\\')) => Some('\\'),
            Some((_, 'u')) => unicode(&mut chars),
            _ => None,
        };
        let Some(escape) = escape else {
            let end = chars.clone().next().map_or(body.len(), |(next, _)| next);
            let span = lowering.span_of(body_start + start, body_start + end);
            lowering.problem(
                Diagnostic::error("bad_escape", span, "a string has no such escape")
                    .help("the escapes are `\\n`, `\\t`, `\\\"`, `\\\\` and `\\u{…}` with a character's code in hex"),
            );
            continue;
        };
        out.push(escape);
    }
    out
}

/// Returns the character of `{1F600}`, the part of an escape after `\u`.
fn unicode(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    let (code, _) = chars.as_str().strip_prefix('{')?.split_once('}')?;
    if code.is_empty() || code.len() > 6 || !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    // The code is ASCII, so its length counts characters; two more are the braces.
    chars.nth(code.len() + 1)?;
    char::from_u32(u32::from_str_radix(code, 16).ok()?)
}

fn digits(text: &str) -> String {
    text.replace('_', "")
}

/// Splits `text` before the first character that isn't `wanted`.
fn split_while(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !wanted(c)).unwrap_or(text.len());
    text.split_at(end)
}
