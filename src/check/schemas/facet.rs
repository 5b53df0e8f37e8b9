//! Facets: each fits its type and is written once, and some value satisfies all of them.

use std::collections::HashSet;
use std::fmt::Display;

use crate::check::checker::Report;
use crate::check::schemas::schema::SchemaChecker;
use crate::model::diagnostic::Diagnostic;
use crate::model::keywords::{Keyword as _, Transform};
use crate::syntax::tree::{Facet, FacetKind, Literal, NumberBound, SchemaType};
use crate::typed::schemas::{InputType, ListRules, NumberRules, StringCheck, StringRules, StringTest};

impl SchemaChecker<'_, '_> {
    pub(crate) fn string_rules(&mut self, facets: &[Facet]) -> StringRules {
        let mut rules = StringRules::default();
        let mut seen = HashSet::new();
        for facet in facets {
            let mut tests = Vec::new();
            if !matches!(facet.kind, FacetKind::Matches(_) | FacetKind::OneOf(_)) && !seen.insert(name(&facet.kind)) {
                self.twice(facet);
            }
            match &facet.kind {
                FacetKind::Min(bound) => tests.extend(self.length(bound).map(StringTest::MinLength)),
                FacetKind::Max(bound) => tests.extend(self.length(bound).map(StringTest::MaxLength)),
                FacetKind::Length(least, most) => {
                    tests.extend(self.length(least).map(StringTest::MinLength));
                    tests.extend(self.length(most).map(StringTest::MaxLength));
                }
                FacetKind::Bytes(least, most) => {
                    tests.extend(self.length(least).map(StringTest::MinBytes));
                    tests.extend(self.length(most).map(StringTest::MaxBytes));
                }
                FacetKind::Matches(pattern) => {
                    tests.extend(self.regexes.compile(pattern, self.checker).map(StringTest::Matches))
                }
                FacetKind::OneOf(values) => {
                    tests.push(StringTest::OneOf(values.iter().map(|value| value.node.clone()).collect()));
                }
                FacetKind::Format(format) => tests.push(StringTest::Format(*format)),
                // These never fail, so they have no message.
                FacetKind::Transform(transform) => {
                    rules.transforms.push(*transform);
                    self.no_message(facet);
                }
                FacetKind::Secret => self.no_message(facet),
                FacetKind::Unique | FacetKind::Range(..) | FacetKind::MultipleOf(_) => {
                    self.misplaced(facet, "a `string`");
                }
            }
            let message = facet.message.as_ref().map(|message| message.node.clone());
            rules.checks.extend(tests.into_iter().map(|test| StringCheck { test, message: message.clone() }));
        }
        rules.transforms.sort_unstable();
        self.one_case(facets);
        self.possible_length(facets, &rules);
        rules
    }

    /// Reports `lowercase` beside `uppercase`.
    fn one_case(&mut self, facets: &[Facet]) {
        let cases =
            |facet: &&Facet| matches!(facet.kind, FacetKind::Transform(Transform::Lowercase | Transform::Uppercase));
        let mut found = facets.iter().filter(cases);
        if let (Some(first), Some(second)) = (found.next(), found.next())
            && first.kind != second.kind
        {
            Diagnostic::error("contradictory_facets", second.span, "a string can't be in lower and in upper case")
                .also(first.span, "the other one")
                .report_with(self.checker, "keep one of the two facets");
        }
    }

    fn twice(&mut self, facet: &Facet) {
        let what = if is_bound(facet) { "this bound is set twice" } else { "this facet stands twice" };
        Diagnostic::error("duplicate_facet", facet.span, what).report_with(self.checker, "keep one of the two facets");
    }

