//! Callers: credentials, tokens, logins and what is issued.

pub(crate) mod authenticate;
pub(crate) mod entropy;
pub(crate) mod family;
pub(crate) mod identity;
pub(crate) mod issue;
pub(crate) mod issuer;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod refresh;
pub(crate) mod token;
