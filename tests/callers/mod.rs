//! Callers: tokens, keys, logins, passwords and rotation.

mod article;
mod attacks;
mod carriers;
mod claims;
mod inquiry;
mod key_sets;
mod keys;
mod login;
mod passwords;
mod rotation;
mod secrets;
