//! JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037): a secret, a public key, or both halves of a pair. What a key says of
//! its own use holds.

use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use crate::keys::algorithm::{HmacAlgorithm, KeyKind, SignatureAlgorithm};
use crate::keys::pair::Pair;
use crate::keys::private::{Halves, PrivateKey};
use crate::keys::public::{Flaw, PublicKey};
use crate::model::json;
use crate::model::json::JsonError;

/// The longest key in bytes. With the certificates that some carry along, one has a few KiB.
const MAX_TEXT: usize = 64 * 1024;
/// The deepest nesting of a key's members. The defined members are flat; others may nest.
pub(crate) const MAX_DEPTH: usize = 16;

const NUMBERS: Flaw = "one of its numbers is missing, or isn't base64url without padding and stray bits";
const LENGTH: Flaw = "one of its numbers isn't as long as its curve says (RFC 7518 §6.2, RFC 8037 §2)";
const PINNED: Flaw = "its `alg` isn't an algorithm that goes with its kind of key";
const PUBLISHED: Flaw =
    "it is a private key, which whoever can read the set knows: replace it, and publish the public half";

/// The members that only a private key or a secret has.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

type Number = Zeroizing<Vec<u8>>;

/// A key of a key ring.
pub(crate) enum Jwk {
    Secret { bytes: Number, pinned: Option<HmacAlgorithm> },
    Pair(Pair),
}

/// Reads the one key of a text.
pub(crate) fn parse(text: &[u8]) -> Result<Jwk, Flaw> {
    if text.len() > MAX_TEXT {
        return Err("it is longer than 64 KiB, which no key is");
    }
    let Value::Object(members) = json::parse(text, MAX_DEPTH).map_err(JsonError::message)? else {
        return Err("it isn't a JSON object");
    };
    let members = Wiped(members);
    if members.0.get("kty").is_some_and(|kty| kty == "oct") {
        return secret(&members.0);
    }
    let kind = kind(&members.0)?;
    let is_private = members.0.contains_key("d");
    let operations = operations(&members.0)?;
    let mut pair = match is_private {
        true => Pair::private(halves(kind, &members.0)?),
        false => Pair::public(public_half(kind, &members.0)?),
    };
    // The public half of a key that signs verifies, also where the private one is for nothing else.
    let verifies = operations.verifies || (is_private && operations.signs);
    if !verifies {
        return Err("its `key_ops` has neither `sign` nor `verify`");
    }
    pair.private = pair.private.filter(|_| operations.signs);
    pair.pinned = pinned(kind, &members.0)?;
    pair.id = id(&members.0)?;
    Ok(Jwk::Pair(pair))
}

/// A key of a set that is published: only a public one that is for signatures.
pub(crate) fn public(members: &Map<String, Value>) -> Result<Pair, Flaw> {
    if members.get("kty").is_some_and(|kty| kty == "oct") {
        return Err("it is a secret, which nobody publishes: it verifies nothing");
    }
    let kind = kind(members)?;
    if PRIVATE.iter().any(|name| members.contains_key(*name)) {
        return Err(PUBLISHED);
    }
    if !operations(members)?.verifies {
        return Err("its `key_ops` doesn't have `verify`");
    }
    let pinned = pinned(kind, members)?;
    Ok(Pair { pinned, id: id(members)?, ..Pair::public(public_half(kind, members)?) })
}

/// A symmetric key (RFC 7518 §6.4).
fn secret(members: &Map<String, Value>) -> Result<Jwk, Flaw> {
    let operations = operations(members)?;
    if !operations.signs && !operations.verifies {
        return Err("its `key_ops` has neither `sign` nor `verify`");
    }
    let named = members.get("alg").map(|alg| alg.as_str().and_then(HmacAlgorithm::named).ok_or(PINNED));
    Ok(Jwk::Secret { bytes: number(members, "k")?, pinned: named.transpose()? })
}

fn kind(members: &Map<String, Value>) -> Result<KeyKind, Flaw> {
    let text = |name| members.get(name).and_then(Value::as_str);
    match (text("kty"), text("crv")) {
        (Some("RSA"), _) => Ok(KeyKind::Rsa),
        (Some("EC"), Some("P-256")) => Ok(KeyKind::P256),
        (Some("EC"), Some("P-384")) => Ok(KeyKind::P384),
        (Some("EC"), _) => Err("its `crv` is neither `P-256` nor `P-384`"),
        (Some("OKP"), Some("Ed25519")) => Ok(KeyKind::Ed25519),
        (Some("OKP"), _) => Err("its `crv` isn't `Ed25519`"),
        _ => Err("its `kty` is none of `RSA`, `EC`, `OKP` and `oct`"),
    }
}

/// The uses that a key allows (RFC 7517 §4.2, §4.3).
struct Operations {
    signs: bool,
    verifies: bool,
}

