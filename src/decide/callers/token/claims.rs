//! A token's claims (RFC 7519 §4.1): read straight into the places that the policy declares, and held against what it pins
//! and against the time.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use smallvec::SmallVec;

use crate::collections::table::Table;
use crate::decide::callers::authenticate::EXPIRED;
use crate::decide::callers::token::raw::{MAX_DEPTH, NameSeed, Names, Raw, RawSeed};
use crate::model::list::List;
use crate::model::value::{Known, Value};
use crate::typed::schemas::Shape;
use crate::typed::{Claim, Token, Type};
use crate::values::json::{Provenance, convert};

const MALFORMED: &str = "the token's claims aren't a JSON object whose members stand once";
const WRONG_TYPE: &str = "a claim of the token is of the wrong type";
const WRONG_TIME: &str = "a time in the token isn't a number of seconds";
/// The claims that are looked at whether they are declared or not (RFC 7519 §4.1).
#[derive(Clone, Copy)]
enum Own {
    Issuer,
    Audience,
    Expires,
    NotBefore,
    Issued,
    Id,
}

impl Own {
    const COUNT: usize = 6;

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "iss" => Self::Issuer,
            "aud" => Self::Audience,
            "exp" => Self::Expires,
            "nbf" => Self::NotBefore,
            "iat" => Self::Issued,
            "jti" => Self::Id,
            _ => return None,
        })
    }
}
const NANOSECONDS: i128 = 1_000_000_000;

/// What a token claims.
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
    /// What is wrong with a claim; told where nothing else is wrong.
    problem: Option<&'static str>,
}

impl Claims {
    pub(crate) fn parse(text: &[u8], token: &Token, shapes: &Table<Shape>) -> Result<Self, &'static str> {
        // Looked at as a whole, it needn't be looked at text by text.
        let text = std::str::from_utf8(text).map_err(|_| MALFORMED)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let mut claims = Self { declared: vec![Known::Unknown; token.claims.len()], ..Self::default() };
        let reader = Reader { token, shapes, claims: &mut claims };
        reader.deserialize(&mut deserializer).map_err(|_| MALFORMED)?;
        deserializer.end().map_err(|_| MALFORMED)?;
        claims.note_missing(token);
        Ok(claims)
    }

    /// What stands nowhere is absent where it may be.
    fn note_missing(&mut self, token: &Token) {
        for (claim, place) in token.claims.iter().zip(&mut self.declared) {
            match place {
                Known::Unknown if claim.optional => *place = Known::Absent,
                Known::Unknown => self.problem = self.problem.or(Some("the token lacks a required claim")),
                Known::Value(_) | Known::Absent => {}
            }
        }
    }

    /// Whose it is, for whom, and from when to when it holds (RFC 7519 §4.1.1 to §4.1.6).
    pub(crate) fn check(&self, token: &Token, now: Timestamp) -> Result<(), &'static str> {
        self.check_parties(token)?;
        self.check_times(token, now)?;
        let expires = self.expires.ok_or("the token has no `exp`")?;
        // Without `iat`, it was issued now at the latest.
        let lives = expires.saturating_sub(self.issued.unwrap_or(now.as_nanosecond()));
        let leeway = token.leeway.as_nanos();
        if token.lifetime.is_some_and(|lifetime| lives > lifetime.as_nanos().saturating_add(leeway)) {
            return Err("the token claims to live longer than the declared lifetime");
        }
        Ok(())
    }

    /// The same, but for its end.
    pub(crate) fn check_beginning(&self, token: &Token, now: Timestamp) -> Result<(), &'static str> {
        self.check_parties(token)?;
        self.check_begun(token, now)
    }

    /// From when to when it holds, as far as it says so, and that it says what it says in the declared types.
    pub(crate) fn check_times(&self, token: &Token, now: Timestamp) -> Result<(), &'static str> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let end = self.expires.map(|expires| expires.saturating_add(token.leeway.as_nanos()));
        if end.is_some_and(|end| now.as_nanosecond() >= end) {
            return Err(EXPIRED);
        }
        self.check_begun(token, now)
    }

    fn check_parties(&self, token: &Token) -> Result<(), &'static str> {
        if token.issuer.is_some() && !self.is_from_issuer {
            return Err("the token is from another issuer");
        }
        if !token.audiences.is_empty() && !self.is_for_audience {
            return Err("the token is for another audience");
        }
        Ok(())
    }

    fn check_begun(&self, token: &Token, now: Timestamp) -> Result<(), &'static str> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let latest = now.as_nanosecond().saturating_add(token.leeway.as_nanos());
        if self.not_before.is_some_and(|not_before| not_before > latest) {
            return Err("the token isn't valid yet");
        }
        if self.issued.is_some_and(|issued| issued > latest) {
            return Err("the token was issued in the future");
        }
        Ok(())
    }
}

/// `iss` alone, of a token of which nothing is known yet: whoever is asked for it checks all the rest.
pub(crate) fn issuer(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Issuer<'p> {
        #[serde(borrow)]
        iss: Cow<'p, str>,
    }
    serde_json::from_slice::<Issuer<'_>>(payload).ok().map(|issuer| issuer.iss.into_owned())
}

/// Reads claims into the places of a declaration.
struct Reader<'p, 'c> {
    token: &'p Token,
    shapes: &'p Table<Shape>,
    claims: &'c mut Claims,
}

