//! Accounts and tokens as a host stores them.

use std::fmt;

use crate::protocol::facts::Record;
use crate::protocol::family::FamilyState;

/// An account.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Account {
    /// The attributes that the policy's `account` declares.
    pub attributes: Record,
    /// The hash of its password, if it has one: in the PHC string format, or in bcrypt's.
    pub password_hash: Option<String>,
}

impl Account {
    /// An account without a password: nobody can log in to it with one.
    pub fn new(attributes: Record) -> Self {
        Self { attributes, password_hash: None }
    }

    /// Sets the hash of its password.
    #[must_use]
    pub fn with_password_hash(self, hash: impl Into<String>) -> Self {
        Self { password_hash: Some(hash.into()), ..self }
    }
}

impl fmt::Debug for Account {
    /// Omits the hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("attributes", &self.attributes).finish_non_exhaustive()
    }
}

/// The key by which an account is looked up.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountQuery {
    /// The name that a client logs in with. It is unverified input.
    Login(String),
    /// The claims of a verified token.
    Token {
        /// The token's kind, as the policy names it.
        kind: String,
        /// Its declared claims.
        claims: Record,
    },
}

impl fmt::Debug for AccountQuery {
    /// Omits the name, in place of which a client may have typed a password, and the claims.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login(_) => f.debug_tuple("Login").finish_non_exhaustive(),
            Self::Token { kind, .. } => f.debug_struct("Token").field("kind", kind).finish_non_exhaustive(),
        }
    }
}

/// A fact about a token that the token itself doesn't contain.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TokenFact {
    /// The claims of an opaque token.
    Claims(Record),
    /// The state of a `single_use` token's family.
    Family(FamilyState),
}
