//! The blocks of response headers: a preset, headers by name, and headers that a handler's answer mustn't have.

use std::collections::HashMap;

use http::{HeaderName, HeaderValue};

use crate::check::browser::header_value::{check, unquoted_keywords};
use crate::check::browser::preset::{PRESETS, Preset};
use crate::check::checker::{Checker, Report};
use crate::check::settings::{SeenEntries, named_twice, stands_twice};
use crate::check::suggest::Suggest;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{HeadersEntry, Text};
use crate::typed::HeaderSet;

const HSTS: &str = "strict-transport-security";
/// Headers that frame a message or that the decision itself writes.
const ENGINE_HEADERS: [&str; 9] = [
    "allow",
    "connection",
    "content-length",
    "content-type",
    "date",
    "retry-after",
    "set-cookie",
    "transfer-encoding",
    "www-authenticate",
];
/// The prefix of all headers of CORS.
const CORS_HEADERS: &str = "access-control-";

/// A block of headers while it is read.
#[derive(Default)]
struct HeadersDraft {
    set: HashMap<HeaderName, Span>,
    removed: HashMap<HeaderName, Span>,
    by_hand: Vec<(HeaderName, HeaderValue)>,
}

/// The `headers` blocks of a policy.
pub(crate) struct HeaderSets {
    /// The blocks with names, in the order written, then the default and the empty set.
    pub(crate) sets: Table<HeaderSet>,
    /// Applies where no route names another.
    pub(crate) default: Id<HeaderSet>,
    /// The set of `no headers`.
    pub(crate) none: Id<HeaderSet>,
}

pub(crate) fn headers(checker: &Checker<'_>) -> HeaderSets {
    let named = checker.names.headers.values();
    let mut sets: Table<HeaderSet> = named.map(|headers| header_set(checker, headers)).collect();
    let default = checker.names.default_headers.map(|(_, headers)| header_set(checker, headers));
    let default = sets.push(default.unwrap_or_default());
    let none = sets.push(HeaderSet::default());
    HeaderSets { sets, default, none }
}

fn header_set(checker: &Checker<'_>, headers: &tree::Headers) -> HeaderSet {
    let (mut draft, mut chosen, mut entries) = (HeadersDraft::default(), None, SeenEntries::default());
    let mut removals = Vec::new();
    for entry in &headers.entries {
        match &entry.node {
            HeadersEntry::Set(name, value) => set_header(checker, name, value, &mut draft),
            HeadersEntry::Preset(name) => {
                if entries.first(entry.span, checker) {
                    chosen = preset(checker, name);
                }
            }
            HeadersEntry::Remove(names) => {
                if entries.first(entry.span, checker) {
                    removals.extend(names);
                }
            }
        }
    }
    for name in removals {
        remove_header(checker, name, &mut draft);
    }
    finished(chosen, draft)
}

fn set_header(checker: &Checker<'_>, name: &Text, value: &Text, draft: &mut HeadersDraft) {
    let (Some(header), Some(value)) = (header_name(checker, name), header_value(checker, name, value)) else { return };
    match draft.set.get(&header) {
        Some(first) => {
            stands_twice(&format!("`{}`", name.node), *first, name.span).report(checker);
        }
        None => {
            draft.set.insert(header.clone(), name.span);
            draft.by_hand.push((header, value));
        }
    }
}

fn remove_header(checker: &Checker<'_>, name: &Text, draft: &mut HeadersDraft) {
    let Some(header) = header_name(checker, name) else { return };
    if let Some(set) = draft.set.get(&header) {
        let message = format!("`{}` is both set and removed", name.node);
        let error = Diagnostic::error("set_and_removed", name.span, message).also(*set, "set here");
        error.report_with(checker, "a header that is set replaces the handler's: take it out of `remove`");
    } else if draft.removed.insert(header, name.span).is_some() {
        named_twice(&name.node, name.span).report(checker);
    }
}

