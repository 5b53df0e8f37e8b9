//! Regexes that look as if they described a whole value, and don't.

use std::collections::HashMap;

use regex_syntax::hir::{Dot, Hir, HirKind, Look};

use crate::check::checker::{Checker, Report};
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::Text;

/// The properties of a pattern.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// True if the pattern matches a whole value only.
    whole: bool,
    /// True if it repeats a class of characters, as `[a-z]+` does.
    repeats: bool,
    /// True if its matches have a greatest length.
    bounded: bool,
}

/// The properties of patterns, each found once.
#[derive(Default)]
pub(crate) struct Regexes<'t> {
    known: HashMap<&'t str, Option<Known>>,
}

impl<'t> Regexes<'t> {
    fn of(&mut self, pattern: &'t Text) -> Option<Known> {
        *self.known.entry(&pattern.node).or_insert_with_key(|pattern| look(pattern))
    }

    /// True if a pattern bounds the length of the value that it matches.
    pub(crate) fn bounds(&mut self, pattern: &'t Text) -> bool {
        self.of(pattern).is_some_and(|known| known.whole && known.bounded)
    }

    /// Warns of a pattern that repeats a class and would pass with anything around it. One that asks whether a value
    /// contains a character, as `[A-Z]` does, is meant so.
    pub(crate) fn loose(&mut self, pattern: &'t Text, checker: &Checker<'_>) {
        if self.of(pattern).is_some_and(|known| !known.whole && known.repeats) {
            let message = "this regex matches a part of a value, not all of it";
            Diagnostic::warning("unanchored_regex", pattern.span, message)
                .label("anything may stand around it")
                .report_with(checker, "anchor it at both ends: `/^…$/`");
        }
    }
}

fn look(pattern: &str) -> Option<Known> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let properties = hir.properties();
    let whole = properties.look_set_prefix().contains(Look::Start) && properties.look_set_suffix().contains(Look::End);
    Some(Known { whole, repeats: repeats(&hir), bounded: properties.maximum_len().is_some() })
}

fn repeats(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.max != Some(1) && is_class(&repetition.sub) || repeats(&repetition.sub)
        }
        HirKind::Capture(capture) => repeats(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(repeats),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// A class that leaves something out: `.` is there to skip over what doesn't matter.
fn is_class(hir: &Hir) -> bool {
    let hir = match hir.kind() {
        HirKind::Capture(capture) => &capture.sub,
        _ => hir,
    };
    let any = [Dot::AnyChar, Dot::AnyCharExceptLF, Dot::AnyCharExceptCRLF];
    matches!(hir.kind(), HirKind::Class(_)) && !any.into_iter().any(|dot| *hir == Hir::dot(dot))
}
