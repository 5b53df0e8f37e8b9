//! Tokens outside any request: made for whoever a host has let in by means of its own, and looked into while developing.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;

use crate::collections::table::Id;
use crate::decide::callers::entropy::Entropy;
use crate::decide::callers::issuer::Issuer;
use crate::decide::{opaque_id, verify_token};
use crate::gate::Gate;
use crate::protocol::account::Account;
use crate::protocol::family::FamilyState;
use crate::protocol::request::{Facts, Record};
use crate::typed::{Proof, Token};

/// A token that was issued.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The token: whoever has it is taken for whom it speaks of.
    pub text: String,
    /// When it stops holding.
    pub expires: Timestamp,
    /// Of a `single_use` token, its family, and the state to store of it.
    pub family: Option<(String, FamilyState)>,
}

impl fmt::Debug for IssuedToken {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("expires", &self.expires)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The policy declares none of that name.
    #[error("the policy declares no token `{0}`")]
    NoSuchToken(String),
    /// Others make it, or the host does.
    #[error("the policy doesn't make tokens `{0}`: name one with a `key` and a `lifetime`")]
    NotIssued(String),
    /// It can't be issued.
    #[error("{0}")]
    Incomplete(Cow<'static, str>),
    /// It doesn't hold.
    #[error("{0}")]
    Invalid(&'static str),
}

/// What an opaque token is known by, as facts and questions name it: `sha256:`, and its SHA-256 in hexadecimal digits. A
/// host that stores it so has no token in its store.
///
/// ```
/// let id = portcullis::opaque_token_id("an API key");
/// assert!(id.starts_with("sha256:") && id.len() == 71);
/// ```
pub fn opaque_token_id(token: &str) -> String {
    opaque_id(token)
}

impl Gate {
    /// A token for an account, as a route that `issues` it would make it: for logins that the host sees to itself.
    ///
    /// # Errors
    ///
    /// Where the policy doesn't make such tokens, the key ring holds nothing that signs them, or the account lacks what they
    /// say.
    pub fn issue(
        &self,
        token: &str,
        account: &Account,
        now: Timestamp,
        entropy: &[u8; 32],
    ) -> Result<IssuedToken, TokenError> {
        let policy = &self.policy().compiled().typed;
        let kind = self.token(token)?;
        let declared = &policy.tokens[kind];
        if declared.lifetime.is_none() || matches!(declared.proof, Proof::KeySet(..) | Proof::Opaque) {
            return Err(TokenError::NotIssued(token.to_owned()));
        }
        let issuer = Issuer { policy, keys: self.keys(), account: Some(account), now };
        let (issued, family) = issuer
            .first(kind, &Entropy::new(entropy))
            .map_err(|denial| TokenError::Incomplete(denial.into_message()))?;
        Ok(IssuedToken { text: issued.text.to_string(), expires: issued.expires, family })
    }

    /// The declared claims of a token, where it is genuine and holds at `now`. Of `facts`, key sets count, and what is known
    /// of opaque tokens.
    ///
    /// # Errors
    ///
    /// What is wrong with it: for whoever develops, and not for whoever sent it.
    pub fn verify(&self, token: &str, text: &str, facts: &Facts, now: Timestamp) -> Result<Record, TokenError> {
        verify_token(self.ready(), self.token(token)?, text, facts, now).map_err(TokenError::Invalid)
    }

    fn token(&self, name: &str) -> Result<Id<Token>, TokenError> {
        let mut tokens = self.policy().compiled().typed.tokens.enumerate();
        let found = tokens.find(|(_, token)| token.name == name).map(|(kind, _)| kind);
        found.ok_or_else(|| TokenError::NoSuchToken(name.to_owned()))
    }
}
