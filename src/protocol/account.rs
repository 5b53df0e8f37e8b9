//! What a host knows of who logs in, and of tokens that say nothing themselves.

use std::fmt;

use crate::protocol::family::FamilyState;
use crate::protocol::request::Record;

/// An account.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Account {
    /// The attributes that the policy's `account` declares.
    pub attributes: Record,
    /// The hash of its password, where it has one: in the PHC string format, or as bcrypt writes it.
    pub password_hash: Option<String>,
}

impl Account {
    /// An account that nobody can log in to with a password.
    pub fn new(attributes: Record) -> Self {
        Self { attributes, password_hash: None }
    }

    /// The same account with the hash of its password.
    #[must_use]
    pub fn with_password_hash(self, hash: impl Into<String>) -> Self {
        Self { password_hash: Some(hash.into()), ..self }
    }
}

impl fmt::Debug for Account {
    /// Without the hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("attributes", &self.attributes).finish_non_exhaustive()
    }
}

/// Which account is asked for.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountOf {
    /// Of whoever logs in by this name. It is what somebody typed, nothing more.
    Login(String),
    /// Of whom a genuine token speaks.
    Token {
        /// The token's kind, as the policy names it.
        kind: String,
        /// Its declared claims.
        claims: Record,
    },
}

impl fmt::Debug for AccountOf {
    /// The kind alone: what somebody typed for a name may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login(_) => f.debug_tuple("Login").finish_non_exhaustive(),
            Self::Token { kind, .. } => f.debug_struct("Token").field("kind", kind).finish_non_exhaustive(),
        }
    }
}

/// What a host knows of a token.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TokenFact {
    /// Of an opaque token: what it claims.
    Claims(Record),
    /// Of a `single_use` token: how its family stands.
    Family(FamilyState),
}
