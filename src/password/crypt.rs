//! Hashes by bcrypt, in its modular crypt form: `$2b$12$`, 22 characters of salt and 31 of output. By the one function of
//! its crate that asks nobody for randomness, which takes the password as C has it, ended by a NUL.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use bcrypt::{BASE_64, bcrypt};
use zeroize::Zeroizing;

/// The characters of a salt.
const SALT_TEXT: usize = 22;
/// The bytes of a key, the NUL among them where there is room for it.
const KEY: usize = 72;

/// A hash by bcrypt, taken apart.
pub(crate) struct Bcrypt {
    pub(crate) cost: u32,
    salt: [u8; 16],
    /// What bcrypt keeps of 24 bytes.
    output: [u8; 23],
}

impl Bcrypt {
    /// The password has at most 72 bytes, none of them NUL, and the cost is one that bcrypt has.
    pub(crate) fn hash(password: &str, cost: u32, salt: [u8; 16]) -> Self {
        let mut key = Zeroizing::new([0; KEY]);
        for (byte, of_password) in key.iter_mut().zip(password.bytes()) {
            *byte = of_password;
        }
        let used = (password.len() + 1).min(KEY);
        let [output @ .., _] = bcrypt(cost, salt, key.get(..used).unwrap_or_default());
        Self { cost, salt, output }
    }

    /// Reads what `$2a$`, `$2b$` and `$2y$` begin: three names of one algorithm. `$2x$` is another, and broken.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.splitn(5, '$').collect();
        let ["", "2a" | "2b" | "2y", cost, rest] = fields.as_slice() else { return None };
        if cost.len() != 2 || !cost.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (salt_text, output_text) = rest.split_at_checked(SALT_TEXT)?;
        let (mut salt, mut output) = ([0; 16], [0; 23]);
        (decode(salt_text, &mut salt) && decode(output_text, &mut output)).then_some(())?;
        Some(Self { cost: cost.parse().ok()?, salt, output })
    }

    /// Whether it is the hash of this password; see [`Bcrypt::hash`].
    pub(crate) fn matches(&self, password: &str) -> bool {
        let own = Self::hash(password, self.cost, self.salt);
        verify_slices_are_equal(&own.output, &self.output).is_ok()
    }

    pub(crate) fn text(&self) -> String {
        format!("$2b${:02}${}{}", self.cost, BASE_64.encode(self.salt), BASE_64.encode(self.output))
    }
}

/// Whether the text decodes into all of these bytes.
fn decode(text: &str, bytes: &mut [u8]) -> bool {
    BASE_64.decode_slice(text, bytes).is_ok_and(|length| length == bytes.len())
}
