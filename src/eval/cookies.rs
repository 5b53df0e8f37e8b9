//! The cookies of a request.

use std::borrow::Cow;

use cookie::Cookie;
use http::{HeaderMap, header};

/// The reason why a cookie has no single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// Two cookies have the name. A sibling domain can set cookies, so one of them may be an attacker's.
    Twice,
    /// The cookie has no value, or blanks around its name. Readers disagree about such cookies.
    Malformed,
}

/// Finds a cookie's value. An empty value counts as none.
pub(crate) fn find<'h>(name: &str, headers: &'h HeaderMap) -> Result<Option<Cow<'h, str>>, Unclear> {
    let mut found = None;
    for line in headers.get_all(header::COOKIE) {
        // Other cookies on the line needn't be UTF-8.
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

/// True if the request has a cookie with one of these names, which are sorted.
pub(crate) fn any_of(names: &[String], headers: &HeaderMap) -> bool {
    headers.get_all(header::COOKIE).iter().any(|line| {
        let line = String::from_utf8_lossy(line.as_bytes());
        line.split(';').any(|pair| names.binary_search_by(|name| name.as_str().cmp(name_of(pair))).is_ok())
    })
}

/// The name of a pair, without the blanks that some readers ignore.
fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name).trim()
}
