//! The fast way for targets that are canonical already: nothing is encoded or must be, so the decoded path is the path
//! itself.

/// The longest target that the `http` crate takes.
const MAX_TARGET: usize = 65_534;

/// The class of a byte in a path.
#[derive(Clone, Copy)]
enum Class {
    /// Allowed unescaped: RFC 3986 §3.3 without `;`.
    Plain,
    Dot,
    Slash,
    /// The end of the path.
    Question,
    /// Needs the slow way: it is refused, decoded or encoded.
    Other,
}

/// Indexed by byte.
static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut rest: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~!$&'()*+,=:@";
    while let [byte, others @ ..] = rest {
        set(&mut classes, *byte, Class::Plain);
        rest = others;
    }
    set(&mut classes, b'.', Class::Dot);
    set(&mut classes, b'/', Class::Slash);
    set(&mut classes, b'?', Class::Question);
    classes
};

#[expect(clippy::indexing_slicing, reason = "a byte is an index, and the compiler does it")]
const fn set(classes: &mut [Class; 256], byte: u8, class: Class) {
    classes[byte as usize] = class;
}

/// The path of a target in origin-form that passes every check, and that decoding and encoding doesn't change. `None` says
/// nothing: the slow way finds out.
pub(crate) fn path(target: &str) -> Option<&str> {
    if !target.starts_with('/') || target.len() > MAX_TARGET {
        return None;
    }
    let mut end = target.len();
    // No segment ends at the first slash.
    let (mut length, mut dots) = (usize::MAX, 0_usize);
    for (at, byte) in target.bytes().enumerate() {
        match CLASSES.get(usize::from(byte)) {
            Some(Class::Plain) => length += 1,
            Some(Class::Dot) => (length, dots) = (length + 1, dots + 1),
            Some(Class::Slash) => {
                // An empty segment, or a dot segment.
                if length == dots && length <= 2 {
                    return None;
                }
                (length, dots) = (0, 0);
            }
            Some(Class::Question) => {
                end = at;
                break;
            }
            Some(Class::Other) | None => return None,
        }
    }
    if length == dots && (length == 1 || length == 2) {
        return None;
    }
    let (path, query) = target.split_at_checked(end)?;
    // The question mark is as good in a query as after the path.
    query.bytes().all(may_stand_in_query).then_some(path)
}

fn may_stand_in_query(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'"' | b'#' | b'<' | b'>' | b'\\')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http::Uri;
    use proptest::prelude::*;

    use crate::model::path::decode_segment;

    use super::path;

    #[test]
    fn plain_targets() {
        let check = |target: &str, expected: Option<&str>| assert_eq!(path(target), expected, "{target}");
        check("/", Some("/"));
        check("/?", Some("/"));
        check("/a/b?c/../?%zz", Some("/a/b"));
        check("/.well-known/...", Some("/.well-known/..."));
        check("/a/", Some("/a/"));
        check("/a.b/a..b/.a", Some("/a.b/a..b/.a"));
        for other in [
            "", "a", "*", "//", "//a", "/a//b", "/a//", "/.", "/..", "/./a", "/a/../b", "/a/..", "/a/.?b", "/a;b",
            "/%41", "/a b", "/a#b", "/a\\b", "/a?\\", "/a?#", "/ä", "/a?ä", "/a?\"", "/{a}", "/a|b", "/a?<",
        ] {
            check(other, None);
        }
        check("http://a/b", None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        /// The slow way accepts every plain target and doesn't change it.
        #[test]
        fn the_slow_way_agrees(target in "/[ -~]{0,3}([a-z./?%;-]{0,6}[ -~]?){0,3}") {
            let Some(plain) = path(&target) else { return Ok(()) };
            prop_assert!(target.parse::<Uri>().is_ok());
            prop_assert!(!target.contains([' ', '#', '\\']));
            prop_assert_eq!(plain, target.split('?').next().unwrap());
            prop_assert!(!plain.contains("//"));
            for segment in plain.split('/') {
                prop_assert_eq!(decode_segment(segment), Ok(segment.to_owned()));
                let encoded = percent_encoding::utf8_percent_encode(segment, crate::decide::routes::transport::ESCAPED);
                prop_assert_eq!(encoded.to_string(), segment);
            }
        }
    }

    #[test]
    fn every_byte() {
        for byte in 0..0x80_u8 {
            let byte = char::from(byte);
            for target in [format!("/a{byte}b"), format!("/a?{byte}b")] {
                if path(&target).is_some() {
                    assert!(target.parse::<Uri>().is_ok(), "{target}");
                }
            }
        }
    }
}
