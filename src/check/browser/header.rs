//! The blocks of response headers: a preset, headers by name, and headers that a handler's answer mustn't have.

use std::collections::HashMap;

use http::{HeaderName, HeaderValue};

use crate::check::Checker;
use crate::check::browser::header_value::{check, unquoted_keywords};
use crate::check::browser::preset::{PRESETS, Preset};
use crate::check::entries::Entries;
use crate::check::names::{list, suggest};
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
/// What all headers begin with that CORS speaks in.
const CORS_HEADERS: &str = "access-control-";

/// What a block says, while it is read.
#[derive(Default)]
struct Draft {
    set: HashMap<HeaderName, Span>,
    removed: HashMap<HeaderName, Span>,
    by_hand: Vec<(HeaderName, HeaderValue)>,
}

impl Checker<'_> {
    /// The header sets by name, the one that holds where no route names another, and the empty one.
    pub(crate) fn headers(&mut self) -> (Table<HeaderSet>, Id<HeaderSet>, Id<HeaderSet>) {
        let mut sets = Table::new();
        let named: Vec<_> = self.names.headers.iter().map(|(_, headers)| *headers).collect();
        for headers in named {
            let set = self.header_set(headers);
            sets.push(set);
        }
        let default = match self.names.default_headers {
            Some((_, headers)) => self.header_set(headers),
            None => HeaderSet::default(),
        };
        let default = sets.push(default);
        let none = sets.push(HeaderSet::default());
        (sets, default, none)
    }

    fn header_set(&mut self, headers: &tree::Headers) -> HeaderSet {
        let (mut draft, mut preset, mut entries) = (Draft::default(), None, Entries::default());
        let mut removals = Vec::new();
        for entry in &headers.entries {
            match &entry.node {
                HeadersEntry::Set(name, value) => self.set_header(name, value, &mut draft),
                HeadersEntry::Preset(name) => {
                    if entries.first("preset", entry.span, &mut self.diagnostics) {
                        preset = self.preset(name);
                    }
                }
                HeadersEntry::Remove(names) => {
                    if entries.first("remove", entry.span, &mut self.diagnostics) {
                        removals.extend(names);
                    }
                }
            }
        }
        for name in removals {
            self.remove_header(name, &mut draft);
        }
        header_set(preset, draft)
    }

    fn set_header(&mut self, name: &Text, value: &Text, draft: &mut Draft) {
        let (Some(header), Some(value)) = (self.header_name(name), self.header_value(name, value)) else { return };
        match draft.set.get(&header) {
            Some(first) => {
                let error = Diagnostic::error("duplicate_name", name.span, format!("`{}` stands twice", name.node))
                    .also(*first, "first written here")
                    .help("keep one of them");
                self.report(error);
            }
            None => {
                draft.set.insert(header.clone(), name.span);
                draft.by_hand.push((header, value));
            }
        }
    }

    fn remove_header(&mut self, name: &Text, draft: &mut Draft) {
        let Some(header) = self.header_name(name) else { return };
        if let Some(set) = draft.set.get(&header) {
            let message = format!("`{}` is both set and removed", name.node);
            let error = Diagnostic::error("set_and_removed", name.span, message).also(*set, "set here");
            self.report(error.help("a header that is set replaces the handler's: take it out of `remove`"));
        } else if draft.removed.insert(header, name.span).is_some() {
            self.named_twice(name);
        }
    }

    fn preset(&mut self, name: &Text) -> Option<&'static Preset> {
        let found = PRESETS.iter().find(|preset| preset.name == name.node);
        if found.is_none() {
            let known = || PRESETS.iter().map(|preset| preset.name);
            let error = Diagnostic::error("unknown_preset", name.span, format!("there is no preset `{}`", name.node));
            self.report(match (suggest(&name.node, known()), list(known())) {
                (Some(meant), _) => error.help(format!("did you mean `{meant}`?")),
                (None, Some(all)) => error.help(format!("there are {all}")),
                (None, None) => error,
            });
        }
        found
    }

    pub(crate) fn header_name(&mut self, name: &Text) -> Option<HeaderName> {
        let Ok(header) = HeaderName::from_bytes(name.node.as_bytes()) else {
            self.report(
                Diagnostic::error("invalid_header", name.span, format!("`{}` is no header name", name.node))
                    .help("write letters, digits and `-`, such as `X-Frame-Options`"),
            );
            return None;
        };
        let by_cors = header.as_str().starts_with(CORS_HEADERS);
        if by_cors || ENGINE_HEADERS.contains(&header.as_str()) {
            let message = format!("`{}` is written by the decision itself", name.node);
            let help = if by_cors { "declare `cors { origins … }` instead" } else { "take it out" };
            self.report(Diagnostic::error("reserved_header", name.span, message).help(help));
            return None;
        }
        Some(header)
    }

    fn header_value(&mut self, name: &Text, value: &Text) -> Option<HeaderValue> {
        let printable = value.node.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let trimmed = value.node.trim() == value.node;
        let Some(header) = HeaderValue::from_str(&value.node).ok().filter(|_| printable && trimmed) else {
            let message = format!("the value of `{}` can't stand in a header", name.node);
            self.report(
                Diagnostic::error("invalid_header", value.span, message)
                    .help("write printable ASCII on one line, without blanks at the ends"),
            );
            return None;
        };
        let lower = name.node.to_ascii_lowercase();
        if let Err(fault) = check(&lower, &value.node) {
            let span = self.within(value, fault.part);
            self.report(Diagnostic::error("invalid_header_value", span, fault.message).help(fault.help));
            return None;
        }
        if lower.starts_with("content-security-policy") {
            for keyword in unquoted_keywords(&value.node) {
                let message = format!("`{keyword}` without quotes is a host name, not the keyword");
                self.report(
                    Diagnostic::error("unquoted_csp_keyword", value.span, message).help(format!("write `'{keyword}'`")),
                );
            }
        }
        Some(header)
    }

    /// Where a part of a string stands; the whole string, where escapes shift its places.
    pub(crate) fn within(&self, string: &Text, part: &str) -> Span {
        let quoted = self.written(string.span);
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
}

/// The preset's headers, each replaced by the block's own of that name or left out where it is removed; then the rest
/// of the block's own.
fn header_set(preset: Option<&Preset>, mut draft: Draft) -> HeaderSet {
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
