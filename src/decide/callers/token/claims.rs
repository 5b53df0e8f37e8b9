//! A token's claims (RFC 7519 §4.1), converted to their declared types and checked against the declaration and the time.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::MapAccess;

use crate::collections::table::Table;
use crate::decide::callers::token::TokenProblem;
use crate::model::json::borrowed::JsonRef;
use crate::model::json::{Members, StrictReader, Tree as _};
use crate::model::list::List;
use crate::model::value::{Known, Value};
use crate::typed::schemas::Shape;
use crate::typed::{Claim, Token, Type};
use crate::values::json::{Provenance, convert};

/// The greatest depth of a token's arrays and objects.
pub(crate) const MAX_DEPTH: usize = 32;

const MALFORMED: &str = "the token's claims aren't a JSON object whose members stand once";
const WRONG_TYPE: &str = "a claim of the token is of the wrong type";
const WRONG_TIME: &str = "a time in the token isn't a number of seconds";
const NANOSECONDS_IN_A_SECOND: i128 = 1_000_000_000;

/// The claims of a token.
#[derive(Default)]
pub(crate) struct Claims {
    /// In the order of their declarations.
    pub(crate) declared: Vec<Known<Value>>,
    /// `jti`, where the token is good for one exchange.
    pub(crate) id: Option<String>,
    is_from_issuer: bool,
    is_for_audience: bool,
    /// In nanoseconds, which no number of seconds overflows.
    expires: Option<i128>,
    not_before: Option<i128>,
    issued: Option<i128>,
    /// The first claim that is missing or of the wrong type.
    problem: Option<&'static str>,
}

impl Claims {
    pub(crate) fn parse(text: &[u8], token: &Token, shapes: &Table<Shape>) -> Result<Self, &'static str> {
        // Checked as a whole, UTF-8 isn't checked again for each string.
        let text = std::str::from_utf8(text).map_err(|_| MALFORMED)?;
        let text = serde_json::Deserializer::from_str(text);
        let mut claims = Self { declared: vec![Known::Unknown; token.claims.len()], ..Self::default() };
        let mut reader = Reader { token, shapes, claims: &mut claims };
        StrictReader::new(usize::MAX).object(text, &mut reader).map_err(|_| MALFORMED)?;
        claims.note_missing(token);
        Ok(claims)
    }

    /// Makes missing claims absent if they are optional, and a problem if they aren't.
    fn note_missing(&mut self, token: &Token) {
        for (claim, declared) in token.claims.iter().zip(&mut self.declared) {
            match declared {
                Known::Unknown if claim.optional => *declared = Known::Absent,
                Known::Unknown => self.problem = self.problem.or(Some("the token lacks a required claim")),
                Known::Value(_) | Known::Absent => {}
            }
        }
    }

    /// Checks issuer, audience, validity and lifetime (RFC 7519 §4.1.1 to §4.1.6).
    pub(crate) fn check(&self, token: &Token, now: Timestamp) -> Result<(), TokenProblem> {
        self.check_parties(token)?;
        self.check_times(token, now)?;
        let expires = self.expires.ok_or("the token has no `exp`")?;
        // A token without `iat` was issued now at the latest.
        let lives = expires.saturating_sub(self.issued.unwrap_or(now.as_nanosecond()));
        let leeway = token.leeway.as_nanos();
        if token.lifetime.is_some_and(|lifetime| lives > lifetime.as_nanos().saturating_add(leeway)) {
            return Err("the token claims to live longer than the declared lifetime".into());
        }
        Ok(())
    }

    /// Checks all but the end of the validity.
    pub(crate) fn check_beginning(&self, token: &Token, now: Timestamp) -> Result<(), TokenProblem> {
        self.check_parties(token)?;
        self.check_begun(token, now)
    }

    /// Checks the claims' types and those of `exp`, `nbf` and `iat` that the token has.
    pub(crate) fn check_times(&self, token: &Token, now: Timestamp) -> Result<(), TokenProblem> {
        if let Some(problem) = self.problem {
            return Err(problem.into());
        }
        let end = self.expires.map(|expires| expires.saturating_add(token.leeway.as_nanos()));
        if end.is_some_and(|end| now.as_nanosecond() >= end) {
            return Err(TokenProblem::Expired);
        }
        self.check_begun(token, now)
    }

    fn check_parties(&self, token: &Token) -> Result<(), TokenProblem> {
        if token.issuer.is_some() && !self.is_from_issuer {
            return Err("the token is from another issuer".into());
        }
        if !token.audiences.is_empty() && !self.is_for_audience {
            return Err("the token is for another audience".into());
        }
        Ok(())
    }

    fn check_begun(&self, token: &Token, now: Timestamp) -> Result<(), TokenProblem> {
        if let Some(problem) = self.problem {
            return Err(problem.into());
        }
        let latest = now.as_nanosecond().saturating_add(token.leeway.as_nanos());
        if self.not_before.is_some_and(|not_before| not_before > latest) {
            return Err("the token isn't valid yet".into());
        }
        if self.issued.is_some_and(|issued| issued > latest) {
            return Err("the token was issued in the future".into());
        }
        Ok(())
    }
}

