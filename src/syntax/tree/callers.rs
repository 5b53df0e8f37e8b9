//! Callers: secrets, key sets, tokens, passwords, providers, and the mapping from a token to the user.

use crate::model::keywords::{PasswordAlgorithm, ProviderSetting};
use crate::syntax::tree::{Attribute, Block, Expression, Spanned, Text, Word};

/// `secret A, B`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The names in the order written.
    pub names: Vec<Text>,
}

/// `keys NAME { jwks "URL" }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The name.
    pub name: Text,
    /// The URLs where the host finds the set.
    pub jwks: Vec<Text>,
}

/// `token NAME { … }`
pub type Token = Block<Text, TokenEntry>;

/// The entries of a token.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenEntry {
    /// `algorithm ES256, RS256`
    Algorithm(Vec<Text>),
    /// `key NAME`
    Key(Text),
    /// `keys NAME`
    Keys(Text),
    /// `issuer "…"`
    Issuer(Text),
    /// `audience "…", "…"`
    Audience(Vec<Text>),
    /// `typ "…"`
    Typ(Text),
    /// `lifetime 15m`, in milliseconds
    Lifetime(Spanned<u64>),
    /// `leeway 30s`, in milliseconds
    Leeway(Spanned<u64>),
    /// `carried …`
    Carried(Carried),
    /// `single_use [grace 10s] [idle 7d]`
    SingleUse(SingleUse),
    /// `opaque`
    Opaque,
    /// `claims { … }`
    Claims(Vec<Claim>),
}

/// The durations of `single_use`, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleUse {
    /// `grace 10s`
    pub grace: Option<Spanned<u64>>,
    /// `idle 7d`
    pub idle: Option<Spanned<u64>>,
}

/// The part of a request that carries a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// `carried bearer`
    Bearer,
    /// `carried cookie "NAME"`
    Cookie(Text),
    /// `carried header "NAME"`
    Header(Text),
    /// `carried body "FIELD"`
    Body(Text),
}

/// `claim[?]: T [= account.x]`
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The name and the type.
    pub attribute: Attribute,
    /// The value of the claim in a token that the policy issues.
    pub source: Option<Expression>,
}

/// `password { … }`
pub type Password = Block<(), PasswordEntry>;

/// The entries of `password`.
#[derive(Debug, Clone, PartialEq)]
pub enum PasswordEntry {
    /// `algorithm argon2id`
    Algorithm(Word<PasswordAlgorithm>),
    /// `memory 19MiB`, in bytes
    Memory(Spanned<u64>),
    /// `iterations 2`
    Iterations(Spanned<i64>),
    /// `parallelism 1`
    Parallelism(Spanned<i64>),
    /// `cost 12`
    Cost(Spanned<i64>),
    /// `accept bcrypt, …`
    Accept(Vec<Word<PasswordAlgorithm>>),
}

/// `user from TOKEN { NAME = EXPR … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// The name of the token.
    pub token: Text,
    /// The names and their values in the order written.
    pub entries: Vec<(Text, Expression)>,
}

/// `provider NAME { … }`
pub type Provider = Block<Text, ProviderEntry>;

/// The entries of `provider`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderEntry {
    /// `authorize_url "…"` and the other settings that are one string
    Setting(Word<ProviderSetting>, Text),
    /// `client_secret NAME`
    ClientSecret(Text),
    /// `state NAME`
    State(Text),
    /// `keys NAME`
    Keys(Text),
    /// `scopes "…", …`
    Scopes(Vec<Text>),
}
