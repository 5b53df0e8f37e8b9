//! Response headers.

use std::collections::HashMap;

use http::{HeaderName, HeaderValue};

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::table::{Id, Table};
use crate::syntax::tree::{self, HeadersEntry, Text};

use super::Checker;
use super::names::unsupported;
use super::typed::HeaderSet;

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

impl Checker<'_> {
    /// The header sets by name, the one that holds where no route names another, and the empty one.
    pub(super) fn headers(&mut self) -> (Table<HeaderSet>, Id<HeaderSet>, Id<HeaderSet>) {
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
        let mut set = HeaderSet::default();
        let mut seen: HashMap<HeaderName, Span> = HashMap::new();
        for entry in &headers.entries {
            match &entry.node {
                HeadersEntry::Set(name, value) => {
                    let (Some(header), Some(value)) = (self.header_name(name), self.header_value(name, value)) else {
                        continue;
                    };
                    if let Some(first) = seen.get(&header) {
                        let error =
                            Diagnostic::error("duplicate_name", name.span, format!("`{}` stands twice", name.node))
                                .also(*first, "first written here")
                                .help("keep one of them");
                        self.report(error);
                        continue;
                    }
                    seen.insert(header.clone(), name.span);
                    if header.as_str() != HSTS {
                        set.over_http.push((header.clone(), value.clone()));
                    }
                    set.over_https.push((header, value));
                }
                HeadersEntry::Preset(_) => self.report(unsupported(entry.span, "`preset`")),
                HeadersEntry::Remove(_) => self.report(unsupported(entry.span, "`remove`")),
            }
        }
        set
    }

    pub(super) fn header_name(&mut self, name: &Text) -> Option<HeaderName> {
        let Ok(header) = HeaderName::from_bytes(name.node.as_bytes()) else {
            self.report(
                Diagnostic::error("invalid_header", name.span, format!("`{}` is no header name", name.node))
                    .help("write letters, digits and `-`, such as `X-Frame-Options`"),
            );
            return None;
        };
        if ENGINE_HEADERS.contains(&header.as_str()) {
            self.report(
                Diagnostic::error(
                    "reserved_header",
                    name.span,
                    format!("`{}` is written by the decision itself", name.node),
                )
                .help("take it out"),
            );
            return None;
        }
        Some(header)
    }

    fn header_value(&mut self, name: &Text, value: &Text) -> Option<HeaderValue> {
        let printable = value.node.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let trimmed = value.node.trim() == value.node;
        self.csp_keywords(name, value);
        match HeaderValue::from_str(&value.node) {
            Ok(header) if printable && trimmed => Some(header),
            _ => {
                let message = format!("the value of `{}` can't stand in a header", name.node);
                self.report(
                    Diagnostic::error("invalid_header", value.span, message)
                        .help("write printable ASCII on one line, without blanks at the ends"),
                );
                None
            }
        }
    }

    /// CSP keywords stand in single quotes (CSP3 §2.3.1); without them they are host names, which protect nothing.
    fn csp_keywords(&mut self, name: &Text, value: &Text) {
        const KEYWORDS: [&str; 9] = [
            "none",
            "self",
            "report-sample",
            "strict-dynamic",
            "unsafe-eval",
            "unsafe-hashes",
            "unsafe-inline",
            "wasm-unsafe-eval",
            "inline-speculation-rules",
        ];
        if !name.node.to_ascii_lowercase().starts_with("content-security-policy") {
            return;
        }
        for directive in value.node.split(';') {
            let unquoted = directive.split_ascii_whitespace().skip(1).find(|source| KEYWORDS.contains(source));
            if let Some(keyword) = unquoted {
                let message = format!("`{keyword}` without quotes is a host name, not the keyword");
                self.report(
                    Diagnostic::error("unquoted_csp_keyword", value.span, message).help(format!("write `'{keyword}'`")),
                );
            }
        }
    }
}
