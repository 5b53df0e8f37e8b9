//! Signatures that hold, and those that don't.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde_json::json;

use crate::keys::tests::*;
use crate::keys::{HmacAlgorithm, SigningKey, VerifyingKey};

const MESSAGE: &[u8] = b"what is signed";

/// A signature by another implementation, the reference here.
fn signed_elsewhere(algorithm: SignatureAlgorithm) -> Vec<u8> {
    let pem = key(algorithm.key_kind()).private[0].as_bytes();
    let key = match algorithm.key_kind() {
        KeyKind::Rsa => EncodingKey::from_rsa_pem(pem),
        KeyKind::P256 | KeyKind::P384 => EncodingKey::from_ec_pem(pem),
        KeyKind::Ed25519 => EncodingKey::from_ed_pem(pem),
    };
    let named: Algorithm = algorithm.name().parse().unwrap();
    (DEFAULT_PROVIDER.signer_factory)(&named, &key.unwrap()).unwrap().sign(MESSAGE)
}

/// True if another implementation accepts a signature.
fn holds_elsewhere(algorithm: SignatureAlgorithm, signed: &[u8], signature: Vec<u8>) -> bool {
    let pem = key(algorithm.key_kind()).public[0].as_bytes();
    let key = match algorithm.key_kind() {
        KeyKind::Rsa => DecodingKey::from_rsa_pem(pem),
        KeyKind::P256 | KeyKind::P384 => DecodingKey::from_ec_pem(pem),
        KeyKind::Ed25519 => DecodingKey::from_ed_pem(pem),
    };
    let named: Algorithm = algorithm.name().parse().unwrap();
    (DEFAULT_PROVIDER.verifier_factory)(&named, &key.unwrap()).unwrap().verify(signed, &signature).is_ok()
}

fn verifying(algorithm: SignatureAlgorithm) -> VerifyingKey {
    key(algorithm.key_kind()).pair().verifying(algorithm)
}

/// The parts of a token: what is signed, and the signature.
fn taken_apart(token: &str) -> (&str, Vec<u8>) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    (signed, URL_SAFE_NO_PAD.decode(signature).unwrap())
}

#[test]
fn signatures_of_others_hold_for_their_own_algorithm_alone() {
    for algorithm in ALGORITHMS {
        let signature = signed_elsewhere(algorithm);
        for other in ALGORITHMS {
            let holds = verifying(other).verify(other, MESSAGE, &signature);
            assert_eq!(holds, other == algorithm, "{} as {}", algorithm.name(), other.name());
            // A key that is for one algorithm says no to all others, whatever it is asked.
            let holds = verifying(algorithm).verify(other, MESSAGE, &signature);
            assert_eq!(holds, other == algorithm, "a key for {} as {}", algorithm.name(), other.name());
        }
        assert!(!verifying(algorithm).verify(algorithm, b"something else", &signature));
    }
}

#[test]
fn keys_of_one_kind_are_no_keys_of_another() {
    for algorithm in ALGORITHMS {
        for key in KEYS.iter().filter(|key| key.kind != algorithm.key_kind()) {
            let key = key.pair().verifying(algorithm);
            assert!(!key.verify(algorithm, MESSAGE, &signed_elsewhere(algorithm)));
            assert_eq!(key.algorithms().count(), 0);
        }
    }
}

#[test]
fn secrets_are_no_public_keys() {
    let public = key(KeyKind::Rsa).public[0].as_bytes();
    let secret = VerifyingKey::secret(HmacAlgorithm::Hs256, public);
    assert!(!secret.verify(SignatureAlgorithm::Rs256, MESSAGE, &signed_elsewhere(SignatureAlgorithm::Rs256)));
    let token = SigningKey::secret(HmacAlgorithm::Hs256, public).token(None, &Map::new()).unwrap();
    let (signed, mac) = taken_apart(&token);
    assert!(secret.verify_mac(HmacAlgorithm::Hs256, signed.as_bytes(), &mac));
    for algorithm in ALGORITHMS {
        assert!(!verifying(algorithm).verify_mac(HmacAlgorithm::Hs256, signed.as_bytes(), &mac));
        assert!(!verifying(algorithm).verify(algorithm, signed.as_bytes(), &mac));
    }
}

