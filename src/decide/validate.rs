//! A body against its shape: transforms, then checks, and every problem at once, up to a cap. Values are never
//! echoed.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value as Json};

use crate::check::shape::{
    Field, InputType, ListRules, NumberRules, Shape, StringRules, StringTest, Transform, UnknownFields,
};
use crate::check::typed::TypedPolicy;
use crate::graph::is_uuid;
use crate::model::decision::Violation;

/// The most violations that are told: what is told costs memory, and the body's sender sets the number.
const MOST_VIOLATIONS: usize = 32;
/// A field's name comes from the sender; in a violation, so much of it.
const LONGEST_NAME: usize = 64;
/// RFC 5321 §4.5.3.1.3, as corrected by erratum 1690 to RFC 3696.
const LONGEST_EMAIL: usize = 254;

/// A body that conforms.
#[derive(Debug)]
pub(super) struct Validated {
    pub(super) body: Json,
    /// JSON pointers to secret fields.
    pub(super) secrets: Vec<String>,
}

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Violations {
    pub(super) list: Vec<Violation>,
    pub(super) truncated: bool,
}

impl Violations {
    pub(super) fn one(pointer: &str, code: &'static str, message: &str) -> Self {
        let mut violations = Self::default();
        violations.push(pointer.to_owned(), code, message.to_owned());
        violations
    }

    pub(super) fn unknown_field(name: &str) -> Self {
        Self::one(&child("", name), "unknown_field", UNKNOWN_FIELD)
    }

    fn push(&mut self, pointer: String, code: &'static str, message: String) {
        if self.list.len() < MOST_VIOLATIONS {
            self.list.push(Violation { pointer, code, message });
        } else {
            self.truncated = true;
        }
    }

    /// The pointers of the first few, for logs.
    pub(super) fn places(&self) -> String {
        const SHOWN: usize = 5;
        let shown: Vec<String> =
            self.list.iter().take(SHOWN).map(|violation| format!("`{}`", violation.pointer)).collect();
        let more = if self.list.len() > SHOWN { " and elsewhere" } else { "" };
        format!("{}{more}", shown.join(", "))
    }
}

const UNKNOWN_FIELD: &str = "isn't a known field";

/// Validates and normalises a body.
pub(super) fn validate(policy: &TypedPolicy, shape: &Shape, body: Json) -> Result<Validated, Violations> {
    let mut walk = Walk { policy, violations: Violations::default(), secrets: Vec::new() };
    let body = walk.object(shape, body, "");
    if walk.violations.list.is_empty() { Ok(Validated { body, secrets: walk.secrets }) } else { Err(walk.violations) }
}

/// The pointer to a member (RFC 6901 §3).
fn child(pointer: &str, name: &str) -> String {
    let mut shown: String = name.chars().take(LONGEST_NAME).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    format!("{pointer}/{}", shown.replace('~', "~0").replace('/', "~1"))
}

/// A walk over a body. It is as deep as the JSON, whose depth the parser bounds.
struct Walk<'p> {
    policy: &'p TypedPolicy,
    violations: Violations,
    secrets: Vec<String>,
}