fn operations(members: &Map<String, Value>) -> Result<Operations, Flaw> {
    if members.get("use").is_some_and(|usage| usage != "sig") {
        return Err("its `use` isn't `sig`");
    }
    let Some(listed) = members.get("key_ops") else { return Ok(Operations { signs: true, verifies: true }) };
    let listed = listed.as_array().ok_or("its `key_ops` isn't a list")?;
    let has = |name: &str| listed.iter().any(|operation| operation == name);
    Ok(Operations { signs: has("sign"), verifies: has("verify") })
}

fn pinned(kind: KeyKind, members: &Map<String, Value>) -> Result<Option<SignatureAlgorithm>, Flaw> {
    let Some(alg) = members.get("alg") else { return Ok(None) };
    let algorithm = alg.as_str().and_then(SignatureAlgorithm::named);
    algorithm.filter(|algorithm| algorithm.key_kind() == kind).map(Some).ok_or(PINNED)
}

fn id(members: &Map<String, Value>) -> Result<Option<String>, Flaw> {
    let named = members.get("kid").map(|kid| kid.as_str().map(ToOwned::to_owned).ok_or("its `kid` isn't a string"));
    named.transpose()
}

fn public_half(kind: KeyKind, members: &Map<String, Value>) -> Result<PublicKey, Flaw> {
    match kind {
        KeyKind::Rsa => {
            let (modulus, exponent) = rsa_public(members)?;
            PublicKey::rsa(&modulus, &exponent)
        }
        KeyKind::P256 | KeyKind::P384 | KeyKind::Ed25519 => PublicKey::of_curve(kind, &curve_public(kind, members)?),
    }
}

fn halves(kind: KeyKind, members: &Map<String, Value>) -> Result<Halves, Flaw> {
    match kind {
        KeyKind::Rsa => rsa_halves(members),
        KeyKind::P256 | KeyKind::P384 | KeyKind::Ed25519 => {
            let private = field(kind, members, "d")?;
            PrivateKey::of_curve(kind, &private, &curve_public(kind, members)?)
        }
    }
}

/// Modulus and exponent (RFC 7518 §6.3.1).
fn rsa_public(members: &Map<String, Value>) -> Result<(Number, Number), Flaw> {
    let (modulus, exponent) = (number(members, "n")?, number(members, "e")?);
    if [&modulus, &exponent].into_iter().any(|number| number.first().is_none_or(|first| *first == 0)) {
        return Err("its `n` or its `e` is empty, or begins with a zero byte (RFC 7518 §2)");
    }
    if exponent.last().is_none_or(|last| last % 2 == 0) || *exponent == [1] {
        return Err("its exponent is even, or less than 3");
    }
    Ok((modulus, exponent))
}

fn rsa_halves(members: &Map<String, Value>) -> Result<Halves, Flaw> {
    if members.contains_key("oth") {
        return Err("it has more than two primes");
    }
    if ["p", "q", "dp", "dq", "qi"].iter().any(|name| !members.contains_key(*name)) {
        return Err("it lacks `p`, `q`, `dp`, `dq` or `qi`, without which no RSA key signs here");
    }
    let (n, e) = rsa_public(members)?;
    PrivateKey::rsa(&KeyPairComponents {
        public_key: PublicKeyComponents { n: n.as_slice(), e: e.as_slice() },
        d: number(members, "d")?,
        p: number(members, "p")?,
        q: number(members, "q")?,
        dP: number(members, "dp")?,
        dQ: number(members, "dq")?,
        qInv: number(members, "qi")?,
    })
}

/// A point, uncompressed (SEC 1 §2.3.3), or the bytes of an Ed25519 key.
fn curve_public(kind: KeyKind, members: &Map<String, Value>) -> Result<Vec<u8>, Flaw> {
    let x = field(kind, members, "x")?;
    match kind {
        KeyKind::Ed25519 | KeyKind::Rsa => Ok(x.to_vec()),
        KeyKind::P256 | KeyKind::P384 => {
            let y = field(kind, members, "y")?;
            Ok([&[4][..], &x, &y].concat())
        }
    }
}

/// A number as long as the curve's field.
fn field(kind: KeyKind, members: &Map<String, Value>, name: &str) -> Result<Number, Flaw> {
    let number = number(members, name)?;
    if number.len() == kind.field_bytes() { Ok(number) } else { Err(LENGTH) }
}

fn number(members: &Map<String, Value>, name: &str) -> Result<Number, Flaw> {
    let text = members.get(name).and_then(Value::as_str).ok_or(NUMBERS)?;
    URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new).map_err(|_| NUMBERS)
}

/// The members of a key that may be a secret.
struct Wiped(Map<String, Value>);

impl Drop for Wiped {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}
