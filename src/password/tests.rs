//! Hashes of other implementations, hostile hashes, and their outcomes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::iter::zip;

use proptest::prelude::*;

use crate::model::keywords::PasswordAlgorithm;
use crate::password::stored_hash::StoredHash;
use crate::password::{HashParameters, MAX_PASSWORD, PasswordError, PasswordOutcome, PasswordRule, PasswordTask};

/// From the tests of Argon2's reference implementation.
const ARGON2ID: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
/// The third test vector of RFC 7914 §12, of `pleaseletmein`.
const SCRYPT: &str = "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU\
                      $cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw";
/// From the tests of jBCrypt, of `a`.
const BCRYPT: &str = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";
/// The hash by libxcrypt of 72 times `x`, and of any longer password with that prefix.
const BCRYPT_72: &str = "$2a$05$......................YgIDy4hFBdVlc/6LHnD9mX488r9cLd2";
/// The hash by libxcrypt of `grüße`.
const BCRYPT_UTF8: &str = "$2y$04$MobodyKnowsThisSalt..uUUCY7OEOZ4m4mx1W9SIKgcsaVbtvib6";

const NO: PasswordOutcome = PasswordOutcome::new(false, false);
const FINE: PasswordOutcome = PasswordOutcome::new(true, false);
const WEAK: PasswordOutcome = PasswordOutcome::new(true, true);

const SALT: [u8; 16] = *b"sixteen bytes, 1";

fn argon2id(memory: u32, iterations: u32, parallelism: u32) -> HashParameters {
    HashParameters::Argon2id { memory, iterations, parallelism }
}

fn scrypt(cost: u32, block: u32, parallelism: u32) -> HashParameters {
    HashParameters::Scrypt { cost, block, parallelism }
}

fn bcrypt(cost: u32) -> HashParameters {
    HashParameters::Bcrypt { cost }
}

/// One of each algorithm, as cheap as it can be, which takes hashes of all.
fn cheap() -> [PasswordRule; 3] {
    let all = vec![PasswordAlgorithm::Argon2id, PasswordAlgorithm::Scrypt, PasswordAlgorithm::Bcrypt];
    [argon2id(8, 1, 1), scrypt(1, 8, 1), bcrypt(4)].map(|work| PasswordRule::new(work, all.clone()))
}

#[track_caller]
fn check(rule: &PasswordRule, password: &str, hash: &str, expected: &PasswordOutcome) {
    let task = PasswordTask::new(rule.clone(), password.to_owned(), hash.to_owned());
    let shown: String = hash.chars().take(100).collect();
    assert_eq!(task.run(), *expected, "{password:.20} with {shown} by {rule:?}");
}

#[test]
fn hashes_of_others_match() {
    // By rules of Argon2id, scrypt and bcrypt; the first two salts are short.
    let hashes = [
        ("password", ARGON2ID, [&WEAK, &WEAK, &WEAK]),
        ("pleaseletmein", SCRYPT, [&WEAK, &WEAK, &WEAK]),
        ("a", BCRYPT, [&WEAK, &WEAK, &FINE]),
        ("grüße", BCRYPT_UTF8, [&WEAK, &WEAK, &FINE]),
    ];
    for (password, hash, expected) in hashes {
        for (rule, expected) in zip(&cheap(), expected) {
            check(rule, password, hash, expected);
        }
        for wrong in ["", "Password", "pleaseletmein ", "b", "a\0", "\0"] {
            check(&cheap()[0], wrong, hash, &NO);
        }
    }
}

#[test]
fn only_what_the_policy_takes_matches() {
    let made = cheap().map(|rule| rule.hash("hunter2", &SALT).unwrap());
    for work in [argon2id(8, 1, 1), scrypt(1, 8, 1), bcrypt(4)] {
        for hash in &made {
            let strict = PasswordRule::new(work, Vec::new());
            let is_own = strict.hash("hunter2", &SALT).unwrap() == *hash;
            check(&strict, "hunter2", hash, if is_own { &FINE } else { &NO });
        }
    }
    let older = PasswordRule::new(argon2id(8, 1, 1), vec![PasswordAlgorithm::Bcrypt]);
    let [own, scrypt, bcrypt] = &made;
    check(&older, "hunter2", own, &FINE);
    check(&older, "hunter2", scrypt, &NO);
    check(&older, "hunter2", bcrypt, &WEAK);
}