impl Walk<'_> {
    fn wrong(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.violations.push(pointer.to_owned(), code, message.into());
    }

    fn object(&mut self, shape: &Shape, value: Json, pointer: &str) -> Json {
        let Json::Object(mut given) = value else {
            self.wrong(pointer, "type", "must be an object");
            return Json::Null;
        };
        let mut taken = Map::new();
        for field in &shape.fields {
            // Once no more can be told, nothing more is looked for.
            if self.violations.truncated {
                return Json::Null;
            }
            let at = child(pointer, &field.name);
            if let Some(value) = self.field(field, given.remove(&field.name), at) {
                taken.insert(field.name.clone(), value);
            }
        }
        match shape.unknown_fields {
            UnknownFields::Strip => {}
            UnknownFields::Keep => taken.extend(given),
            UnknownFields::Refuse => {
                for name in given.keys() {
                    if self.violations.truncated {
                        break;
                    }
                    self.wrong(&child(pointer, name), "unknown_field", UNKNOWN_FIELD);
                }
            }
        }
        Json::Object(taken)
    }

    fn field(&mut self, field: &Field, given: Option<Json>, pointer: String) -> Option<Json> {
        match (given, &field.default) {
            (Some(value), _) => {
                let value = self.value(&field.ty, value, &pointer);
                if field.secret {
                    self.secrets.push(pointer);
                }
                Some(value)
            }
            (None, Some(default)) => Some(default.clone()),
            (None, None) if field.optional => None,
            (None, None) => {
                self.wrong(&pointer, "required", "is required");
                None
            }
        }
    }

    fn value(&mut self, ty: &InputType, value: Json, pointer: &str) -> Json {
        match ty {
            InputType::String(rules) => self.string(rules, value, pointer),
            InputType::Int(rules) => self.int(rules, &value, pointer),
            InputType::Float(rules) => self.float(rules, value, pointer),
            InputType::Bool if value.is_boolean() => value,
            InputType::Bool => {
                self.wrong(pointer, "type", "must be true or false");
                Json::Null
            }
            InputType::Any => value,
            InputType::Enum(known) if value.as_str().is_some_and(|value| known.iter().any(|known| known == value)) => {
                value
            }
            InputType::Enum(known) => {
                self.wrong(pointer, "one_of", format!("must be one of {}", known.join(", ")));
                Json::Null
            }
            InputType::List(rules) => self.list(rules, value, pointer),
            InputType::Record(shape) => self.object(shape, value, pointer),
            InputType::Shape(shape) => {
                let policy = self.policy;
                self.object(&policy.shapes[*shape], value, pointer)
            }
            InputType::Nullable(_) if value.is_null() => value,
            InputType::Nullable(ty) => self.value(ty, value, pointer),
        }
    }

    fn string(&mut self, rules: &StringRules, value: Json, pointer: &str) -> Json {
        let Json::String(mut text) = value else {
            self.wrong(pointer, "type", "must be a string");
            return Json::Null;
        };
        for transform in &rules.transforms {
            text = match transform {
                Transform::Trim => text.trim().to_owned(),
                Transform::Lowercase => text.to_lowercase(),
                Transform::Uppercase => text.to_uppercase(),
            };
        }
        for check in &rules.checks {
            if let Some((code, message)) = failure(&check.test, &text) {
                self.wrong(pointer, code, check.message.clone().unwrap_or(message));
            }
        }
        Json::String(text)
    }

    /// `1.0` is an integer, and so is any other number without a fraction that an `int` can hold.
    fn int(&mut self, rules: &NumberRules<i64>, value: &Json, pointer: &str) -> Json {
        let Some(number) = value.as_i64().or_else(|| value.as_f64().filter(|_| value.is_f64()).and_then(whole)) else {
            let message = if value.is_u64() { "is too large" } else { "must be an integer" };
            self.wrong(pointer, "type", message);
            return Json::Null;
        };
        if rules.multiple_of.is_some_and(|step| number.checked_rem(step).is_none_or(|rest| rest != 0)) {
            self.wrong(pointer, "multiple_of", "isn't a multiple of the declared step");
        }
        self.bounds(rules, number, pointer);
        Json::from(number)
    }

    fn float(&mut self, rules: &NumberRules<f64>, value: Json, pointer: &str) -> Json {
        let Some(number) = value.as_f64() else {
            self.wrong(pointer, "type", "must be a number");
            return Json::Null;
        };
        if rules.multiple_of.is_some_and(|step| number % step != 0.0) {
            self.wrong(pointer, "multiple_of", "isn't a multiple of the declared step");
        }
        self.bounds(rules, number, pointer);
        value
    }

    fn bounds<N: Copy + PartialOrd + std::fmt::Display>(&mut self, rules: &NumberRules<N>, number: N, pointer: &str) {
        if let Some(least) = rules.min.filter(|least| number < *least) {
            self.wrong(pointer, "too_small", format!("must be at least {least}"));
        }
        if let Some(most) = rules.max.filter(|most| number > *most) {
            self.wrong(pointer, "too_large", format!("must be at most {most}"));
        }
    }

    fn list(&mut self, rules: &ListRules, value: Json, pointer: &str) -> Json {
        let Json::Array(items) = value else {
            self.wrong(pointer, "type", "must be a list");
            return Json::Null;
        };
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        if let Some(least) = rules.min.filter(|least| count < *least) {
            self.wrong(pointer, "too_few", format!("must have at least {least} elements"));
        }
        if let Some(most) = rules.max.filter(|most| count > *most) {
            self.wrong(pointer, "too_many", format!("must have at most {most} elements"));
            return Json::Null;
        }
        let mut taken = Vec::with_capacity(items.len());
        let mut seen = HashSet::new();
        for (at, item) in items.into_iter().enumerate() {
            if self.violations.truncated {
                break;
            }
            let pointer = format!("{pointer}/{at}");
            let item = self.value(&rules.item, item, &pointer);
            if rules.unique && !seen.insert(item.to_string()) {
                self.wrong(&pointer, "duplicate", "stands in the list twice");
            }
            taken.push(item);
        }
        Json::Array(taken)
    }
}

/// The integer that a float is, where it is exactly one.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn whole(number: f64) -> Option<i64> {
    /// The powers of two that bound an i64 are floats exactly.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    (number.fract() == 0.0 && (-BOUND..BOUND).contains(&number)).then_some(number as i64)
}

/// Why a string fails a test: the code, and the message where the policy has none of its own.
fn failure(test: &StringTest, text: &str) -> Option<(&'static str, String)> {
    let characters = || u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    let bytes = || u64::try_from(text.len()).unwrap_or(u64::MAX);
    match test {
        StringTest::MinLength(least) if characters() < *least => {
            Some(("too_short", format!("must have at least {least} characters")))
        }
        StringTest::MaxLength(most) if characters() > *most => {
            Some(("too_long", format!("must have at most {most} characters")))
        }
        StringTest::MinBytes(least) if bytes() < *least => {
            Some(("too_short", format!("must have at least {least} bytes")))
        }
        StringTest::MaxBytes(most) if bytes() > *most => Some(("too_long", format!("must have at most {most} bytes"))),
        StringTest::Email if !is_email(text) => Some(("email", "must be an email address".to_owned())),
        StringTest::Uuid if !is_uuid(text) => Some(("uuid", "must be a UUID".to_owned())),
        StringTest::Matches(regex) if !regex.is_match(text) => {
            Some(("pattern", "doesn't have the required form".to_owned()))
        }
        StringTest::OneOf(known) if !known.iter().any(|known| known == text) => {
            Some(("one_of", format!("must be one of {}", known.join(", "))))
        }
        StringTest::MinLength(_)
        | StringTest::MaxLength(_)
        | StringTest::MinBytes(_)
        | StringTest::MaxBytes(_)
        | StringTest::Email
        | StringTest::Uuid
        | StringTest::Matches(_)
        | StringTest::OneOf(_) => None,
    }
}

/// A valid e-mail address of the HTML standard (§4.10.5.1.5), less dots at the ends or in a row of the local part,
/// which no mail server takes.
fn is_email(text: &str) -> bool {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let word = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+";
        let label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
        Regex::new(&format!(r"\A{word}(?:\.{word})*@{label}(?:\.{label})*\z")).ok()
    });
    text.len() <= LONGEST_EMAIL && PATTERN.as_ref().is_some_and(|pattern| pattern.is_match(text))
}
