//! Common mistakes in paths and headers, which lie before or after the place where the grammar stopped.

use percent_encoding::{CONTROLS, percent_encode};

use crate::model::diagnostic::Diagnostic;
use crate::syntax::errors::diagnose::{closest, span};
use crate::syntax::parse::{Rule, Stop};

/// The longest text, in bytes, that help repeats.
const SHOWN: usize = 80;

/// Returns the error for a known mistake around a stop in `text`, which begins at `base` in its file.
pub(crate) fn misplaced(file: u32, text: &str, base: usize, stop: &Stop) -> Option<Diagnostic> {
    let (before, rest) = text.split_at_checked(stop.offset)?;
    let mistake = if stop.expected.contains(&Rule::headers_entry) {
        header(before, rest)?
    } else if stop.expected.iter().any(|rule| matches!(rule, Rule::path | Rule::slash)) && !rest.starts_with('/') {
        comment(before).or_else(|| segment(before, rest))?
    } else {
        let after_path = |rule: &Rule| {
            matches!(
                rule,
                Rule::clause | Rule::route | Rule::literal_segment | Rule::when | Rule::k_when | Rule::brace_open
            )
        };
        stop.expected.iter().any(after_path).then(|| segment(before, rest))??
    };
    let place = span(file, base + mistake.start, mistake.length);
    Some(Diagnostic::error("syntax", place, mistake.message).help(mistake.help))
}

struct Mistake {
    start: usize,
    length: usize,
    message: String,
    help: String,
}

/// Finds `X-Frame-Options DENY`, `X-Frame-Options: "DENY"`, and a header without a value.
fn header(before: &str, rest: &str) -> Option<Mistake> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_')).unwrap_or(rest.len());
    let (name, behind) = rest.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
    let line = behind.split(['\n', '}']).next().unwrap_or_default();
    let value = line.trim();
    let start = before.len() + name.len() + (line.len() - line.trim_start().len());
    if value.starts_with([':', '=']) {
        return Some(Mistake {
            start,
            length: 1,
            message: "between a header's name and its value stands nothing but a space".to_owned(),
            help: format!("write `{name} \"…\"`"),
        });
    }
    if closest(name, ["preset", "remove"].into_iter()).is_some() || value.contains(['"', '\'', '\\']) {
        return None;
    }
    // A comment may follow the value or replace it.
    let value = value.split("//").next().unwrap_or_default().trim_end();
    Some(match value {
        "" => Mistake {
            start: before.len(),
            length: name.len(),
            message: format!("the header `{name}` has no value"),
            help: format!("write `{name} \"…\"`, or `remove {name}`"),
        },
        value => Mistake {
            start,
            length: value.len(),
            message: "the value of a header stands in double quotes".to_owned(),
            help: {
                let value = if value.len() > SHOWN { "…" } else { value };
                format!("put the value in double quotes: `{name} \"{value}\"`")
            },
        },
    })
}

/// Finds `GET //x`, where `//x` is a comment and the grammar stops after it.
fn comment(before: &str) -> Option<Mistake> {
    let mut lines = before.trim_end();
    loop {
        let start = lines.rfind('\n').map_or(0, |end| end + 1);
        let (above, line) = lines.split_at_checked(start)?;
        if line.trim_start().starts_with("//") {
            lines = above.trim_end();
            continue;
        }
        let (head, comment) = line.split_at_checked(line.find("//")?)?;
        let method = head.split_whitespace().next_back()?;
        let path = comment.split([' ', '\t', '\r']).next()?;
        let is_method = method.bytes().all(|byte| byte.is_ascii_uppercase());
        return is_method.then(|| Mistake {
            start: start + head.len(),
            length: path.len(),
            message: "`//` begins a comment, so this is no path".to_owned(),
            help: format!("a path begins with a single slash: `/{}`", path.trim_start_matches('/')),
        });
    }
}

/// Finds `/x/a{id}`, `/x/{id}a`, `/é` and `/x?page=1`: text in a segment that no segment can have.
fn segment(before: &str, rest: &str) -> Option<Mistake> {
    // The `{` of `routes /a{id} {` has been taken for that of the block.
    let taken = before.ends_with('{') && rest.split(['}', ':']).next().is_some_and(is_word);
    let path = if taken { before.strip_suffix('{')? } else { before };
    let at = path.rfind('/')?;
    let (_, segment) = path.split_at_checked(at + 1)?;
    let parameter = segment.starts_with('{') && segment.ends_with('}');
    let in_path = segment.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '(' | ')' | ','));
    if in_path && !parameter || !path.get(..at)?.ends_with([' ', '\t', '\n', '}']) && !begins_path(path.get(..at)?) {
        return None;
    }
    let first = rest.chars().next()?;
    let tail = rest.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
    let whole = |message: &str, help: String, tail: &str| Mistake {
        start: at + 1,
        length: before.len() + tail.len() - (at + 1),
        message: message.to_owned(),
        help,
    };
    if taken && !segment.is_empty() || first == '{' && !segment.is_empty() || parameter && is_part(first) {
        let line = rest.split('\n').next().unwrap_or_default();
        let tail = match line.find('}') {
            Some(end) if taken || first == '{' => line.get(..=end)?,
            _ => tail,
        };
        let help = "take the whole segment, as in `/posts/{id}`, or put a slash between, as in `/a/{id}`";
        return Some(whole("a parameter fills a whole segment of a path", help.to_owned(), tail));
    }
    if !first.is_ascii() && !first.is_control() && !parameter {
        let example = if segment.len() + tail.len() > SHOWN { "é".to_owned() } else { format!("{segment}{tail}") };
        let escaped = percent_encode(example.as_bytes(), CONTROLS);
        let help = format!("percent-escape the others, as clients do: `/{escaped}` for `/{example}`");
        return Some(whole("a path holds ASCII characters alone", help, tail));
    }
    (first == '?').then(|| Mistake {
        start: before.len(),
        length: tail.len(),
        message: "a query is no part of a path".to_owned(),
        help: "end the path before the `?`".to_owned(),
    })
}

/// True if `text` ends with the first segments of a path, as in `GET /x/{id: int}`.
fn begins_path(text: &str) -> bool {
    let path = text.rsplit([' ', '\t', '\n']).next().unwrap_or_default();
    path.starts_with('/')
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~%!$&'*+=:@{".contains(c)
}
