//! Values that hold no others.

use serde_json::{Number, Value as Json};
use unicode_normalization::UnicodeNormalization;

use crate::model::duration;
use crate::model::keywords::{Keyword as _, Transform};
use crate::schemas::format;
use crate::schemas::validate::{Encoding, Walk};
use crate::typed::schemas::{InputType, NumberRules, StringRules, StringTest};

impl<'a> Walk<'a> {
    pub(crate) fn scalar(&mut self, ty: &'a InputType, value: &'a Json) -> Json {
        match ty {
            InputType::String(rules) => self.string(rules, value),
            InputType::Int(rules) => self.int(rules, value),
            InputType::Float(rules) => self.float(rules, value),
            InputType::Bool => self.bool(value),
            InputType::Timestamp => {
                let read = |text: &str| format::timestamp(text).map(|fingerprint| fingerprint.to_string());
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
                    self.wrong("one_of", format!("must be one of {}", known.join(", ")));
                }
                value.clone()
            }
            _ => value.clone(),
        }
    }

    /// A text with a form; what it says is handed on in one way to write it.
    fn text(&mut self, value: &Json, code: &'static str, what: &str, read: impl Fn(&str) -> Option<String>) -> Json {
        let Some(text) = value.as_str() else {
            self.wrong("type", format!("must be a string: {what}"));
            return Json::Null;
        };
        match read(text) {
            Some(normal) => Json::from(normal),
            None => {
                self.wrong(code, format!("must be {what}"));
                Json::Null
            }
        }
    }

    fn string(&mut self, rules: &'a StringRules, value: &Json) -> Json {
        let Json::String(text) = value else {
            self.wrong("type", "must be a string");
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
            // What is too long anyway isn't worth a regex's time.
            if too_long && matches!(check.test, StringTest::Matches(_)) {
                continue;
            }
            if !passes(&check.test, &text) {
                let (code, message) = failure(&check.test);
                self.wrong(code, check.message.clone().unwrap_or(message));
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
                self.wrong("type", "must be true or false");
                Json::Null
            }
        }
    }

    /// `1.0` is an integer, and so is any other number without a fraction that an `int` can hold. As a text, an integer has
    /// one spelling.
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
            self.wrong("type", message);
            return Json::Null;
        };
        if rules.multiple_of.is_some_and(|step| number.checked_rem(step).is_none_or(|rest| rest != 0)) {
            self.wrong("multiple_of", "isn't a multiple of the declared step");
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
            self.wrong("type", "must be a number");
            return Json::Null;
        };
        if rules.multiple_of.is_some_and(|step| !is_multiple(number, step)) {
            self.wrong("multiple_of", "isn't a multiple of the declared step");
        }
        self.bounds(rules, number);
        Json::Number(read)
    }

    fn bounds<N: Copy + PartialOrd + std::fmt::Display>(&mut self, rules: &NumberRules<N>, number: N) {
        if let Some(least) = rules.min.filter(|least| number < *least) {
            self.wrong("too_small", format!("must be at least {least}"));
        }
        if let Some(most) = rules.max.filter(|most| number > *most) {
            self.wrong("too_large", format!("must be at most {most}"));
        }
    }
}

/// A text that equal values share: members in order of their names, and `1.0` as `1`.
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

/// A number as JSON writes it, with nothing around it.
fn json_number(text: &str) -> Option<Number> {
    let bare = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if bare { serde_json::from_str(text).ok() } else { None }
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

/// Whether a string passes a test.
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

/// The code of a failed test, and the message where the policy has none of its own.
fn failure(test: &StringTest) -> (&'static str, String) {
    let (code, message) = match test {
        StringTest::MinLength(least) => return ("too_short", format!("must have at least {least} characters")),
        StringTest::MaxLength(most) => return ("too_long", format!("must have at most {most} characters")),
        StringTest::MinBytes(least) => return ("too_short", format!("must have at least {least} bytes")),
        StringTest::MaxBytes(most) => return ("too_long", format!("must have at most {most} bytes")),
        StringTest::OneOf(known) => return ("one_of", format!("must be one of {}", known.join(", "))),
        StringTest::Format(format) => (format.word(), format::requirement(*format)),
        StringTest::Matches(_) => ("pattern", "doesn't have the required form"),
    };
    (code, message.to_owned())
}