    /// Some string must satisfy all bounds.
    fn possible_length(&mut self, facets: &[Facet], rules: &StringRules) {
        let longest_of =
            |get: fn(&StringTest) -> Option<u64>| rules.checks.iter().filter_map(|check| get(&check.test)).max();
        let shortest_of =
            |get: fn(&StringTest) -> Option<u64>| rules.checks.iter().filter_map(|check| get(&check.test)).min();
        let min_length = longest_of(|test| if let StringTest::MinLength(least) = test { Some(*least) } else { None });
        let min_bytes = longest_of(|test| if let StringTest::MinBytes(least) = test { Some(*least) } else { None });
        let max_length = shortest_of(|test| if let StringTest::MaxLength(most) = test { Some(*most) } else { None });
        let max_bytes = shortest_of(|test| if let StringTest::MaxBytes(most) = test { Some(*most) } else { None });
        // A character has at least one byte and at most four (RFC 3629 §3).
        let pairs = [
            (min_length, max_length, "characters"),
            (min_bytes, max_bytes, "bytes"),
            (min_length, max_bytes, "bytes"),
            (min_bytes, max_length.map(|most| most.saturating_mul(4)), "bytes"),
        ];
        for (least, most, unit) in pairs {
            if self.exclude_each_other(least, most, facets, &format!("string of so many {unit}")) {
                break;
            }
        }
    }

    pub(crate) fn number_rules<N: Copy + PartialOrd + Default + Display>(
        &mut self,
        facets: &[Facet],
        name: &str,
        read: fn(&NumberBound) -> Option<N>,
    ) -> NumberRules<N> {
        let mut rules = NumberRules { min: None, max: None, multiple_of: None };
        for facet in facets {
            self.no_message(facet);
            match &facet.kind {
                FacetKind::Min(least) => self.bound(&mut rules.min, facet, least, name, read),
                FacetKind::Max(most) => self.bound(&mut rules.max, facet, most, name, read),
                FacetKind::Range(least, most) => {
                    self.bound(&mut rules.min, facet, least, name, read);
                    self.bound(&mut rules.max, facet, most, name, read);
                }
                FacetKind::MultipleOf(step) => {
                    self.bound(&mut rules.multiple_of, facet, step, name, read);
                    if rules.multiple_of.is_some_and(|step| step <= N::default()) {
                        Diagnostic::error("impossible_bounds", step.span, "a step is greater than 0")
                            .report_with(self.checker, "write the distance of two values, such as `multiple_of 5`");
                    }
                }
                FacetKind::Secret => {}
                _ => self.misplaced(facet, &format!("an `{name}`")),
            }
        }
        self.exclude_each_other(rules.min, rules.max, facets, "number");
        rules
    }

    fn bound<N: Copy>(
        &mut self,
        slot: &mut Option<N>,
        facet: &Facet,
        bound: &NumberBound,
        name: &str,
        read: fn(&NumberBound) -> Option<N>,
    ) {
        let value = read(bound);
        if value.is_none() {
            Diagnostic::error("type_mismatch", bound.span, format!("this bound isn't of type `{name}`"))
                .report_with(self.checker, format!("write a number of type `{name}`"));
        }
        if slot.is_some() {
            self.twice(facet);
        }
        *slot = value;
    }

    /// Reports bounds that exclude each other. Returns true if they do.
    fn exclude_each_other<N: Copy + PartialOrd + Display>(
        &mut self,
        least: Option<N>,
        most: Option<N>,
        facets: &[Facet],
        what: &str,
    ) -> bool {
        let last = facets.iter().rev().find(|facet| is_bound(facet));
        let (Some(least), Some(most), Some(facet)) = (least, most, last) else { return false };
        if least > most {
            let message = format!("there is no {what}: at least {least}, and at most {most}");
            Diagnostic::error("impossible_bounds", facet.span, message)
                .report_with(self.checker, "make the lower bound at most the upper one");
        }
        least > most
    }

    /// Only the checks of strings have messages of the policy's own.
    fn no_message(&mut self, facet: &Facet) {
        if let Some(message) = &facet.message {
            Diagnostic::error("misplaced_message", message.span, "this facet can't have a message of its own")
                .report_with(self.checker, "take the `else` out: the checks of a string can have one");
        }
    }

    /// Some integer must satisfy all facets.
    pub(crate) fn some_multiple(&mut self, rules: &NumberRules<i64>, facets: &[Facet]) {
        let (Some(step @ 1..), Some(least), Some(most)) = (rules.multiple_of, rules.min, rules.max) else { return };
        let next = least.div_euclid(step) + i64::from(least.rem_euclid(step) > 0);
        let none = next.checked_mul(step).is_none_or(|next| next > most);
        if let (true, true, Some(last)) = (least <= most, none, facets.last()) {
            let message = format!("there is no multiple of {step} from {least} to {most}");
            Diagnostic::error("impossible_bounds", last.span, message)
                .report_with(self.checker, "widen the bounds, or take a smaller step");
        }
    }