/// Reads `iss` of an unverified token, to select its kind.
pub(crate) fn issuer(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Issuer<'p> {
        #[serde(borrow)]
        iss: Cow<'p, str>,
    }
    serde_json::from_slice::<Issuer<'_>>(payload).ok().map(|issuer| issuer.iss.into_owned())
}

/// Reads claims in the order of their declarations.
struct Reader<'p, 'c> {
    token: &'p Token,
    shapes: &'p Table<Shape>,
    claims: &'c mut Claims,
}

impl Reader<'_, '_> {
    /// Takes a registered claim, declared or not (RFC 7519 §4.1).
    fn take_registered(&mut self, name: &str, value: &JsonRef<'_>) {
        let claims = &mut *self.claims;
        match name {
            "iss" => claims.is_from_issuer = value.as_str().is_some() && value.as_str() == self.token.issuer.as_deref(),
            "aud" => claims.is_for_audience = is_audience(self.token, value),
            "exp" => claims.expires = time(value, &mut claims.problem),
            "nbf" => claims.not_before = time(value, &mut claims.problem),
            "iat" => claims.issued = time(value, &mut claims.problem),
            "jti" if self.token.single_use.is_some() => claims.id = value.as_str().map(ToOwned::to_owned),
            _ => {}
        }
    }

    fn take_declared(&mut self, index: usize, value: JsonRef<'_>) {
        let Some(claim) = self.token.claims.get(index) else { return };
        match (self.typed_value(claim, value), self.claims.declared.get_mut(index)) {
            (Ok(known), Some(declared)) => *declared = known,
            (Err(problem), _) => self.claims.problem = self.claims.problem.or(Some(problem)),
            (Ok(_), None) => {}
        }
    }

    /// Converts a claim to its declared type.
    fn typed_value(&self, claim: &Claim, value: JsonRef<'_>) -> Result<Known<Value>, &'static str> {
        if claim.optional && matches!(value, JsonRef::Null) {
            return Ok(Known::Absent);
        }
        // A time of the token itself is a number.
        if claim.ty == Type::Timestamp && ["exp", "nbf", "iat"].contains(&claim.name.as_str()) {
            let mut problem = None;
            let time = time(&value, &mut problem).and_then(|time| Timestamp::from_nanosecond(time).ok());
            return time.map(|time| Known::Value(Value::Timestamp(time))).ok_or("a time in the token is out of range");
        }
        let value = match (&claim.ty, value) {
            (Type::String, JsonRef::Text(text)) => Some(Value::String(text.into_owned())),
            (Type::Int, JsonRef::Number(number)) => number.as_i64().map(Value::Int),
            (Type::Bool, JsonRef::Bool(value)) => Some(Value::Bool(value)),
            (Type::List(item), JsonRef::Array(items)) if **item == Type::String => texts(items).map(Value::List),
            (ty, value) => convert(&value.into_value(), ty, self.shapes, Provenance::Host),
        };
        value.map(Known::Value).ok_or(WRONG_TYPE)
    }
}

/// RFC 7519 §4.1.3: one string, or a list of nothing but strings.
fn is_audience(token: &Token, value: &JsonRef<'_>) -> bool {
    let ours = |text: &str| token.audiences.iter().any(|pinned| pinned == text);
    match value {
        JsonRef::Text(text) => ours(text),
        JsonRef::Array(items) => {
            items.iter().all(|item| item.as_str().is_some()) && items.iter().filter_map(JsonRef::as_str).any(ours)
        }
        _ => false,
    }
}

fn texts(items: Vec<JsonRef<'_>>) -> Option<List> {
    let text = |item| match item {
        JsonRef::Text(text) => Some(Value::String(text.into_owned())),
        _ => None,
    };
    items.into_iter().map(text).collect()
}

/// A NumericDate: a number of seconds, not negative (RFC 7519 §2).
fn time(value: &JsonRef<'_>, problem: &mut Option<&'static str>) -> Option<i128> {
    let nanoseconds = match value {
        JsonRef::Number(seconds) => match seconds.as_i128() {
            Some(seconds) => Some(seconds * NANOSECONDS_IN_A_SECOND),
            #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and no token lives so long")]
            None => seconds.as_f64().map(|seconds| (seconds * 1e9) as i128),
        },
        _ => None,
    };
    let time = nanoseconds.filter(|time| *time >= 0);
    if time.is_none() {
        *problem = Some(WRONG_TIME);
    }
    time
}

impl<'de> Members<'de> for Reader<'_, '_> {
    const MOST: usize = JsonRef::MOST_MEMBERS;

    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A, reader: &StrictReader) -> Result<(), A::Error> {
        let value = map.next_value_seed(reader.value(MAX_DEPTH))?;
        self.take_registered(name, &value);
        if let Some(index) = self.token.claims.iter().position(|claim| claim.name == name) {
            self.take_declared(index, value);
        }
        Ok(())
    }
}
