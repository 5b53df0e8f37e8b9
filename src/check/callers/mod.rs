//! Tokens, keys, passwords, providers, and how claims become a caller.

pub(crate) mod caller;
pub(crate) mod carrier;
pub(crate) mod key_set;
pub(crate) mod mapping;
pub(crate) mod password;
pub(crate) mod proof;
pub(crate) mod provider;
pub(crate) mod secret;
pub(crate) mod token;