    /// The rules of a list, its items' type left open, and those of a map, but for `unique`.
    pub(crate) fn list_rules(&mut self, ty: &SchemaType, what: &str) -> ListRules {
        let mut rules = ListRules { item: InputType::Any, min: None, max: None, unique: false };
        for facet in &ty.facets {
            self.no_message(facet);
            match &facet.kind {
                FacetKind::Min(bound) => self.bound(&mut rules.min, facet, bound, "int", length),
                FacetKind::Max(bound) => self.bound(&mut rules.max, facet, bound, "int", length),
                FacetKind::Unique if what == "a list" => rules.unique = true,
                FacetKind::Secret => {}
                _ => self.misplaced(facet, what),
            }
        }
        self.exclude_each_other(
            rules.min,
            rules.max,
            &ty.facets,
            &format!("{} of that size", what.trim_start_matches("a ")),
        );
        rules
    }

    fn length(&mut self, bound: &NumberBound) -> Option<u64> {
        let length = length(bound);
        if length.is_none() {
            Diagnostic::error("type_mismatch", bound.span, "a length is a whole number, 0 or more")
                .report_with(self.checker, "write a whole number, such as `max 200`");
        }
        length
    }

    pub(crate) fn no_facets(&mut self, ty: &SchemaType, what: &str) {
        for facet in &ty.facets {
            if facet.kind == FacetKind::Secret {
                self.no_message(facet);
            } else {
                self.misplaced(facet, what);
            }
        }
    }

    fn misplaced(&mut self, facet: &Facet, what: &str) {
        let name = match facet.kind {
            FacetKind::Range(..) => "A..B",
            _ => name(&facet.kind),
        };
        let message = format!("{what} can't have the facet `{name}`");
        let help = match (what, &facet.kind) {
            ("a `timestamp`", FacetKind::Min(_) | FacetKind::Max(_) | FacetKind::Range(..)) => {
                "take it out; a bound of a time is a rule of the schema: `check FIELD > now`"
            }
            ("a `duration`", FacetKind::Min(_) | FacetKind::Max(_) | FacetKind::Range(..)) => {
                "take it out; a bound of a duration is a rule of the schema: `check FIELD <= 1h`"
            }
            _ => "take it out, or change the type",
        };
        Diagnostic::error("misplaced_facet", facet.span, message).report_with(self.checker, help);
    }
}

fn is_bound(facet: &Facet) -> bool {
    match facet.kind {
        FacetKind::Min(_)
        | FacetKind::Max(_)
        | FacetKind::Range(..)
        | FacetKind::Length(..)
        | FacetKind::Bytes(..)
        | FacetKind::MultipleOf(_) => true,
        FacetKind::Matches(_)
        | FacetKind::OneOf(_)
        | FacetKind::Format(_)
        | FacetKind::Transform(_)
        | FacetKind::Unique
        | FacetKind::Secret => false,
    }
}

/// The name of a facet, of which a type has one.
fn name(kind: &FacetKind) -> &'static str {
    match kind {
        FacetKind::Min(_) => "min",
        FacetKind::Max(_) => "max",
        FacetKind::Range(..) => "..",
        FacetKind::Length(..) => "length",
        FacetKind::Bytes(..) => "bytes",
        FacetKind::MultipleOf(_) => "multiple_of",
        FacetKind::Matches(_) => "matches",
        FacetKind::OneOf(_) => "one_of",
        FacetKind::Format(format) => format.word(),
        FacetKind::Transform(transform) => transform.word(),
        FacetKind::Unique => "unique",
        FacetKind::Secret => "secret",
    }
}

fn length(bound: &NumberBound) -> Option<u64> {
    match &bound.node {
        Literal::Int(length) => u64::try_from(*length).ok(),
        Literal::Size(bytes) => Some(*bytes),
        _ => None,
    }
}

pub(crate) fn int_bound(bound: &NumberBound) -> Option<i64> {
    match bound.node {
        Literal::Int(value) => Some(value),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bound beyond 2^53 is rounded as any float is")]
pub(crate) fn float_bound(bound: &NumberBound) -> Option<f64> {
    match bound.node {
        Literal::Int(value) => Some(value as f64),
        Literal::Float(value) => Some(value),
        _ => None,
    }
}
