//! Validated public keys.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{PublicKey as RsaPublicKey, PublicKeyComponents, RsaParameters};
use aws_lc_rs::signature::ParsedPublicKey;

use crate::keys::algorithm::{KeyKind, SignatureAlgorithm};

/// The reason why a key can't be used, with advice, and without any part of the key.
pub(crate) type Flaw = &'static str;

pub(crate) const TOO_SMALL: Flaw = "its modulus has fewer than 2048 bits (RFC 7518 §3.3): make a longer key";
pub(crate) const TOO_LARGE: Flaw = "its modulus has more than 8192 bits: make a shorter key, such as one of 3072 bits";
pub(crate) const NO_RSA: Flaw = "its modulus and exponent aren't those of an RSA key";
pub(crate) const FACTORABLE: Flaw =
    "its modulus was made by a faulty library, and can be factored (ROCA, CVE-2017-15361): make another key";
const NO_POINT: Flaw = "it isn't a point on its curve";

/// A validated public key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    kind: KeyKind,
    /// One spelling a key: of RSA `RSAPublicKey` (RFC 8017 §A.1.1), else `SubjectPublicKeyInfo` (RFC 5280 §4.1).
    der: Box<[u8]>,
}

impl PublicKey {
    /// An RSA key of modulus and exponent, as numbers without leading zeros.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, Flaw> {
        let components = PublicKeyComponents { n: modulus, e: exponent };
        Self::rsa_der(components.as_der().map_err(|_| NO_RSA)?.as_ref())
    }

    /// An RSA key in either spelling.
    pub(crate) fn rsa_der(der: &[u8]) -> Result<Self, Flaw> {
        let key = RsaPublicKey::from_der(der).map_err(|_| NO_RSA)?;
        match RsaParameters::public_modulus_len(key.as_ref()).map_err(|_| NO_RSA)? {
            0..2048 => Err(TOO_SMALL),
            2048..=8192 if is_roca(key.modulus().big_endian_without_leading_zero()) => Err(FACTORABLE),
            2048..=8192 => Ok(Self { kind: KeyKind::Rsa, der: key.as_ref().into() }),
            _ => Err(TOO_LARGE),
        }
    }

    /// A key of a curve: an uncompressed point (SEC 1 §2.3.3), the 32 bytes of Ed25519, or `SubjectPublicKeyInfo`.
    pub(crate) fn of_curve(kind: KeyKind, bytes: &[u8]) -> Result<Self, Flaw> {
        let [algorithm] = kind.algorithms() else { return Err(NO_POINT) };
        let key = ParsedPublicKey::new(algorithm.verification(), bytes).map_err(|_| NO_POINT)?;
        Ok(Self { kind, der: key.as_der().map_err(|_| NO_POINT)?.as_ref().into() })
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key made ready for an algorithm; none where that takes another kind of key.
    pub(crate) fn prepare(&self, algorithm: SignatureAlgorithm) -> Option<ParsedPublicKey> {
        if algorithm.key_kind() != self.kind {
            return None;
        }
        ParsedPublicKey::new(algorithm.verification(), &self.der).ok()
    }
}

/// The primes that the library of ROCA took its primes by, up to where the chance of a good key is one in 2^27.
const ROCA_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// True if a modulus can be factored: if it is a power of 65537 modulo each of the small primes (Nemec and others, "The Return of Coppersmith's Attack", 2017, §4.1).
fn is_roca(modulus: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut powers = (0..*prime).scan(1, |power, _| {
            *power = *power * 65_537 % prime;
            Some(*power)
        });
        powers.any(|power| power == rest)
    })
}
