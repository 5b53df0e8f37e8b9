//! A body against its shape: transforms, then checks, and every problem at once, up to a cap. Values are never
//! echoed.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value as Json};

use crate::model::decision::Violation;
use crate::model::path::is_uuid;
use crate::model::table::Table;

use super::{Field, InputType, ListRules, NumberRules, Shape, StringRules, StringTest, Transform, UnknownFields};

/// The most violations that are told: what is told costs memory, and the body's sender sets the number.
const MOST_VIOLATIONS: usize = 32;
/// A field's name comes from the sender; in a violation, so much of it.
const LONGEST_NAME: usize = 64;
/// RFC 5321 §4.5.3.1.3, as corrected by erratum 1690 to RFC 3696.
const LONGEST_EMAIL: usize = 254;

/// A body that conforms.
#[derive(Debug)]
pub(crate) struct Validated {
    pub(crate) body: Json,
    /// JSON pointers to secret fields.
    pub(crate) secrets: Vec<String>,
}

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Violations {
    pub(crate) list: Vec<Violation>,
    pub(crate) truncated: bool,
}

impl Violations {
    pub(crate) fn one(pointer: &str, code: &'static str, message: &str) -> Self {
        let mut violations = Self::default();
        violations.push(pointer.to_owned(), code, message.to_owned());
        violations
    }

    pub(crate) fn unknown_field(name: &str) -> Self {
        Self::one(&foreign_child("", name), "unknown_field", UNKNOWN_FIELD)
    }

    fn push(&mut self, pointer: String, code: &'static str, message: String) {
        if self.list.len() < MOST_VIOLATIONS {
            self.list.push(Violation { pointer, code, message });
        } else {
            self.truncated = true;
        }
    }

    /// What is wrong first, as the rest of a sentence.
    pub(crate) fn first_message(&self) -> String {
        match self.list.first() {
            Some(Violation { pointer, message, .. }) if pointer.is_empty() => format!("it {message}"),
            Some(Violation { pointer, message, .. }) => format!("`{pointer}` {message}"),
            None => "it doesn't conform".to_owned(),
        }
    }

    /// The pointers of the first few, for logs.
    pub(crate) fn places(&self) -> String {
        const SHOWN: usize = 5;
        let mut pointers: Vec<&str> = self.list.iter().map(|violation| violation.pointer.as_str()).collect();
        pointers.dedup();
        let shown: Vec<String> = pointers.iter().take(SHOWN).map(|pointer| format!("`{pointer}`")).collect();
        let more = if pointers.len() > SHOWN { " and elsewhere" } else { "" };
        format!("{}{more}", shown.join(", "))
    }
}

const UNKNOWN_FIELD: &str = "isn't a known field";

/// Validates and normalises a body.
pub(crate) fn validate(shapes: &Table<Shape>, shape: &Shape, body: Json) -> Result<Validated, Violations> {
    let mut walk = Walk::over(shapes);
    let body = walk.object(shape, body, "");
    walk.end(body)
}

/// Validates and normalises a default. Defaults inside it aren't looked into: they may refer to each other without end.
pub(crate) fn validate_default(shapes: &Table<Shape>, ty: &InputType, value: Json) -> Result<Validated, Violations> {
    let mut walk = Walk { checking_a_default: true, ..Walk::over(shapes) };
    let value = walk.value(ty, value, "");
    walk.end(value)
}

/// The pointer to a member (RFC 6901 §3).
fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The same for a name that the sender chose.
fn foreign_child(pointer: &str, name: &str) -> String {
    let mut shown: String = name.chars().take(LONGEST_NAME).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    child(pointer, &shown)
}

/// A walk over a body. It is as deep as the JSON, whose depth the parser bounds.
struct Walk<'p> {
    shapes: &'p Table<Shape>,
    violations: Violations,
    secrets: Vec<String>,
    checking_a_default: bool,
}

impl<'p> Walk<'p> {
    fn over(shapes: &'p Table<Shape>) -> Self {
        Self { shapes, violations: Violations::default(), secrets: Vec::new(), checking_a_default: false }
    }

    fn end(self, body: Json) -> Result<Validated, Violations> {
        if self.violations.list.is_empty() {
            Ok(Validated { body, secrets: self.secrets })
        } else {
            Err(self.violations)
        }
    }

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
            // The member stays where it is, so that those after it keep their order.
            let given = given.get_mut(&field.name).map(std::mem::take);
            if let Some(value) = self.field(field, given, at) {
                taken.insert(field.name.clone(), value);
            }
        }
        if shape.unknown_fields != UnknownFields::Strip {
            self.unknown(shape, given, &mut taken, pointer);
        }
        Json::Object(taken)
    }

    fn unknown(&mut self, shape: &Shape, given: Map<String, Json>, taken: &mut Map<String, Json>, pointer: &str) {
        let declared: HashSet<&str> = shape.fields.iter().map(|field| field.name.as_str()).collect();
        for (name, value) in given.into_iter().filter(|(name, _)| !declared.contains(name.as_str())) {
            if shape.unknown_fields == UnknownFields::Keep {
                taken.insert(name, value);
            } else if self.violations.truncated {
                break;
            } else {
                self.wrong(&foreign_child(pointer, &name), "unknown_field", UNKNOWN_FIELD);
            }
        }
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
            (None, Some(default)) if self.checking_a_default => Some(default.clone()),
            (None, Some(default)) => {
                // It is valid and written out in full, so that this finds the secrets in it and nothing else.
                let value = self.value(&field.ty, default.clone(), &pointer);
                if field.secret {
                    self.secrets.push(pointer);
                }
                Some(value)
            }
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
                let shapes = self.shapes;
                self.object(&shapes[*shape], value, pointer)
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
            let integral = value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0);
            let message =
                if integral { "must be an integer that fits into 64 bits exactly" } else { "must be an integer" };
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
        if rules.multiple_of.is_some_and(|step| !is_multiple(number, step)) {
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
            let known = self.violations.list.len();
            let item = self.value(&rules.item, item, &pointer);
            let sound = self.violations.list.len() == known;
            if rules.unique && sound && !seen.insert(canonical(&item)) {
                self.wrong(&pointer, "duplicate", "stands in the list twice");
            }
            taken.push(item);
        }
        Json::Array(taken)
    }
}

/// A text that equal values share: members in order of their names, and `1.0` as `1`.
fn canonical(value: &Json) -> String {
    match value {
        Json::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}:{}", Json::from(name.as_str()), canonical(value)))
                .collect();
            members.sort_unstable();
            format!("{{{}}}", members.join(","))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Json::Number(number) => match number.as_f64().filter(|_| number.is_f64()).and_then(whole) {
            Some(whole) => whole.to_string(),
            None => number.to_string(),
        },
        Json::Null | Json::Bool(_) | Json::String(_) => value.to_string(),
    }
}

/// The integer that a float is, where it is one beyond doubt: larger floats stand for several integers each.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

/// Decimal steps such as 0.1 aren't floats exactly, so what is within rounding of a multiple is one.
fn is_multiple(number: f64, step: f64) -> bool {
    const ROUNDING: f64 = 1e-9;
    let quotient = number / step;
    (quotient - quotient.round()).abs() <= ROUNDING * quotient.abs().max(1.0)
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
