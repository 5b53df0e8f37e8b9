//! The forms of keys, and malformed keys.

use serde_json::{Value, json};

use crate::keys::ring::Entry;
use crate::keys::tests::*;
use crate::keys::{Keys, jwk};

#[test]
fn every_form_of_a_key_is_the_same_key() {
    for key in &KEYS {
        let same = key.pair();
        assert!(same.can_sign() && same.kind() == key.kind);
        for private in key.private {
            let pair = pem::parse(private.as_bytes()).unwrap();
            assert!(pair.is_same(&same) && pair.can_sign(), "{}", key.kind.name());
        }
        for public in key.public {
            let pair = pem::parse(public.as_bytes()).unwrap();
            assert!(pair.is_same(&same) && !pair.can_sign(), "{}", key.kind.name());
        }
        let (pair, public) = (read(key.jwk).unwrap(), read(key.public_jwk).unwrap());
        assert!(pair.is_same(&same) && pair.can_sign(), "{}", key.kind.name());
        assert!(public.is_same(&same) && !public.can_sign(), "{}", key.kind.name());
        assert!(jwk::public(&members(key.public_jwk)).unwrap().is_same(&same));
    }
}

#[test]
fn different_keys_are_different() {
    for one in &KEYS {
        let same = KEYS.iter().filter(|other| one.pair().is_same(&other.pair())).count();
        assert_eq!(same, 1, "{}", one.kind.name());
    }
}

#[test]
fn pem_may_have_text_around_it() {
    let text = fixture!("p256.public.pem");
    let check = |text: &str| assert!(pem::parse(text.as_bytes()).is_ok(), "{text}");
    check(&format!("\n\n{text}\n\n"));
    check(&text.replace('\n', "\r\n"));
    check(&format!("Made for a test.\n{text}"));
    check(text.trim_end());
    let [head, one, two, tail] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    check(&format!("{head}\n{one}{two}\n{tail}"));
}

#[test]
fn what_is_no_pem_is_told() {
    let check = |text: &str, why: &str| {
        let told = pem::parse(text.as_bytes()).err().unwrap_or_else(|| panic!("{text} is read"));
        assert!(told.contains(why), "{told}");
    };
    let good = fixture!("p256.pem");
    let labelled = |label: &str| good.replace("PRIVATE KEY", label);
    check("", "it isn't one key as PEM");
    check("hush", "it isn't one key as PEM");
    check("-----BEGIN PRIVATE KEY-----", "it isn't one key as PEM");
    check(&good.replace("END PRIVATE", "END PUBLIC"), "it isn't one key as PEM");
    check(&good.replace("-----\nM", "-----\n!"), "it isn't one key as PEM");
    check(&format!("{good}{good}"), "it isn't one key as PEM");
    check(&labelled("ENCRYPTED PRIVATE KEY"), "decrypt it");
    check(&labelled("CERTIFICATE"), "it is a certificate");
    check(&labelled("EC PARAMETERS"), "openssl pkcs8 -topk8 -nocrypt");
    check(&labelled("OPENSSH PRIVATE KEY"), "ssh-keygen");
    check(&labelled("HUSH"), "something else than a key");
    check(&labelled("PUBLIC KEY"), "it is no public RSA, P-256, P-384 or Ed25519 key");
    check(&labelled("RSA PUBLIC KEY"), "aren't those of an RSA key");
    check(&labelled("RSA PRIVATE KEY"), "it is no RSA, P-256");
    check(&fixture!("p256.public.pem").replace("PUBLIC", "PRIVATE"), "it is no RSA, P-256");
    check(fixture!("rsa1024.pem"), "fewer than 2048 bits");
    check(fixture!("rsa1024.public.pem"), "fewer than 2048 bits");
    check(&format!("{}{good}", "x\n".repeat(16 * 1024)), "longer than 16 KiB");
}

#[test]
fn no_depth_of_der_is_too_much() {
    let mut der = Vec::new();
    while der.len() < 8 * 1024 {
        let length = u16::try_from(der.len()).unwrap().to_be_bytes();
        der.splice(0..0, [0x30, 0x82, length[0], length[1]]);
    }
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "RSA PUBLIC KEY"] {
        let text = pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, &der).unwrap();
        assert!(pem::parse(text.as_bytes()).is_err());
    }
}

