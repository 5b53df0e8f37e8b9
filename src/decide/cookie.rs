//! Cookies as they come in and go out.

use cookie::Cookie as Builder;
use http::{HeaderMap, header};

/// Why a cookie has no one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unclear {
    /// Two of one name are somebody else's doing: a sibling domain can set cookies.
    Twice,
    /// A name without a value, or with blanks around it, is read differently by different readers.
    Malformed,
}

/// A cookie's value, where one came that isn't empty.
pub(super) fn find(name: &str, headers: &HeaderMap) -> Result<Option<String>, Unclear> {
    let mut found = None;
    for line in headers.get_all(header::COOKIE) {
        // Other cookies may hold what they like.
        let line = String::from_utf8_lossy(line.as_bytes());
        for pair in pairs_of(name, &line) {
            if found.is_some() {
                return Err(Unclear::Twice);
            }
            let exact = pair.trim_start_matches(' ');
            let named = exact.split_once('=').is_some_and(|(written, _)| written == name);
            let cookie = Builder::parse(exact).ok().filter(|_| named).ok_or(Unclear::Malformed)?;
            found = Some(cookie.value().to_owned());
        }
    }
    Ok(found.filter(|value| !value.is_empty()))
}

/// The pairs of a line whose name is this one, or may be taken for it.
fn pairs_of<'l>(name: &'l str, line: &'l str) -> impl Iterator<Item = &'l str> {
    line.split(';').filter(move |pair| pair.split_once('=').map_or(*pair, |(written, _)| written).trim() == name)
}
