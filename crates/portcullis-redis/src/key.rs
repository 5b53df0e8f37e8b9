//! The keys of buckets and families in Redis.

use aws_lc_rs::digest::{SHA256, digest};

/// The longest id in a key, in bytes. A digest replaces longer ones, as Redis keeps keys in memory.
const LONGEST: usize = 512;

/// The key of a bucket, `PREFIX:POLICY/LIMIT/{PARTS}`: the parts of its key are the hash tag, so that all limits on one caller
/// are in one slot of a cluster.
pub(crate) fn bucket(prefix: &str, id: &str) -> Vec<u8> {
    match names_and_parts(id) {
        Some((names, parts)) => [prefix, ":", names, "/{", &short(parts), "}"].concat().into_bytes(),
        // Ids of other forms don't come from a policy. A second colon distinguishes them.
        None => [prefix, "::", &short(id)].concat().into_bytes(),
    }
}

/// The key of a family of refresh tokens.
pub(crate) fn family(prefix: &str, id: &str) -> Vec<u8> {
    [prefix, ":family:", &short(id)].concat().into_bytes()
}

/// Splits an id before its first part, which begins with the number of a branch. The names before it are identifiers.
fn names_and_parts(id: &str) -> Option<(&str, &str)> {
    let begins_with_digit = |text: &str| text.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let slash = id.match_indices('/').map(|(at, _)| at).find(|at| id.get(at + 1..).is_some_and(begins_with_digit))?;
    let (names, parts) = (id.get(..slash)?, id.get(slash + 1..)?);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'/';
    (names.len() <= LONGEST && names.bytes().all(is_name)).then_some((names, parts))
}

/// Returns a short text unchanged, and the digest of a long one. A short text never equals a digest: parts begin with a digit, and other
/// texts that begin with `#` are hashed too.
fn short(text: &str) -> String {
    if text.len() <= LONGEST && !text.starts_with('#') {
        return text.to_owned();
    }
    let mut short = String::from("#");
    for byte in digest(&SHA256, text.as_bytes()).as_ref() {
        short.push_str(&format!("{byte:02x}"));
    }
    short
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, expected: &str) {
        assert_eq!(String::from_utf8(bucket("portcullis", id)).unwrap(), expected);
    }

    #[test]
    fn limits_on_one_caller_share_a_slot() {
        check("blog/api/0:2:u1", "portcullis:blog/api/{0:2:u1}");
        check("blog/uploads/concurrency/0:2:u1/0:4:/x/1", "portcullis:blog/uploads/concurrency/{0:2:u1/0:4:/x/1}");
    }

    #[test]
    fn ids_of_other_forms_are_kept_apart() {
        check("blog/everybody", "portcullis::blog/everybody");
        check("a/{1}", "portcullis::a/{1}");
        check("a{/1", "portcullis::a{/1");
        check("", "portcullis::");
    }

    #[test]
    fn digests_replace_long_ids() {
        let (one, other) = ("x".repeat(1 << 20), "x".repeat((1 << 20) - 1) + "y");
        let keys = [bucket("p", &one), bucket("p", &other), bucket("p", &format!("l/m/0:{one}"))];
        assert!(keys.iter().all(|key| key.len() < 100), "{keys:?}");
        assert!(keys[0] != keys[1]);
        let digest = String::from_utf8(keys[0].clone()).unwrap();
        assert_ne!(bucket("p", digest.strip_prefix("p::").unwrap()), keys[0], "no short id is another's digest");
    }
}
