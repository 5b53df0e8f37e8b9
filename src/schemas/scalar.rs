//! Validation of values without parts: strings, numbers and others.

use serde_json::{Number, Value as Json};
use unicode_normalization::UnicodeNormalization;

use crate::model::duration;
use crate::model::keywords::{Keyword as _, Transform};
use crate::schemas::format;
use crate::schemas::validate::{Encoding, Validator};
use crate::typed::schemas::{InputType, NumberRules, StringRules, StringTest};

impl<'a> Validator<'a> {
    pub(crate) fn scalar(&mut self, ty: &'a InputType, value: &'a Json) -> Json {
        match ty {
            InputType::String(rules) => self.string(rules, value),
            InputType::Int(rules) => self.int(rules, value),
            InputType::Float(rules) => self.float(rules, value),
            InputType::Bool => self.bool(value),
            InputType::Timestamp => {
                let read = |text: &str| format::timestamp(text).map(|instant| instant.to_string());
                self.text(value, "timestamp", "a timestamp such as 2026-11-23T10:00:00Z", read)
            }
            InputType::Duration => {
                let read = |text: &str| duration::milliseconds(text).map(duration::text);
                self.text(value, "duration", "a duration such as 1h30m", read)
            }
            InputType::Ip => {
                let read = |text: &str| format::ip(text).map(|address| address.to_string());
                self.text(value, "ip", "an IP address", read)
            }
            InputType::Cidr => {
                let read = |text: &str| format::cidr(text).map(|net| net.to_string());
                self.text(value, "cidr", "a network such as 10.0.0.0/8", read)
            }
            InputType::Enum(known) => {
                if value.as_str().is_none_or(|value| known.iter().all(|known| known != value)) {
                    self.fail("one_of", format!("must be one of {}", known.join(", ")));
                }
                value.clone()
            }
            _ => value.clone(),
        }
    }

    /// Validates a value that is written as a string, and normalises its spelling.
    fn text(&mut self, value: &Json, code: &'static str, what: &str, read: impl Fn(&str) -> Option<String>) -> Json {
        let Some(text) = value.as_str() else {
            self.fail("type", format!("must be a string: {what}"));
            return Json::Null;
        };
        match read(text) {
            Some(normal) => Json::from(normal),
            None => {
                self.fail(code, format!("must be {what}"));
                Json::Null
            }
        }
    }

    fn string(&mut self, rules: &'a StringRules, value: &Json) -> Json {
        let Json::String(text) = value else {
            self.fail("type", "must be a string");
            return Json::Null;
        };
        let mut text = text.clone();
        for transform in &rules.transforms {
            text = match transform {
                Transform::Trim => text.trim().to_owned(),
                Transform::Lowercase => text.to_lowercase(),
                Transform::Uppercase => text.to_uppercase(),
                Transform::Nfc => text.nfc().collect(),
            };
        }
        let too_long = rules.checks.iter().any(|check| {
            matches!(check.test, StringTest::MaxLength(_) | StringTest::MaxBytes(_)) && !passes(&check.test, &text)
        });
        for check in &rules.checks {
            // A regex takes long on a string that is too long anyway.
            if too_long && matches!(check.test, StringTest::Matches(_)) {
                continue;
            }
            if !passes(&check.test, &text) {
                let (code, message) = failure(&check.test);
                self.fail(code, check.message.clone().unwrap_or(message));
            }
        }
        Json::String(text)
    }

    fn bool(&mut self, value: &Json) -> Json {
        match (self.encoding, value) {
            (Encoding::Json, Json::Bool(value)) => Json::Bool(*value),
            (Encoding::Text, Json::String(text)) if text == "true" => Json::Bool(true),
            (Encoding::Text, Json::String(text)) if text == "false" => Json::Bool(false),
            _ => {
                self.fail("type", "must be true or false");
                Json::Null
            }
        }
    }

