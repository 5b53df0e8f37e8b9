//! Signature algorithms by their names in tokens, and the kind of key that each takes.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    VerificationAlgorithm,
};

/// The symmetric signature algorithms (RFC 7518 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HmacAlgorithm {
    Hs256,
    Hs384,
    Hs512,
}

impl HmacAlgorithm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Hs256, Self::Hs384, Self::Hs512].into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// A key has at least as many bytes as the hash (RFC 7518 §3.2).
    pub(crate) fn least_key_bytes(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
        }
    }

    pub(crate) fn mac(self) -> hmac::Algorithm {
        match self {
            Self::Hs256 => hmac::HMAC_SHA256,
            Self::Hs384 => hmac::HMAC_SHA384,
            Self::Hs512 => hmac::HMAC_SHA512,
        }
    }
}

/// The signature algorithms of key pairs (RFC 7518 §3.3 to §3.5, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SignatureAlgorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    /// Over Ed25519, whichever of its two names is written (RFC 9864 §2.2).
    EdDsa,
}

impl SignatureAlgorithm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of a name, which counts to the letter (RFC 7515 §4.1.1).
    pub(crate) fn named(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        let mut all = KeyKind::ALL.into_iter().flat_map(KeyKind::algorithms);
        all.find(|algorithm| algorithm.name() == name).copied()
    }

    /// The kind of key that it takes.
    pub(crate) fn key_kind(self) -> KeyKind {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => KeyKind::Rsa,
            Self::Es256 => KeyKind::P256,
            Self::Es384 => KeyKind::P384,
            Self::EdDsa => KeyKind::Ed25519,
        }
    }

    /// True if signing needs no randomness, which the engine doesn't have. ES256 and ES384 need none (RFC 6979).
    pub(crate) fn is_repeatable(self) -> bool {
        !matches!(self, Self::Ps256 | Self::Ps384 | Self::Ps512)
    }

    pub(crate) fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &RSA_PSS_2048_8192_SHA512,
            Self::Es256 => &ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &ECDSA_P384_SHA384_FIXED,
            Self::EdDsa => &ED25519,
        }
    }
}

/// The kinds of key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl KeyKind {
    const ALL: [Self; 4] = [Self::Rsa, Self::P256, Self::P384, Self::Ed25519];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The algorithms that a key of this kind can be used with.
    pub(crate) fn algorithms(self) -> &'static [SignatureAlgorithm] {
        use SignatureAlgorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        match self {
            Self::Rsa => &[Rs256, Rs384, Rs512, Ps256, Ps384, Ps512],
            Self::P256 => &[Es256],
            Self::P384 => &[Es384],
            Self::Ed25519 => &[EdDsa],
        }
    }

    /// The length in bytes of a curve's coordinates and private numbers (RFC 7518 §6.2, RFC 8037 §2).
    pub(crate) fn field_bytes(self) -> usize {
        match self {
            Self::P384 => 48,
            Self::P256 | Self::Ed25519 | Self::Rsa => 32,
        }
    }
}
