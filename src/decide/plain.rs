//! Targets that are canonical as they come, which is most of them: nothing is encoded or encodable, so that the decoded path
//! is the path itself.

/// The `http` crate takes no longer target.
const LONGEST: usize = 65_534;

/// The path of a target in origin-form that every check lets pass, and that decoding and encoding leaves as it is.
/// `None` says nothing: the slow way finds out.
pub(super) fn path(target: &str) -> Option<&str> {
    if !target.starts_with('/') || target.len() > LONGEST {
        return None;
    }
    let (mut length, mut dots, mut end) = (0_usize, 0_usize, target.len());
    // Before the first slash, there is no segment that could be empty.
    let mut first = true;
    for (at, byte) in target.bytes().enumerate() {
        match byte {
            b'/' => {
                // An empty segment, or a dot segment.
                if length == dots && length <= 2 && !first {
                    return None;
                }
                (length, dots, first) = (0, 0, false);
            }
            b'.' => (length, dots) = (length + 1, dots + 1),
            b'?' => {
                end = at;
                break;
            }
            _ if stands_for_itself(byte) => length += 1,
            _ => return None,
        }
    }
    if length == dots && (length == 1 || length == 2) {
        return None;
    }
    let (path, query) = target.split_at_checked(end)?;
    // The question mark is as good in a query as after the path.
    query.bytes().all(may_stand_in_query).then_some(path)
}

/// Less than RFC 3986 §3.3 lets stand in a segment: `;` is never let in, and dots and slashes are looked at apart.
fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b'=' | b':' | b'@')
}

fn may_stand_in_query(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'"' | b'#' | b'<' | b'>' | b'\\')
}