#[test]
fn halves_belong_together() {
    let check = |kind: KeyKind, changes: Value| {
        let told = read(&changed(key(kind).jwk, changes)).err().unwrap();
        assert!(told.contains("don't belong together"), "{told}");
    };
    let other = |name: &str, jwk: &str| json!({ "d": members(jwk)[name] });
    check(KeyKind::P256, other("x", fixture!("ed25519.jwk")));
    check(KeyKind::Ed25519, other("d", fixture!("p256.jwk")));
    check(KeyKind::P384, json!({ "d": "A".repeat(63) + "B" }));
    let rsa = members(key(KeyKind::Rsa).jwk);
    check(KeyKind::Rsa, json!({ "p": rsa["q"], "q": rsa["q"] }));
    check(KeyKind::Rsa, json!({ "dp": rsa["dq"] }));
    check(KeyKind::Rsa, json!({ "qi": rsa["dq"] }));
    check(KeyKind::Rsa, json!({ "d": rsa["p"] }));
    check(KeyKind::Rsa, json!({ "e": "Aw" }));
}

/// One PEM has the private number of another key.
#[test]
fn halves_of_pem_belong_together() {
    let der = |text: &str| pem_rfc7468::decode_vec(text.as_bytes()).unwrap().1;
    let mut swapped = der(fixture!("p256.pem"));
    let number = swapped.iter().position(|byte| *byte == 0x20).unwrap() + 1;
    swapped[number] ^= 1;
    let text = pem_rfc7468::encode_string("PRIVATE KEY", pem_rfc7468::LineEnding::LF, &swapped).unwrap();
    assert!(pem::parse(text.as_bytes()).err().unwrap().contains("don't belong together"));
}

