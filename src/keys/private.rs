//! Private keys, ready to sign. What they are read from is checked: a half that doesn't belong to the other is refused.

use aws_lc_rs::digest::{self, digest};
use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaSignatureEncoding,
};
use p256::ecdsa::signature::Signer;

use crate::keys::algorithm::{KeyKind, SignatureAlgorithm};
use crate::keys::public::{Flaw, PublicKey, TOO_LARGE, TOO_SMALL};

const MISMATCHED: Flaw = "its halves don't belong together: supply a private key with its own public one";
const NO_KEY: Flaw = "it is no RSA, P-256, P-384 or Ed25519 key, or its halves don't belong together";

/// A private key. It wipes itself when it is dropped, and signs the same bytes twice alike.
pub(crate) enum PrivateKey {
    Rsa(RsaKeyPair),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Ed25519(Ed25519KeyPair),
}

/// Both halves of a pair.
pub(crate) type Halves = (PublicKey, PrivateKey);

impl PrivateKey {
    /// A key as `PrivateKeyInfo` (RFC 5208), of whichever kind it is.
    pub(crate) fn pkcs8(der: &[u8]) -> Result<Halves, Flaw> {
        match RsaKeyPair::from_pkcs8(der) {
            Ok(pair) => return rsa(pair),
            Err(rejected) if size(&rejected).is_some() => return Err(size(&rejected).unwrap_or(NO_KEY)),
            Err(_) => {}
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return ed25519(pair);
        }
        elliptic(|algorithm| EcdsaKeyPair::from_pkcs8(algorithm, der))
    }

    /// An RSA key as `RSAPrivateKey` (RFC 8017 §A.1.2).
    pub(crate) fn pkcs1(der: &[u8]) -> Result<Halves, Flaw> {
        rsa(RsaKeyPair::from_der(der).map_err(|rejected| size(&rejected).unwrap_or(NO_KEY))?)
    }

    /// A key of a curve as `ECPrivateKey` (RFC 5915).
    pub(crate) fn sec1(der: &[u8]) -> Result<Halves, Flaw> {
        elliptic(|algorithm| EcdsaKeyPair::from_private_key_der(algorithm, der))
    }

    /// An RSA key of all its numbers.
    pub(crate) fn rsa<N: AsRef<[u8]>, P: AsRef<[u8]>>(numbers: &KeyPairComponents<N, P>) -> Result<Halves, Flaw> {
        rsa(RsaKeyPair::from_components(numbers).map_err(|rejected| size(&rejected).unwrap_or(MISMATCHED))?)
    }

    /// A key of a curve: its private number, and its public half as it is written in a JWK.
    pub(crate) fn of_curve(kind: KeyKind, number: &[u8], public: &[u8]) -> Result<Halves, Flaw> {
        if kind == KeyKind::Ed25519 {
            return ed25519(Ed25519KeyPair::from_seed_and_public_key(number, public).map_err(|_| MISMATCHED)?);
        }
        let (kind, algorithm) = CURVES.into_iter().find(|(known, _)| *known == kind).ok_or(NO_KEY)?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, number, public).map_err(|_| MISMATCHED)?;
        of_pair(kind, &pair)
    }

    /// The signature, which is the same every time; none where the algorithm takes another key, or randomness.
    pub(crate) fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
        use SignatureAlgorithm::{EdDsa, Es256, Es384, Rs256, Rs384, Rs512};
        match (self, algorithm) {
            (Self::Rsa(pair), Rs256) => sign_pkcs1(pair, &RSA_PKCS1_SHA256, &digest::SHA256, message),
            (Self::Rsa(pair), Rs384) => sign_pkcs1(pair, &RSA_PKCS1_SHA384, &digest::SHA384, message),
            (Self::Rsa(pair), Rs512) => sign_pkcs1(pair, &RSA_PKCS1_SHA512, &digest::SHA512, message),
            (Self::P256(key), Es256) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_bytes().to_vec())
            }
            (Self::P384(key), Es384) => {
                let signature: p384::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_bytes().to_vec())
            }
            (Self::Ed25519(pair), EdDsa) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
            (Self::Rsa(_) | Self::P256(_) | Self::P384(_) | Self::Ed25519(_), _) => None,
        }
    }
}

/// The curves that sign with a fresh secret number a signature, which is made of the message here (RFC 6979).
const CURVES: [(KeyKind, &EcdsaSigningAlgorithm); 2] =
    [(KeyKind::P256, &ECDSA_P256_SHA256_FIXED_SIGNING), (KeyKind::P384, &ECDSA_P384_SHA384_FIXED_SIGNING)];

/// The flaw of a key whose size is wrong.
fn size(rejected: &KeyRejected) -> Option<Flaw> {
    match rejected.description_() {
        "TooSmall" => Some(TOO_SMALL),
        "TooLarge" => Some(TOO_LARGE),
        _ => None,
    }
}

fn rsa(pair: RsaKeyPair) -> Result<Halves, Flaw> {
    Ok((PublicKey::rsa_der(pair.public_key().as_ref())?, PrivateKey::Rsa(pair)))
}

fn ed25519(pair: Ed25519KeyPair) -> Result<Halves, Flaw> {
    Ok((PublicKey::of_curve(KeyKind::Ed25519, pair.public_key().as_ref())?, PrivateKey::Ed25519(pair)))
}

fn elliptic(
    read: impl Fn(&'static EcdsaSigningAlgorithm) -> Result<EcdsaKeyPair, KeyRejected>,
) -> Result<Halves, Flaw> {
    let pair = CURVES.into_iter().find_map(|(kind, algorithm)| Some((kind, read(algorithm).ok()?)));
    let (kind, pair) = pair.ok_or(NO_KEY)?;
    of_pair(kind, &pair)
}

fn of_pair(kind: KeyKind, pair: &EcdsaKeyPair) -> Result<Halves, Flaw> {
    let public = PublicKey::of_curve(kind, pair.public_key().as_ref())?;
    let number: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().map_err(|_| NO_KEY)?;
    let number = number.as_ref();
    let private = match kind {
        KeyKind::P384 => PrivateKey::P384(p384::ecdsa::SigningKey::from_slice(number).map_err(|_| NO_KEY)?),
        KeyKind::P256 | KeyKind::Rsa | KeyKind::Ed25519 => {
            PrivateKey::P256(p256::ecdsa::SigningKey::from_slice(number).map_err(|_| NO_KEY)?)
        }
    };
    Ok((public, private))
}

/// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2), of the digest: the call that takes a message wants a source of randomness, too,
/// which this signature doesn't need.
fn sign_pkcs1(
    pair: &RsaKeyPair,
    encoding: &'static RsaSignatureEncoding,
    hash: &'static digest::Algorithm,
    message: &[u8],
) -> Option<Vec<u8>> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign_digest(encoding, &digest(hash, message), &mut signature).ok()?;
    Some(signature)
}
