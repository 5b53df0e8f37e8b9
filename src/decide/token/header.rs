//! A token's header (RFC 7515 §4.1). Of what it says of keys, its `kid` alone counts, and that selects among keys that were
//! configured: `jku`, `x5u`, `x5c` and `jwk` are an attacker's word, and are followed by nobody.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::check::typed::{Token, bare_typ};

use super::compact::decode;
use super::raw::{MAX_DEPTH, Names, Raw, RawSeed};

const MALFORMED: &str = "the token's header isn't a JSON object whose members are what they should be, each once";

/// What counts of a header.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Header {
    algorithm: String,
    typ: Option<String>,
    key_id: Option<String>,
    /// `crit` or `b64`.
    is_extended: bool,
    is_nested: bool,
}

impl Header {
    pub(super) fn parse(part: &str) -> Result<Self, &'static str> {
        let text = decode(part)?;
        let mut deserializer = serde_json::Deserializer::from_slice(&text);
        let header = Self::default().deserialize(&mut deserializer).map_err(|_| MALFORMED)?;
        deserializer.end().map_err(|_| MALFORMED)?;
        Ok(header)
    }

    pub(super) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Names compare byte for byte (RFC 7515 §4.1.1); `Ed25519` is the newer name of `EdDSA` over that curve (RFC 9864 §2.2).
    pub(super) fn is_signed_with(&self, algorithm: &str) -> bool {
        self.algorithm == algorithm || algorithm == "EdDSA" && self.algorithm == "Ed25519"
    }

    /// Media types compare without regard to case (RFC 7515 §4.1.9).
    pub(super) fn has_typ(&self, pinned: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| typ == pinned || bare_typ(typ) == bare_typ(pinned))
    }

    pub(super) fn check(&self, token: &Token) -> Result<(), &'static str> {
        // RFC 7515 §4.1.11: what isn't understood must not be ignored; RFC 7797 §7: `b64` has no place in a JWT.
        if self.is_extended {
            return Err("the token's header has critical extensions");
        }
        // RFC 7519 §5.2: a nested token says so; none is asked for here.
        if self.is_nested {
            return Err("the token holds another token");
        }
        match &token.typ {
            Some(pinned) if !self.has_typ(pinned) => Err("the token isn't of the declared `typ`"),
            _ => Ok(()),
        }
    }

    fn take(&mut self, name: &str, value: &Raw<'_>) -> Result<(), &'static str> {
        let text = || value.text().map(ToOwned::to_owned).ok_or(MALFORMED);
        match name {
            "alg" => self.algorithm = text()?,
            "typ" => self.typ = Some(text()?),
            "kid" => self.key_id = Some(text()?),
            "crit" | "b64" => self.is_extended = true,
            "cty" => self.is_nested = value.text().is_none_or(|cty| bare_typ(cty) == "jwt"),
            _ => {}
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Header {
    type Value = Self;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Header {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a token's header")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self, A::Error> {
        let mut names = Names::default();
        while let Some(name) = members.next_key_seed(super::raw::NameSeed)? {
            let value = members.next_value_seed(RawSeed { depth: MAX_DEPTH })?;
            self.take(&name, &value).map_err(A::Error::custom)?;
            names.add::<A::Error>(name)?;
        }
        Ok(self)
    }
}