fn preset(checker: &Checker<'_>, name: &Text) -> Option<&'static Preset> {
    let found = PRESETS.iter().find(|preset| preset.name == name.node);
    if found.is_none() {
        Diagnostic::error("unknown_preset", name.span, format!("there is no preset `{}`", name.node))
            .one_of(&name.node, PRESETS.iter().map(|preset| preset.name))
            .report(checker);
    }
    found
}

pub(crate) fn header_name(checker: &Checker<'_>, name: &Text) -> Option<HeaderName> {
    let Ok(header) = HeaderName::from_bytes(name.node.as_bytes()) else {
        Diagnostic::error("invalid_header", name.span, format!("`{}` is no header name", name.node))
            .report_with(checker, "write letters, digits and `-`, such as `X-Frame-Options`");
        return None;
    };
    let by_cors = header.as_str().starts_with(CORS_HEADERS);
    if by_cors || ENGINE_HEADERS.contains(&header.as_str()) {
        let message = format!("`{}` is written by the decision itself", name.node);
        let help = if by_cors { "declare `cors { origins … }` instead" } else { "take it out" };
        Diagnostic::error("reserved_header", name.span, message).report_with(checker, help);
        return None;
    }
    Some(header)
}

fn header_value(checker: &Checker<'_>, name: &Text, value: &Text) -> Option<HeaderValue> {
    let printable = value.node.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let trimmed = value.node.trim() == value.node;
    let Some(header) = HeaderValue::from_str(&value.node).ok().filter(|_| printable && trimmed) else {
        let message = format!("the value of `{}` can't stand in a header", name.node);
        Diagnostic::error("invalid_header", value.span, message)
            .report_with(checker, "write printable ASCII on one line, without blanks at the ends");
        return None;
    };
    let lower = name.node.to_ascii_lowercase();
    if let Err(fault) = check(&lower, &value.node) {
        let span = within(checker, value, fault.part);
        Diagnostic::error("invalid_header_value", span, fault.message).report_with(checker, fault.help);
        return None;
    }
    if lower.starts_with("content-security-policy") {
        for keyword in unquoted_keywords(&value.node) {
            let message = format!("`{keyword}` without quotes is a host name, not the keyword");
            Diagnostic::error("unquoted_csp_keyword", value.span, message)
                .report_with(checker, format!("write `'{keyword}'`"));
        }
    }
    Some(header)
}

/// The place of a part of a string; the whole string, where escapes shift its places.
pub(crate) fn within(checker: &Checker<'_>, string: &Text, part: &str) -> Span {
    let quoted = checker.written(string.span);
    let place = (quoted.len() == string.node.len() + 2 && !part.is_empty())
        .then(|| (part.as_ptr() as usize).checked_sub(string.node.as_ptr() as usize))
        .flatten();
    match place.and_then(|place| u32::try_from(place + 1).ok()).zip(u32::try_from(part.len()).ok()) {
        Some((place, length)) => {
            let start = string.span.start + place;
            Span { start, end: start + length, ..string.span }
        }
        None => string.span,
    }
}

/// The preset's headers, each replaced by the block's own of that name or left out where it is removed; then the rest
/// of the block's own.
fn finished(preset: Option<&Preset>, mut draft: HeadersDraft) -> HeaderSet {
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    let mut set = HeaderSet::default();
    if let Some(preset) = preset {
        for (name, value) in preset.headers {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
            let own = draft.by_hand.iter().position(|(own, _)| *own == name).map(|at| draft.by_hand.remove(at));
            match own {
                Some(own) => headers.push(own),
                None if draft.removed.contains_key(&name) => {}
                None => headers.push((name, HeaderValue::from_static(value))),
            }
        }
        let removed = preset.removed.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        set.removed.extend(removed.filter(|name| !draft.set.contains_key(name)));
    }
    headers.append(&mut draft.by_hand);
    set.removed.extend(draft.removed.into_keys());
    set.removed.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    set.removed.dedup();
    set.over_http = headers.iter().filter(|(name, _)| name.as_str() != HSTS).cloned().collect();
    set.over_https = headers;
    set
}