#[test]
fn weaker_hashes_are_renewed() {
    let check = |stored: HashParameters, rule: HashParameters, expected: &PasswordOutcome| {
        let all = vec![PasswordAlgorithm::Argon2id, PasswordAlgorithm::Scrypt, PasswordAlgorithm::Bcrypt];
        let hash = PasswordRule::new(stored, Vec::new()).hash("hunter2", &SALT).unwrap();
        check(&PasswordRule::new(rule, all), "hunter2", &hash, expected);
    };
    let rule = argon2id(64, 2, 2);
    check(argon2id(64, 2, 2), rule, &FINE);
    check(argon2id(65, 3, 3), rule, &FINE);
    check(argon2id(63, 2, 2), rule, &WEAK);
    check(argon2id(64, 1, 2), rule, &WEAK);
    check(argon2id(64, 2, 1), rule, &WEAK);
    check(argon2id(1024, 1, 2), rule, &WEAK);
    check(scrypt(4, 8, 2), rule, &WEAK);
    check(bcrypt(4), rule, &WEAK);
    let rule = scrypt(4, 8, 2);
    check(scrypt(4, 8, 2), rule, &FINE);
    check(scrypt(5, 9, 3), rule, &FINE);
    check(scrypt(3, 8, 2), rule, &WEAK);
    check(scrypt(4, 7, 2), rule, &WEAK);
    check(scrypt(4, 8, 1), rule, &WEAK);
    check(argon2id(64, 2, 2), rule, &WEAK);
    let rule = bcrypt(5);
    check(bcrypt(5), rule, &FINE);
    check(bcrypt(6), rule, &FINE);
    check(bcrypt(4), rule, &WEAK);
    check(argon2id(64, 2, 2), rule, &WEAK);
}

#[test]
fn short_salts_and_outputs_are_renewed() {
    let [argon2id, scrypt, _] = &cheap();
    // The salts have 8 and 14 bytes, the outputs 32 and 64.
    check(argon2id, "password", ARGON2ID, &WEAK);
    check(scrypt, "pleaseletmein", SCRYPT, &WEAK);
    // What hashlib.scrypt makes with a salt of 16 bytes, and outputs of 32, 31 and 10 of them.
    for (output, expected) in [
        ("SlIQjrAny9mx7ssOMvq5AXwjlgdWT+889sXlTx6cWY0", &FINE),
        ("SlIQjrAny9mx7ssOMvq5AXwjlgdWT+889sXlTx6cWQ", &WEAK),
        ("SlIQjrAny9mx7g", &WEAK),
        ("SlIQjrAny9mx", &NO),
    ] {
        check(scrypt, "password", &format!("$scrypt$ln=4,r=8,p=3$AAECAwQFBgcICQoLDA0ODw${output}"), expected);
    }
}

