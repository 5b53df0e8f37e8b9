//! Parses stored hashes. Their text may be hostile: malformed and unaffordable hashes are refused.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordVerifier};
use scrypt::Scrypt;

use crate::password::crypt::Bcrypt;
use crate::password::parameters::HashParameters;
use crate::password::rule::{OUTPUT, SALT};

/// The most bytes of a hash's text. Every well-formed hash is shorter.
const MOST_TEXT: usize = 512;
/// The version of RFC 9106 §3.2, 0x13. The version before is weaker.
const ARGON2_VERSION: u32 = 19;

/// A hash that a server can afford to compare.
pub(crate) struct StoredHash {
    parameters: HashParameters,
    hash: ParsedHash,
}

enum ParsedHash {
    Argon2id(Box<PasswordHash>),
    Scrypt(Box<PasswordHash>),
    Bcrypt(Bcrypt),
}

impl StoredHash {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MOST_TEXT {
            return None;
        }
        let stored = if text.starts_with("$2") { Self::bcrypt(text) } else { Self::phc(text) };
        stored.filter(|stored| stored.parameters.is_affordable())
    }

    fn bcrypt(text: &str) -> Option<Self> {
        let hash = Bcrypt::parse(text)?;
        Some(Self { parameters: HashParameters::Bcrypt { cost: hash.cost }, hash: ParsedHash::Bcrypt(hash) })
    }

    /// Parses the PHC string format.
    fn phc(text: &str) -> Option<Self> {
        let hash = Box::new(PasswordHash::new(text).ok()?);
        if hash.salt.is_none() || hash.hash.is_none() {
            return None;
        }
        match (hash.algorithm.as_str(), hash.version) {
            ("argon2id", Some(ARGON2_VERSION)) => {
                let [memory, iterations, parallelism] = decimals(&hash, ["m", "t", "p"])?;
                let parameters = HashParameters::Argon2id { memory, iterations, parallelism };
                Some(Self { parameters, hash: ParsedHash::Argon2id(hash) })
            }
            ("scrypt", None) => {
                let [cost, block, parallelism] = decimals(&hash, ["ln", "r", "p"])?;
                let parameters = HashParameters::Scrypt { cost, block, parallelism };
                Some(Self { parameters, hash: ParsedHash::Scrypt(hash) })
            }
            _ => None,
        }
    }

    pub(crate) fn parameters(&self) -> HashParameters {
        self.parameters
    }

    /// True if it is the hash of this password. `None` if the machine has too little memory. The caller has checked the
    /// password by [`HashParameters::check`].
    pub(crate) fn matches(&self, password: &str) -> Option<bool> {
        let found = match &self.hash {
            ParsedHash::Argon2id(hash) => Argon2::default().verify_password(password.as_bytes(), hash.as_ref()),
            ParsedHash::Scrypt(hash) => Scrypt::new().verify_password(password.as_bytes(), hash.as_ref()),
            ParsedHash::Bcrypt(hash) => return Some(hash.matches(password)),
        };
        match found {
            Ok(()) => Some(true),
            Err(Error::PasswordInvalid) => Some(false),
            Err(_) => None,
        }
    }

    /// True if a new hash with these parameters would be stronger.
    pub(crate) fn is_weaker_than(&self, parameters: HashParameters) -> bool {
        let is_short = match &self.hash {
            ParsedHash::Bcrypt(_) => false,
            ParsedHash::Argon2id(hash) | ParsedHash::Scrypt(hash) => {
                hash.salt.is_none_or(|salt| salt.len() < SALT) || hash.hash.is_none_or(|output| output.len() < OUTPUT)
            }
        };
        is_short || self.parameters.is_weaker_than(parameters)
    }
}

/// The values of exactly these parameters, each of which must occur once. The crates would use a default for a missing one and
/// the last of several, and multiply before they check.
fn decimals(hash: &PasswordHash, names: [&str; 3]) -> Option<[u32; 3]> {
    if hash.params.iter().count() != names.len() {
        return None;
    }
    let [first, second, third] = names.map(|name| hash.params.get_decimal(name));
    Some([first?, second?, third?])
}
