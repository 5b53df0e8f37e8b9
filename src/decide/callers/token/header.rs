//! A token's header (RFC 7515 §4.1). Of what it says of keys, its `kid` alone counts, and that selects among keys that were
//! configured: `jku`, `x5u`, `x5c` and `jwk` are an attacker's word, and are followed by nobody.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use foldhash::fast::FixedState;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::decide::callers::token::compact::{Buffer, decode};
use crate::decide::callers::token::raw::{MAX_DEPTH, NameSeed, Names, Raw, RawSeed};
use crate::typed::{Token, bare_typ};

const MALFORMED: &str = "the token's header isn't a JSON object whose members are what they should be, each once";

/// What counts of a header.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Header {
    algorithm: String,
    typ: Option<String>,
    key_id: Option<String>,
    /// `crit` or `b64`.
    is_extended: bool,
    is_nested: bool,
}

/// The headers that most tokens have, by their spelling in a token: whoever signs without more ado writes one of these, and
/// they needn't be read each time.
static USUAL: LazyLock<HashMap<String, Header, FixedState>> = LazyLock::new(|| {
    const ALGORITHMS: [&str; 13] = [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
        "Ed25519",
    ];
    let spellings = |algorithm: &&str| {
        [
            format!(r#"{{"alg":"{algorithm}"}}"#),
            format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#),
            format!(r#"{{"typ":"JWT","alg":"{algorithm}"}}"#),
            format!(r#"{{"alg":"{algorithm}","typ":"at+jwt"}}"#),
            format!(r#"{{"typ":"at+jwt","alg":"{algorithm}"}}"#),
        ]
    };
    let texts = ALGORITHMS.iter().flat_map(spellings);
    texts.filter_map(|text| Some((URL_SAFE_NO_PAD.encode(&text), Header::read(text.as_bytes()).ok()?))).collect()
});

impl Header {
    pub(crate) fn parse(part: &str) -> Result<Cow<'static, Self>, &'static str> {
        if let Some(usual) = USUAL.get(part) {
            return Ok(Cow::Borrowed(usual));
        }
        Self::read(decode(part, &mut Buffer::new())?).map(Cow::Owned)
    }

    fn read(text: &[u8]) -> Result<Self, &'static str> {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let header = Self::default().deserialize(&mut deserializer).map_err(|_| MALFORMED)?;
        deserializer.end().map_err(|_| MALFORMED)?;
        Ok(header)
    }

    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Names compare byte for byte (RFC 7515 §4.1.1); `Ed25519` is the newer name of `EdDSA` over that curve (RFC 9864 §2.2).
    pub(crate) fn is_signed_with(&self, algorithm: &str) -> bool {
        self.algorithm == algorithm || algorithm == "EdDSA" && self.algorithm == "Ed25519"
    }

    /// Media types compare without regard to case (RFC 7515 §4.1.9).
    pub(crate) fn has_typ(&self, pinned: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| typ == pinned || bare_typ(typ) == bare_typ(pinned))
    }

    pub(crate) fn check(&self, token: &Token) -> Result<(), &'static str> {
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
        while let Some(name) = members.next_key_seed(NameSeed)? {
            let value = members.next_value_seed(RawSeed { depth: MAX_DEPTH })?;
            self.take(&name, &value).map_err(A::Error::custom)?;
            names.add::<A::Error>(name)?;
        }
        Ok(self)
    }
}