#[test]
fn hostile_hashes_dont_match() {
    let corpus = include_str!("hostile_hashes.txt").lines().filter(|line| !line.starts_with('#'));
    let special = [
        "",
        "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe\n",
        "\u{0}",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc\n",
    ];
    let mut hostile: Vec<String> = corpus.chain(special).map(str::to_owned).collect();
    let (salt, output) = ("c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
    hostile.push(format!("$argon2id$v=19$m=65536,t=2,p=1${}${output}", "A".repeat(66)));
    hostile.push(format!("$argon2id$v=19$m=65536,t=2,p=1${salt}${}", "A".repeat(87)));
    hostile.push(format!("{ARGON2ID}{}", "A".repeat(1024 * 1024)));
    hostile.push("$".repeat(1024 * 1024));
    hostile.push("ü".repeat(1024 * 1024));
    hostile.push(format!("${}", "m=1,".repeat(256 * 1024)));
    for rule in &cheap() {
        for hash in &hostile {
            for password in ["password", "a", ""] {
                check(rule, password, hash, &NO);
            }
        }
    }
}

/// Cuts, insertions and replacements anywhere in a valid hash make it another hash, or none.
#[test]
fn a_changed_hash_doesnt_match() {
    for rule in &cheap() {
        let hash = rule.hash("hunter2", &SALT).unwrap();
        for place in 0..hash.len() {
            let (before, after) = hash.split_at(place);
            let mut rest = after.chars();
            let first = rest.next().unwrap();
            // An output of scrypt begins as a longer one does.
            if !hash.starts_with("$scrypt") || after.contains('$') {
                check(rule, "hunter2", before, &NO);
            }
            for other in ['$', ',', '9', 'A', 'ü'] {
                if other != first {
                    check(rule, "hunter2", &format!("{before}{other}{}", rest.as_str()), &NO);
                }
                check(rule, "hunter2", &format!("{before}{other}{after}"), &NO);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read(text in r"\PC{0,80}|\$(argon2id\$v=19|scrypt|2b)(\$(ln|[mtrp]|)[=0-9,A-z./+ü]{0,50}){0,5}") {
        if let Some(stored) = StoredHash::parse(&text) {
            prop_assert!(stored.parameters().is_affordable());
        }
    }
}

#[test]
fn bcrypt_takes_72_bytes_and_no_nul() {
    let [argon2id, _, bcrypt] = &cheap();
    for rule in [argon2id, bcrypt] {
        let outcome = if rule == bcrypt { &FINE } else { &WEAK };
        check(rule, &"x".repeat(72), BCRYPT_72, outcome);
        for wrong in ["x".repeat(71), "x".repeat(73), "x".repeat(100), format!("{}\0", "x".repeat(71))] {
            check(rule, &wrong, BCRYPT_72, &NO);
        }
        check(rule, &format!("{}ü", "x".repeat(71)), BCRYPT_72, &NO);
    }
    // It would be renewed, if bcrypt took it.
    let long = "x".repeat(73);
    check(bcrypt, &long, &argon2id.hash(&long, &SALT).unwrap(), &FINE);
    let most = bcrypt.hash(&"ü".repeat(36), &SALT).unwrap();
    check(bcrypt, &"ü".repeat(36), &most, &FINE);
    assert_eq!(bcrypt.hash(&"x".repeat(73), &SALT), Err(PasswordError::TooLong { most: 72 }));
    assert_eq!(bcrypt.hash("hunter2\0", &SALT), Err(PasswordError::Nul));
    // The end of a password, for bcrypt.
    let hash = bcrypt.hash("", &SALT).unwrap();
    check(bcrypt, "", &hash, &FINE);
    check(bcrypt, "\0", &hash, &NO);
    assert!(argon2id.hash("hunter2\0", &SALT).is_ok());
}

#[test]
fn long_passwords_arent_hashed() {
    for rule in &cheap() {
        assert!(matches!(rule.hash(&"x".repeat(MAX_PASSWORD + 1), &SALT), Err(PasswordError::TooLong { .. })));
        for hash in [ARGON2ID, SCRYPT, BCRYPT, BCRYPT_72, &rule.dummy()] {
            check(rule, &"x".repeat(MAX_PASSWORD + 1), hash, &NO);
            check(rule, &"x".repeat(4 * 1024 * 1024), hash, &NO);
        }
    }
    let [argon2id, scrypt, _] = &cheap();
    for rule in [argon2id, scrypt] {
        let most = "x".repeat(MAX_PASSWORD);
        check(rule, &most, &rule.hash(&most, &SALT).unwrap(), &FINE);
    }
}

#[test]
fn no_password_has_the_dummy() {
    for rule in &cheap() {
        let dummy = rule.dummy();
        let stored = StoredHash::parse(&dummy).unwrap();
        assert_eq!(stored.parameters(), rule.parameters(), "it takes the time of a real one");
        assert!(!stored.is_weaker_than(rule.parameters()));
        for password in ["", "password", "123456", "nobody has this password at all!", "nobody logs in A"] {
            check(rule, password, &dummy, &NO);
        }
    }
}

#[test]
fn a_new_hash_matches_its_password_alone() {
    for rule in &cheap() {
        for password in ["", "hunter2", "grüße", " ", "pass$word,=", "🗝️"] {
            let hash = rule.hash(password, &SALT).unwrap();
            assert_eq!(rule.hash(password, &SALT).unwrap(), hash, "nothing but the arguments counts");
            assert_ne!(rule.hash(password, &[0; 16]).unwrap(), hash);
            check(rule, password, &hash, &FINE);
            check(rule, "another", &hash, &NO);
            check(rule, &format!("{password} "), &hash, &NO);
        }
    }
    let begins = [
        "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
        "$scrypt$ln=1,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
        "$2b$04$......................",
    ];
    for (rule, begin) in zip(&cheap(), begins) {
        let hash = rule.hash("hunter2", &[0; 16]).unwrap();
        assert!(hash.starts_with(begin), "{hash}");
    }
}

#[test]
fn nothing_secret_is_printed() {
    let [argon2id, ..] = cheap();
    let task = PasswordTask::new(argon2id.clone(), "hunter2".to_owned(), ARGON2ID.to_owned());
    let printed = format!("{task:?} {task:#?}");
    for secret in ["hunter2", "c29tZXNhbHQ", "CTFhFdXP", "65536"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert_eq!(task.clone(), task);
    assert_ne!(task, PasswordTask::new(argon2id, "hunter3".to_owned(), ARGON2ID.to_owned()));
}