#[test]
fn macs() {
    let all = [HmacAlgorithm::Hs256, HmacAlgorithm::Hs384, HmacAlgorithm::Hs512];
    for algorithm in all {
        let token = SigningKey::secret(algorithm, MESSAGE).token(None, &Map::new()).unwrap();
        let (signed, mac) = taken_apart(&token);
        assert_eq!(mac.len(), algorithm.least_key_bytes());
        for other in all {
            let holds = VerifyingKey::secret(other, MESSAGE).verify_mac(other, signed.as_bytes(), &mac);
            assert_eq!(holds, other == algorithm);
            let holds = VerifyingKey::secret(algorithm, MESSAGE).verify_mac(other, signed.as_bytes(), &mac);
            assert_eq!(holds, other == algorithm);
        }
        assert!(!VerifyingKey::secret(algorithm, b"other").verify_mac(algorithm, signed.as_bytes(), &mac));
        assert!(!VerifyingKey::secret(algorithm, MESSAGE).verify_mac(algorithm, signed.as_bytes(), &mac[1..]));
        assert!(!VerifyingKey::secret(algorithm, MESSAGE).verify_mac(algorithm, signed.as_bytes(), b""));
    }
}

#[test]
fn tokens_are_signed_twice_alike_and_hold_everywhere() {
    let claims = members(r#"{ "sub": "mia", "exp": 1 }"#);
    for algorithm in ALGORITHMS {
        let key = SigningKey::private(algorithm, &key(algorithm.key_kind()).pair());
        assert_eq!(key.is_some(), algorithm.is_repeatable(), "{}", algorithm.name());
        let Some(key) = key else { continue };
        let token = key.token(Some("at+jwt"), &claims).unwrap();
        assert_eq!(key.token(Some("at+jwt"), &claims).unwrap(), token);
        let (signed, signature) = taken_apart(&token);
        assert!(verifying(algorithm).verify(algorithm, signed.as_bytes(), &signature));
        assert!(holds_elsewhere(algorithm, signed.as_bytes(), signature));
        let (header, payload) = signed.split_once('.').unwrap();
        let decoded = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(decoded(header), format!(r#"{{"alg":"{}","typ":"at+jwt"}}"#, algorithm.name()));
        assert_eq!(decoded(payload), r#"{"sub":"mia","exp":1}"#);
    }
}

#[test]
fn tokens_bear_the_name_of_their_key() {
    let header = |jwk: &str| {
        let token =
            SigningKey::private(SignatureAlgorithm::EdDsa, &read(jwk).unwrap()).unwrap().token(None, &Map::new());
        let token = token.unwrap();
        String::from_utf8(URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
    };
    let jwk = fixture!("ed25519.jwk");
    assert_eq!(header(jwk), r#"{"alg":"EdDSA","typ":"JWT","kid":"ed25519"}"#);
    assert_eq!(header(&changed(jwk, json!({ "kid": "\"\n" }))), r#"{"alg":"EdDSA","typ":"JWT","kid":"\"\n"}"#);
    assert_eq!(header(&changed(jwk, json!({ "kid": null }))), r#"{"alg":"EdDSA","typ":"JWT"}"#);
}

#[test]
fn who_can_sign() {
    let can = |jwk: &str, algorithm| SigningKey::private(algorithm, &read(jwk).unwrap()).is_some();
    let (rsa, p256) = (fixture!("rsa2048.jwk"), fixture!("p256.jwk"));
    assert!(can(rsa, SignatureAlgorithm::Rs256) && can(rsa, SignatureAlgorithm::Rs512));
    assert!(!can(rsa, SignatureAlgorithm::Es256) && !can(p256, SignatureAlgorithm::Es384));
    assert!(!can(fixture!("p256.public.jwk"), SignatureAlgorithm::Es256));
    assert!(!can(&changed(rsa, json!({ "alg": "RS384" })), SignatureAlgorithm::Rs256));
    assert!(!can(&changed(p256, json!({ "key_ops": ["verify"] })), SignatureAlgorithm::Es256));
}

/// Every wrong length, and every half that is no number of the curve (RFC 7518 §3.4).
#[test]
fn malformed_signatures_fail() {
    for algorithm in ALGORITHMS {
        let (key, good) = (verifying(algorithm), signed_elsewhere(algorithm));
        let check = |what: &str, signature: &[u8]| {
            assert!(!key.verify(algorithm, MESSAGE, signature), "{}: {what}", algorithm.name());
        };
        for length in 0..good.len() {
            check("truncated", &good[..length]);
            check("truncated in front", &good[length + 1..]);
        }
        check("longer", &[&good[..], &[0]].concat());
        check("longer in front", &[&[0], &good[..]].concat());
        check("twice", &[&good[..], &good[..]].concat());
        for byte in 0..good.len() {
            let mut flipped = good.clone();
            flipped[byte] ^= 1;
            check("flipped", &flipped);
        }
        check("zero", &vec![0; good.len()]);
        check("ones", &vec![0xff; good.len()]);
        let (first, second) = good.split_at(good.len() / 2);
        let (zero, most) = (vec![0; first.len()], vec![0xff; first.len()]);
        for half in [zero, most] {
            check("first half", &[&half[..], second].concat());
            check("second half", &[first, &half[..]].concat());
        }
        check("halves swapped", &[second, first].concat());
    }
}

/// r and s count from 1 to the order less one (FIPS 186-5 §6.4.2).
#[test]
fn numbers_out_of_range_fail() {
    const P256: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    const P384: &str =
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
    for (algorithm, order) in [(SignatureAlgorithm::Es256, P256), (SignatureAlgorithm::Es384, P384)] {
        let (key, good, order) = (verifying(algorithm), signed_elsewhere(algorithm), vectors::bytes(order));
        let (r, s) = good.split_at(good.len() / 2);
        for (r, s) in [(&order[..], s), (r, &order[..]), (&order[..], &order[..])] {
            assert!(!key.verify(algorithm, MESSAGE, &[r, s].concat()));
        }
        // ECDSA itself takes the negative of s as well: that is no forgery, and the message stays the same.
        assert!(key.verify(algorithm, MESSAGE, &[r, &vectors::difference(&order, s)].concat()));
    }
}

#[test]
fn der_signatures_fail() {
    for algorithm in [SignatureAlgorithm::Es256, SignatureAlgorithm::Es384] {
        let signature = signed_elsewhere(algorithm);
        let der = match algorithm {
            SignatureAlgorithm::Es256 => {
                p256::ecdsa::Signature::from_slice(&signature).unwrap().to_der().as_bytes().to_vec()
            }
            _ => p384::ecdsa::Signature::from_slice(&signature).unwrap().to_der().as_bytes().to_vec(),
        };
        assert!(!verifying(algorithm).verify(algorithm, MESSAGE, &der));
    }
}

#[test]
fn keys_go_anywhere_and_say_nothing() {
    fn travels<T: Send + Sync>() {}
    travels::<VerifyingKey>();
    travels::<SigningKey>();
    travels::<crate::keys::Keys>();
    travels::<crate::keys::KeySet>();
    let pair = key(KeyKind::Ed25519).pair();
    let signing = SigningKey::private(SignatureAlgorithm::EdDsa, &pair).unwrap();
    assert_eq!(format!("{signing:?}"), r#"SigningKey { algorithm: "EdDSA", .. }"#);
    assert_eq!(format!("{:?}", pair.verifying(SignatureAlgorithm::EdDsa)), "VerifyingKey { .. }");
}