    /// Accepts numbers without a fraction, such as `1.0`, if an `int` can represent them exactly. In a text, an integer has one
    /// spelling.
    fn int(&mut self, rules: &NumberRules<i64>, value: &Json) -> Json {
        let number = match (self.encoding, value) {
            (Encoding::Text, Json::String(text)) => {
                text.parse::<i64>().ok().filter(|number| number.to_string() == *text)
            }
            (Encoding::Json, _) => value.as_i64().or_else(|| value.as_f64().filter(|_| value.is_f64()).and_then(whole)),
            (Encoding::Text, _) => None,
        };
        let Some(number) = number else {
            let integral = value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0);
            let message =
                if integral { "must be an integer that fits into 64 bits exactly" } else { "must be an integer" };
            self.fail("type", message);
            return Json::Null;
        };
        if rules.multiple_of.is_some_and(|step| number.checked_rem(step).is_none_or(|rest| rest != 0)) {
            self.fail("multiple_of", "isn't a multiple of the declared step");
        }
        self.bounds(rules, number);
        Json::from(number)
    }

    fn float(&mut self, rules: &NumberRules<f64>, value: &Json) -> Json {
        let read = match (self.encoding, value) {
            (Encoding::Text, Json::String(text)) => json_number(text),
            (Encoding::Json, Json::Number(number)) => Some(number.clone()),
            _ => None,
        };
        let Some((read, number)) = read.and_then(|read| read.as_f64().map(|number| (read, number))) else {
            self.fail("type", "must be a number");
            return Json::Null;
        };
        if rules.multiple_of.is_some_and(|step| !is_multiple(number, step)) {
            self.fail("multiple_of", "isn't a multiple of the declared step");
        }
        self.bounds(rules, number);
        Json::Number(read)
    }

    fn bounds<N: Copy + PartialOrd + std::fmt::Display>(&mut self, rules: &NumberRules<N>, number: N) {
        if let Some(least) = rules.min.filter(|least| number < *least) {
            self.fail("too_small", format!("must be at least {least}"));
        }
        if let Some(most) = rules.max.filter(|most| number > *most) {
            self.fail("too_large", format!("must be at most {most}"));
        }
    }
}

/// A text that is the same for equal values: members are sorted by their names, and `1.0` is `1`.
pub(crate) fn canonical(value: &Json) -> String {
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

/// Parses a JSON number without spaces around it.
fn json_number(text: &str) -> Option<Number> {
    let bare = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if bare { serde_json::from_str(text).ok() } else { None }
}

/// The integer that a float represents exactly. Larger floats represent several integers.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

/// True for multiples within rounding: decimal steps such as 0.1 have no exact float.
fn is_multiple(number: f64, step: f64) -> bool {
    const ROUNDING: f64 = 1e-9;
    let quotient = number / step;
    (quotient - quotient.round()).abs() <= ROUNDING * quotient.abs().max(1.0)
}

fn passes(test: &StringTest, text: &str) -> bool {
    let characters = || u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    let bytes = || u64::try_from(text.len()).unwrap_or(u64::MAX);
    match test {
        StringTest::MinLength(least) => characters() >= *least,
        StringTest::MaxLength(most) => characters() <= *most,
        StringTest::MinBytes(least) => bytes() >= *least,
        StringTest::MaxBytes(most) => bytes() <= *most,
        StringTest::Format(format) => format::has_format(*format, text),
        StringTest::Matches(regex) => regex.is_match(text),
        StringTest::OneOf(known) => known.iter().any(|known| known == text),
    }
}

/// The code and the default message of a failed test.
fn failure(test: &StringTest) -> (&'static str, String) {
    match test {
        StringTest::MinLength(least) => ("too_short", format!("must have at least {least} characters")),
        StringTest::MaxLength(most) => ("too_long", format!("must have at most {most} characters")),
        StringTest::MinBytes(least) => ("too_short", format!("must have at least {least} bytes")),
        StringTest::MaxBytes(most) => ("too_long", format!("must have at most {most} bytes")),
        StringTest::OneOf(known) => ("one_of", format!("must be one of {}", known.join(", "))),
        StringTest::Format(format) => (format.word(), format::requirement(*format).to_owned()),
        StringTest::Matches(_) => ("pattern", "doesn't have the required form".to_owned()),
    }
}
