//! The cookies of a request.

use std::borrow::Cow;

use cookie::Cookie;
use http::{HeaderMap, header};

/// Why a cookie has no one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// Two of one name are somebody else's doing: a sibling domain can set cookies.
    Twice,
    /// A name without a value, or with blanks around it, is read differently by different readers.
    Malformed,
}

/// A cookie's value, where one came that isn't empty.
pub(crate) fn find<'h>(name: &str, headers: &'h HeaderMap) -> Result<Option<Cow<'h, str>>, Unclear> {
    let mut found = None;
    for line in headers.get_all(header::COOKIE) {
        // Other cookies may hold what they like.
        let earlier = found.is_some();
        let here = match String::from_utf8_lossy(line.as_bytes()) {
            Cow::Borrowed(line) => in_line(name, line, earlier)?.map(Cow::Borrowed),
            Cow::Owned(line) => in_line(name, &line, earlier)?.map(|value| Cow::Owned(value.to_owned())),
        };
        found = here.or(found);
    }
    Ok(found.filter(|value| !value.is_empty()))
}

fn in_line<'l>(name: &str, line: &'l str, earlier: bool) -> Result<Option<&'l str>, Unclear> {
    let mut found = None;
    for pair in line.split(';').filter(|pair| name_of(pair) == name) {
        if earlier || found.is_some() {
            return Err(Unclear::Twice);
        }
        let exact = pair.trim_start_matches(' ');
        let named = exact.split_once('=').is_some_and(|(written, _)| written == name);
        let cookie = Cookie::parse(exact).ok().filter(|_| named).ok_or(Unclear::Malformed)?;
        found = Some(cookie.value_raw().ok_or(Unclear::Malformed)?);
    }
    Ok(found)
}

/// Whether a cookie of one of these names, which are sorted, came, whatever it holds.
pub(crate) fn any_of(names: &[String], headers: &HeaderMap) -> bool {
    headers.get_all(header::COOKIE).iter().any(|line| {
        let line = String::from_utf8_lossy(line.as_bytes());
        line.split(';').any(|pair| names.binary_search_by(|name| name.as_str().cmp(name_of(pair))).is_ok())
    })
}

/// The name of a pair, or what may be taken for it.
fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name).trim()
}
