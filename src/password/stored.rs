//! A stored hash, read as hostile text: what isn't well-formed, or more work than a server bears, is no hash at all.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordVerifier};
use scrypt::Scrypt;

use crate::password::crypt::Bcrypt;
use crate::password::rule::{OUTPUT, SALT};
use crate::password::work::Work;

/// The most bytes of a hash's text; the longest that could be well-formed has fewer.
const MOST_TEXT: usize = 512;
/// The one version of Argon2 there is (RFC 9106 §3.2), 0x13; the one before is weaker.
const ARGON2_VERSION: u32 = 19;

/// A hash that a server bears to check.
pub(crate) struct Stored {
    work: Work,
    form: Form,
}

enum Form {
    Argon2id(Box<PasswordHash>),
    Scrypt(Box<PasswordHash>),
    Bcrypt(Bcrypt),
}

impl Stored {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MOST_TEXT {
            return None;
        }
        let stored = if text.starts_with("$2") { Self::bcrypt(text) } else { Self::phc(text) };
        stored.filter(|stored| stored.work.is_bearable())
    }

    fn bcrypt(text: &str) -> Option<Self> {
        let hash = Bcrypt::parse(text)?;
        Some(Self { work: Work::Bcrypt { cost: hash.cost }, form: Form::Bcrypt(hash) })
    }

    /// Reads the PHC string format.
    fn phc(text: &str) -> Option<Self> {
        let hash = Box::new(PasswordHash::new(text).ok()?);
        if hash.salt.is_none() || hash.hash.is_none() {
            return None;
        }
        match (hash.algorithm.as_str(), hash.version) {
            ("argon2id", Some(ARGON2_VERSION)) => {
                let [memory, iterations, parallelism] = parameters(&hash, ["m", "t", "p"])?;
                Some(Self { work: Work::Argon2id { memory, iterations, parallelism }, form: Form::Argon2id(hash) })
            }
            ("scrypt", None) => {
                let [cost, block, parallelism] = parameters(&hash, ["ln", "r", "p"])?;
                Some(Self { work: Work::Scrypt { cost, block, parallelism }, form: Form::Scrypt(hash) })
            }
            _ => None,
        }
    }

    pub(crate) fn work(&self) -> Work {
        self.work
    }

    /// Whether it is the hash of this password, which its algorithm takes. None where that can't be found out: the machine
    /// hasn't the memory.
    pub(crate) fn matches(&self, password: &str) -> Option<bool> {
        let found = match &self.form {
            Form::Argon2id(hash) => Argon2::default().verify_password(password.as_bytes(), hash.as_ref()),
            Form::Scrypt(hash) => Scrypt::new().verify_password(password.as_bytes(), hash.as_ref()),
            Form::Bcrypt(hash) => return Some(hash.matches(password)),
        };
        match found {
            Ok(()) => Some(true),
            Err(Error::PasswordInvalid) => Some(false),
            Err(_) => None,
        }
    }

    /// Whether a new hash by this work would be stronger.
    pub(crate) fn is_weaker_than(&self, work: Work) -> bool {
        let is_short = match &self.form {
            Form::Bcrypt(_) => false,
            Form::Argon2id(hash) | Form::Scrypt(hash) => {
                hash.salt.is_none_or(|salt| salt.len() < SALT) || hash.hash.is_none_or(|output| output.len() < OUTPUT)
            }
        };
        is_short || self.work.is_weaker_than(work)
    }
}

/// The values of these parameters, each of which stands there once, and no other. The crates would take the usual value
/// for one that is missing and the last of several, and multiply before they look.
fn parameters(hash: &PasswordHash, names: [&str; 3]) -> Option<[u32; 3]> {
    if hash.params.iter().count() != names.len() {
        return None;
    }
    let [first, second, third] = names.map(|name| hash.params.get_decimal(name));
    Some([first?, second?, third?])
}
