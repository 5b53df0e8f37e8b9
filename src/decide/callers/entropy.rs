//! The host's 32 random bytes, expanded with a label for each use.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};

/// The random bytes of one request.
pub(crate) struct Entropy<'r> {
    bytes: &'r [u8; 32],
}

impl<'r> Entropy<'r> {
    pub(crate) fn new(bytes: &'r [u8; 32]) -> Self {
        Self { bytes }
    }

    /// `N` bytes for one purpose (HKDF-Expand, RFC 5869 §2.3). `None` only for more than 8,160.
    pub(crate) fn expand<const N: usize>(&self, label: &str) -> Option<[u8; N]> {
        let labels = [b"portcullis ".as_slice(), label.as_bytes()];
        let mut expanded = [0; N];
        let prk = Prk::new_less_safe(HKDF_SHA256, self.bytes);
        prk.expand(&labels, Length(N)).ok()?.fill(&mut expanded).ok()?;
        Some(expanded)
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
