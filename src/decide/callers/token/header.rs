//! A token's header (RFC 7515 §4.1). Its `kid` selects among configured keys. `jku`, `x5u`, `x5c` and `jwk` are ignored: an
//! attacker could have written them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use foldhash::fast::FixedState;
use serde::de::{Error as _, MapAccess};

use crate::decide::callers::token::claims::MAX_DEPTH;
use crate::decide::callers::token::compact::{Buffer, decode};
use crate::model::json::borrowed::JsonRef;
use crate::model::json::{Members, StrictReader, Tree as _};
use crate::typed::{Token, bare_typ};

const MALFORMED: &str = "the token's header isn't a JSON object whose members are what they should be, each once";

/// The parameters of a header that are checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Header {
    algorithm: String,
    typ: Option<String>,
    key_id: Option<String>,
    /// `crit` or `b64`.
    is_extended: bool,
    is_nested: bool,
}

/// The headers that most tokens have, by their encoded text, so that these aren't parsed each time.
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
        let mut header = Self::default();
        let text = serde_json::Deserializer::from_slice(text);
        StrictReader::new(usize::MAX).object(text, &mut header).map_err(|_| MALFORMED)?;
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

    fn take(&mut self, name: &str, value: &JsonRef<'_>) -> Result<(), &'static str> {
        let text = || value.as_str().map(ToOwned::to_owned).ok_or(MALFORMED);
        match name {
            "alg" => self.algorithm = text()?,
            "typ" => self.typ = Some(text()?),
            "kid" => self.key_id = Some(text()?),
            "crit" | "b64" => self.is_extended = true,
            "cty" => self.is_nested = value.as_str().is_none_or(|cty| bare_typ(cty) == "jwt"),
            _ => {}
        }
        Ok(())
    }
}

impl<'de> Members<'de> for Header {
    const MOST: usize = JsonRef::MOST_MEMBERS;

    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A, reader: &StrictReader) -> Result<(), A::Error> {
        let value = map.next_value_seed(reader.value(MAX_DEPTH))?;
        self.take(name, &value).map_err(A::Error::custom)
    }
}
