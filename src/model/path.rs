//! Path segments: one reading for policies and for requests.

use percent_encoding::percent_decode_str;

/// Decodes a segment once. Whatever two readers could read differently is refused, not mended; the error says what
/// the segment holds.
pub(crate) fn decode_segment(segment: &str) -> Result<String, &'static str> {
    if escapes(segment).any(|complete| !complete) {
        return Err("a `%` without two hexadecimal digits");
    }
    let Ok(decoded) = percent_decode_str(segment).decode_utf8() else {
        return Err("escapes that aren't UTF-8");
    };
    if decoded.chars().any(|c| matches!(c, '/' | '\\' | ';') || c.is_control()) {
        return Err("an escaped `/`, a `\\`, a `;` or a control character");
    }
    if decoded == "." || decoded == ".." {
        return Err("a dot segment");
    }
    if escapes(&decoded).any(|complete| complete) {
        return Err("something that is escaped twice");
    }
    Ok(decoded.into_owned())
}

/// For each `%`, whether two hexadecimal digits follow.
pub(crate) fn escapes(text: &str) -> impl Iterator<Item = bool> {
    text.split('%').skip(1).map(|after| {
        let mut bytes = after.bytes();
        matches!((bytes.next(), bytes.next()), (Some(high), Some(low)) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    })
}

/// RFC 9562 §4: 8-4-4-4-12 hexadecimal digits.
pub(crate) fn is_uuid(text: &str) -> bool {
    let mut groups = text.split('-');
    let lengths = [8, 4, 4, 4, 12];
    lengths.iter().all(|length| {
        groups.next().is_some_and(|group| group.len() == *length && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }) && groups.next().is_none()
}