#[test]
fn what_is_no_jwk_is_told() {
    let check = |text: &str, why: &str| {
        let told = read(text).err().unwrap_or_else(|| panic!("{text} is read"));
        assert!(told.contains(why), "{told}");
    };
    let of = |kind: KeyKind, changes: Value| changed(key(kind).public_jwk, changes);
    check("", "it isn't JSON");
    check("[]", "it isn't a JSON object");
    check(r#"{"kty":"EC","kty":"EC"}"#, "a key twice");
    check("{}", "its `kty` is none of");
    check(&of(KeyKind::P256, json!({ "kty": "ec" })), "its `kty` is none of");
    check(&of(KeyKind::P256, json!({ "crv": "secp256k1" })), "its `crv` is neither");
    check(&of(KeyKind::P256, json!({ "crv": "P-384" })), "isn't as long as its curve");
    check(&of(KeyKind::P256, json!({ "kty": "OKP" })), "its `crv` isn't `Ed25519`");
    check(&of(KeyKind::Ed25519, json!({ "crv": "X25519" })), "its `crv` isn't `Ed25519`");
    check(&of(KeyKind::P256, json!({ "y": null })), "one of its numbers is missing");
    check(&of(KeyKind::P256, json!({ "x": 5 })), "one of its numbers is missing");
    check(&of(KeyKind::Ed25519, json!({ "x": "A".repeat(42) + "B" })), "stray bits");
    check(&of(KeyKind::Ed25519, json!({ "x": "A".repeat(43) + "=" })), "without padding");
    check(&of(KeyKind::Ed25519, json!({ "x": "+".repeat(43) })), "isn't base64url");
    check(&of(KeyKind::Ed25519, json!({ "x": "A".repeat(44) })), "isn't as long as its curve");
    check(&of(KeyKind::P256, json!({ "y": "A".repeat(43) })), "isn't a point on its curve");
    check(&of(KeyKind::P256, json!({ "x": "A".repeat(43), "y": "A".repeat(43) })), "isn't a point on its curve");
    check(&of(KeyKind::Rsa, json!({ "e": "" })), "is empty");
    check(&of(KeyKind::Rsa, json!({ "e": "AAEAAQ" })), "begins with a zero byte");
    check(&of(KeyKind::Rsa, json!({ "e": "AQ" })), "less than 3");
    check(&of(KeyKind::Rsa, json!({ "e": "AQAC" })), "is even");
    check(&of(KeyKind::Rsa, json!({ "e": "_____________w" })), "aren't those of an RSA key");
    check(fixture!("rsa1024.jwk"), "fewer than 2048 bits");
    check(fixture!("rsa1024.public.jwk"), "fewer than 2048 bits");
    check(&of(KeyKind::Rsa, json!({ "n": "_".repeat(1400) })), "more than 8192 bits");
    check(&of(KeyKind::Rsa, json!({ "n": "_".repeat(40_000) })), "aren't those of an RSA key");
    check(&changed(key(KeyKind::Rsa).jwk, json!({ "qi": null })), "it lacks `p`");
    check(&changed(key(KeyKind::Rsa).jwk, json!({ "oth": [] })), "more than two primes");
    check(&changed(key(KeyKind::P384).jwk, json!({ "d": "AA" })), "isn't as long as its curve");
    check(&of(KeyKind::P256, json!({ "more": "x".repeat(64 * 1024) })), "longer than 64 KiB");
}

#[test]
fn what_a_jwk_says_of_its_use_holds() {
    let check = |changes: Value, expected: Result<Option<&str>, &str>| {
        for jwk in [key(KeyKind::Rsa).jwk, key(KeyKind::Rsa).public_jwk] {
            match (read(&changed(jwk, changes.clone())), expected) {
                (Ok(pair), Ok(pinned)) => {
                    assert_eq!(pair.pinned().map(|algorithm| algorithm.name()), pinned, "{changes}")
                }
                (Err(told), Err(why)) => assert!(told.contains(why), "{changes}: {told}"),
                (found, _) => panic!("{changes}: {:?}", found.err()),
            }
        }
    };
    check(json!({}), Ok(None));
    check(json!({ "alg": "PS384", "use": "sig" }), Ok(Some("PS384")));
    check(json!({ "key_ops": ["sign", "verify"] }), Ok(None));
    check(json!({ "alg": "ES256" }), Err("its `alg`"));
    check(json!({ "alg": "rs256" }), Err("its `alg`"));
    check(json!({ "alg": "HS256" }), Err("its `alg`"));
    check(json!({ "alg": "RSA-OAEP" }), Err("its `alg`"));
    check(json!({ "alg": 5 }), Err("its `alg`"));
    check(json!({ "use": "enc" }), Err("its `use`"));
    check(json!({ "use": 5 }), Err("its `use`"));
    check(json!({ "key_ops": "verify" }), Err("its `key_ops` isn't a list"));
    check(json!({ "key_ops": [] }), Err("neither `sign` nor `verify`"));
    check(json!({ "key_ops": ["encrypt"] }), Err("neither `sign` nor `verify`"));
    check(json!({ "kid": 5 }), Err("its `kid`"));
    let both = read(&changed(key(KeyKind::Ed25519).jwk, json!({ "alg": "Ed25519" }))).unwrap();
    assert_eq!(both.pinned(), Some(SignatureAlgorithm::EdDsa), "either name will do (RFC 9864)");
    assert!(read(&changed(key(KeyKind::P256).jwk, json!({ "key_ops": ["sign"] }))).unwrap().can_sign());
    assert!(!read(&changed(key(KeyKind::P256).jwk, json!({ "key_ops": ["verify"] }))).unwrap().can_sign());
    assert!(read(&changed(key(KeyKind::P256).public_jwk, json!({ "key_ops": ["sign"] }))).is_err());
}

#[test]
fn rings_hold_what_they_are_given() {
    let secret = |keys: &Keys| match keys.secret("A") {
        Some(Entry::Secret(bytes, pinned)) => (bytes.to_vec(), pinned.clone()),
        _ => panic!("{keys:?}"),
    };
    let pinned = Some("HS512".to_owned());
    assert_eq!(secret(&Keys::new().with_secret("A", *b"hush")), (b"hush".to_vec(), None));
    assert_eq!(secret(&Keys::new().with_secret_for("A", *b"hush", "HS512")), (b"hush".to_vec(), pinned.clone()));
    let oct = r#"{ "kty": "oct", "k": "aHVzaA", "alg": "HS512" }"#;
    assert_eq!(secret(&Keys::new().with_jwk("A", oct)), (b"hush".to_vec(), pinned));
    assert_eq!(secret(&Keys::new().with_pem("A", "hush").with_secret("A", *b"new")), (b"new".to_vec(), None));
    let unusable = |jwk: &str| matches!(Keys::new().with_jwk("A", jwk).secret("A"), Some(Entry::Unusable(_)));
    assert!(unusable(r#"{ "kty": "oct", "k": "aHVzaA", "alg": "RS256" }"#));
    assert!(unusable(r#"{ "kty": "oct", "k": "aHVzaA", "key_ops": ["wrapKey"] }"#));
    assert!(unusable(r#"{ "kty": "oct", "k": "aHVzaB" }"#));
    assert!(unusable(r#"{ "kty": "oct" }"#));
    let keys = Keys::new().with_pem("A", fixture!("p256.pem")).with_jwk("B", "hush").with_secret("C", "hush");
    assert_eq!(format!("{keys:?}"), r#"["A", "B", "C"]"#);
}