impl Reader<'_, '_> {
    fn take(&mut self, own: Own, value: &Raw<'_>) {
        let claims = &mut *self.claims;
        match own {
            Own::Issuer => {
                claims.is_from_issuer = value.text().is_some() && value.text() == self.token.issuer.as_deref()
            }
            Own::Audience => claims.is_for_audience = is_audience(self.token, value),
            Own::Expires => claims.expires = time(value, &mut claims.problem),
            Own::NotBefore => claims.not_before = time(value, &mut claims.problem),
            Own::Issued => claims.issued = time(value, &mut claims.problem),
            Own::Id if self.token.single_use.is_some() => claims.id = value.text().map(ToOwned::to_owned),
            Own::Id => {}
        }
    }

    /// Puts what a declared claim says into its place.
    fn put(&mut self, place: usize, value: Raw<'_>) {
        let Some(claim) = self.token.claims.get(place) else { return };
        match (self.read(claim, value), self.claims.declared.get_mut(place)) {
            (Ok(known), Some(place)) => *place = known,
            (Err(problem), _) => self.claims.problem = self.claims.problem.or(Some(problem)),
            (Ok(_), None) => {}
        }
    }

    /// What a declared claim says.
    fn read(&self, claim: &Claim, value: Raw<'_>) -> Result<Known<Value>, &'static str> {
        if claim.optional && matches!(value, Raw::Null) {
            return Ok(Known::Absent);
        }
        // Where it is a time of the token itself, it is a number.
        if claim.ty == Type::Timestamp && ["exp", "nbf", "iat"].contains(&claim.name.as_str()) {
            let mut problem = None;
            let time = time(&value, &mut problem).and_then(|time| Timestamp::from_nanosecond(time).ok());
            return time.map(|time| Known::Value(Value::Timestamp(time))).ok_or("a time in the token is out of range");
        }
        let value = match (&claim.ty, value) {
            (Type::String, Raw::Text(text)) => Some(Value::String(text.into_owned())),
            (Type::Int, Raw::Int(value)) => Some(Value::Int(value)),
            (Type::Bool, Raw::Bool(value)) => Some(Value::Bool(value)),
            (Type::List(item), Raw::List(items)) if **item == Type::String => texts(items).map(Value::List),
            (ty, value) => convert(&value.into_json(), ty, self.shapes, Provenance::Host),
        };
        value.map(Known::Value).ok_or(WRONG_TYPE)
    }
}

/// The names so far, each of which may stand once. Those that mean something have places of their own, which are faster to
/// look at than the others.
struct Seen<'de> {
    own: [bool; Own::COUNT],
    declared: SmallVec<[bool; 16]>,
    others: Names<'de>,
}

impl<'de> Seen<'de> {
    fn of(token: &Token) -> Self {
        let declared = SmallVec::from_elem(false, token.claims.len());
        Self { own: [false; Own::COUNT], declared, others: Names::default() }
    }

    fn add<E: Error>(&mut self, own: Option<Own>, place: Option<usize>, name: Cow<'de, str>) -> Result<(), E> {
        if own.is_none() && place.is_none() {
            return self.others.add(name);
        }
        let own = own.and_then(|own| self.own.get_mut(own as usize));
        let declared = place.and_then(|place| self.declared.get_mut(place));
        for place in [own, declared].into_iter().flatten() {
            if std::mem::replace(place, true) {
                return Err(E::custom(MALFORMED));
            }
        }
        Ok(())
    }
}

/// RFC 7519 §4.1.3: one string, or a list of nothing but strings.
fn is_audience(token: &Token, value: &Raw<'_>) -> bool {
    let ours = |text: &str| token.audiences.iter().any(|pinned| pinned == text);
    match value {
        Raw::Text(text) => ours(text),
        Raw::List(items) => {
            items.iter().all(|item| item.text().is_some()) && items.iter().filter_map(Raw::text).any(ours)
        }
        _ => false,
    }
}

fn texts(items: Vec<Raw<'_>>) -> Option<List> {
    let text = |item| match item {
        Raw::Text(text) => Some(Value::String(text.into_owned())),
        _ => None,
    };
    items.into_iter().map(text).collect()
}

/// A NumericDate: a number of seconds, not negative (RFC 7519 §2).
fn time(value: &Raw<'_>, problem: &mut Option<&'static str>) -> Option<i128> {
    let nanoseconds = match value {
        Raw::Int(seconds) => Some(i128::from(*seconds) * NANOSECONDS),
        Raw::Big(seconds) => Some(i128::from(*seconds) * NANOSECONDS),
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and so far a token never lives")]
        Raw::Float(seconds) => Some((seconds * 1e9) as i128),
        _ => None,
    };
    let time = nanoseconds.filter(|time| *time >= 0);
    if time.is_none() {
        *problem = Some(WRONG_TIME);
    }
    time
}

impl<'de> DeserializeSeed<'de> for Reader<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token's claims")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let mut seen = Seen::of(self.token);
        while let Some(name) = members.next_key_seed(NameSeed)? {
            let value = members.next_value_seed(RawSeed { depth: MAX_DEPTH })?;
            let own = Own::named(&name);
            let place = self.token.claims.iter().position(|claim| claim.name == name);
            seen.add::<A::Error>(own, place, name)?;
            if let Some(own) = own {
                self.take(own, &value);
            }
            if let Some(place) = place {
                self.put(place, value);
            }
        }
        Ok(())
    }
}
