//! Hashes by bcrypt in the modular crypt format: `$2b$12$`, 22 characters of salt and 31 of output. It calls the only function
//! of its crate that needs no randomness. That function takes the password with a NUL at its end, as in C.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use bcrypt::{BASE_64, bcrypt};
use zeroize::Zeroizing;

/// The characters of a salt.
const SALT_TEXT: usize = 22;
/// The most bytes of a key, the NUL included.
const KEY: usize = 72;

/// The parts of a hash by bcrypt.
pub(crate) struct Bcrypt {
    pub(crate) cost: u32,
    salt: [u8; 16],
    /// The first 23 of bcrypt's 24 bytes.
    output: [u8; 23],
}

impl Bcrypt {
    /// The password must have at most 72 bytes without a NUL, and the cost must be valid.
    pub(crate) fn hash(password: &str, cost: u32, salt: [u8; 16]) -> Self {
        let mut key = Zeroizing::new([0; KEY]);
        for (byte, of_password) in key.iter_mut().zip(password.bytes()) {
            *byte = of_password;
        }
        let used = (password.len() + 1).min(KEY);
        let [output @ .., _] = bcrypt(cost, salt, key.get(..used).unwrap_or_default());
        Self { cost, salt, output }
    }

    /// Parses hashes with `$2a$`, `$2b$` and `$2y$`, three names of one algorithm. `$2x$` is another algorithm, and broken.
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

    /// True if it is the hash of this password. See [`Bcrypt::hash`] for its bounds.
    pub(crate) fn matches(&self, password: &str) -> bool {
        let own = Self::hash(password, self.cost, self.salt);
        verify_slices_are_equal(&own.output, &self.output).is_ok()
    }

    pub(crate) fn text(&self) -> String {
        format!("$2b${:02}${}{}", self.cost, BASE_64.encode(self.salt), BASE_64.encode(self.output))
    }
}

/// Decodes a text of exactly this length. Returns false for any other text.
fn decode(text: &str, bytes: &mut [u8]) -> bool {
    BASE_64.decode_slice(text, bytes).is_ok_and(|length| length == bytes.len())
}
