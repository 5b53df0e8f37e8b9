//! Hashes of passwords by a policy's `password` block.

use portcullis::password::PasswordError;

use crate::support::compile;

/// Hashes a password by a block, and compares the hash's beginning or the error.
#[track_caller]
fn check(block: &str, password: &str, expected: Result<&str, PasswordError>) {
    let hash = compile(block).hash_password(password, &[0; 16]);
    match (&hash, &expected) {
        (Ok(hash), Ok(begin)) => assert!(hash.starts_with(begin), "{hash} doesn't begin with {begin}"),
        _ => assert_eq!(hash.as_deref(), expected.as_ref().copied()),
    }
}

#[test]
fn the_block_says_how_a_password_is_hashed() {
    let argon2id = [
        ("", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"),
        ("memory 7MiB  iterations 5", "$argon2id$v=19$m=7168,t=5,p=1$"),
        ("memory 12MiB  iterations 3  parallelism 4", "$argon2id$v=19$m=12288,t=3,p=4$"),
        ("memory 47185921B  iterations 2  accept scrypt, bcrypt", "$argon2id$v=19$m=46080,t=2,p=1$"),
    ];
    for (entries, begin) in argon2id {
        check(&format!("password {{ algorithm argon2id  {entries} }}"), "hunter2", Ok(begin));
    }
    check("password { algorithm scrypt  cost 13  parallelism 10 }", "hunter2", Ok("$scrypt$ln=13,r=8,p=10$"));
    check("password { algorithm bcrypt  cost 10 }", "hunter2", Ok("$2b$10$......................"));
    check("password { algorithm bcrypt }", "hunter2", Ok("$2b$12$......................"));
}

#[test]
fn what_cannot_be_hashed_whole_is_refused() {
    check("", "hunter2", Err(PasswordError::NoRule));
    let argon2id = "password { algorithm argon2id  memory 7MiB  iterations 5 }";
    check(argon2id, &"x".repeat(1024), Ok("$argon2id$"));
    check(argon2id, &"x".repeat(1025), Err(PasswordError::TooLong { most: 1024 }));
    check(argon2id, "hunter2\0", Ok("$argon2id$"));
    let bcrypt = "password { algorithm bcrypt  cost 10 }";
    check(bcrypt, &"x".repeat(72), Ok("$2b$10$"));
    check(bcrypt, &"x".repeat(73), Err(PasswordError::TooLong { most: 72 }));
    check(bcrypt, "hunter2\0", Err(PasswordError::Nul));
}

#[test]
fn errors_say_what_to_do() {
    let messages = [
        (
            PasswordError::NoRule,
            "the policy doesn't say how passwords are hashed: add `password { algorithm argon2id }` to it",
        ),
        (
            PasswordError::TooLong { most: 72 },
            "the password is too long: the policy's algorithm takes 72 bytes at most",
        ),
    ];
    for (error, message) in messages {
        assert_eq!(error.to_string(), message);
    }
}
