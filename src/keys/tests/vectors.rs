//! Known answers: RFC 7515 (appendix A), RFC 8037 (appendix A.4) and RFC 6979 (appendix A.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::keys::private::PrivateKey;
use crate::keys::tests::*;
use crate::keys::{HmacAlgorithm, KeySet, VerifyingKey};

/// Bytes of hexadecimal digits.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// The difference of two numbers of one length.
pub(crate) fn difference(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut digits: Vec<u8> = one
        .iter()
        .zip(other)
        .rev()
        .map(|(one, other)| {
            let digit = i16::from(*one) - i16::from(*other) - borrow;
            borrow = i16::from(digit < 0);
            u8::try_from(digit.rem_euclid(256)).unwrap()
        })
        .collect();
    digits.reverse();
    digits
}

/// The payload of all of RFC 7515's examples.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn check(jwk: Value, algorithm: SignatureAlgorithm, signed: &str, signature: &str) {
    let set = KeySet::parse(set_of(&[jwk]).as_bytes()).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key = set.select(None, algorithm).unwrap();
    assert!(key.verify(algorithm, signed.as_bytes(), &signature), "{}", algorithm.name());
    assert!(!key.verify(algorithm, &signed.as_bytes()[1..], &signature), "{}", algorithm.name());
}

#[test]
fn hs256() {
    let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let secret = URL_SAFE_NO_PAD.decode(secret).unwrap();
    let mac = URL_SAFE_NO_PAD.decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    let signed = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}");
    let key = VerifyingKey::secret(HmacAlgorithm::Hs256, &secret);
    assert!(key.verify_mac(HmacAlgorithm::Hs256, signed.as_bytes(), &mac));
}

#[test]
fn rs256() {
    let modulus = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SF\
                   d2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo\
                   7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM\
                   Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb\
                     F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383\
                     LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy\
                     wlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let jwk = json!({ "kty": "RSA", "n": modulus, "e": "AQAB" });
    check(jwk, SignatureAlgorithm::Rs256, &format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}"), signature);
}

#[test]
fn es256() {
    let jwk = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    check(jwk, SignatureAlgorithm::Es256, &format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}"), signature);
}

#[test]
fn ed25519() {
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    check(jwk.clone(), SignatureAlgorithm::EdDsa, signed, signature);
    let mut private = jwk;
    private["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let pair = read(&private.to_string()).unwrap();
    let made = pair.private.unwrap().sign(SignatureAlgorithm::EdDsa, signed.as_bytes()).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(made), signature);
}

/// The numbers that ECDSA needs are made of the message.
#[test]
fn repeatable_ecdsa() {
    let check = |algorithm: SignatureAlgorithm, number: &str, point: [&str; 2], signature: [&str; 2]| {
        let public = [vec![4], bytes(point[0]), bytes(point[1])].concat();
        let (_, key) = PrivateKey::of_curve(algorithm.key_kind(), &bytes(number), &public).unwrap();
        assert_eq!(key.sign(algorithm, b"sample").unwrap(), bytes(&signature.concat()), "{}", algorithm.name());
    };
    check(
        SignatureAlgorithm::Es256,
        "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
        [
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
        ],
        [
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        ],
    );
    check(
        SignatureAlgorithm::Es384,
        "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
        [
            "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13",
            "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
        ],
        [
            "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46",
            "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
        ],
    );
}
