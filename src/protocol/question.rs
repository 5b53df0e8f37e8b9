//! What a decision asks of its host on the way, and what the host answers.

use std::fmt;

use crate::keys::KeySet;
use crate::limit::{Charge, Outcome};
use crate::password::{PasswordOutcome, PasswordTask};
use crate::protocol::account::{Account, AccountOf, TokenFact};
use crate::protocol::request::Record;

/// Something that the decision needs to know, and that only the host can look up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Question {
    /// The attributes that the policy's `context` declares. [`Answer::Context`]
    Context,
    /// The attributes of a thing. [`Answer::Resource`]
    Resource {
        /// The kind, as the policy names it, such as `posts`.
        kind: String,
        /// Which one, such as `42`: a part of the path, and as hostile as that.
        id: String,
    },
    /// All charges of a stage: to be admitted together, or none consumed ([`limit::charge_all`](crate::limit::charge_all)).
    /// [`Answer::Charged`]
    Charge(Vec<Charge>),
    /// The request's body; 0 bytes at most where a route takes none, and a host that reads on knows whether there is one.
    /// [`Answer::Body`]
    Body {
        /// The most bytes to read: one more would be refused.
        most: usize,
    },
    /// A JWK set that verifies a token. [`Answer::KeySet`]
    KeySet {
        /// The set, as the policy names it.
        name: String,
        /// Where the policy says that it is found. A host fetches it on its own time, and keeps it.
        url: String,
        /// The key that the token names. A host whose set lacks it may fetch the set anew, now and then: the name is the
        /// caller's, who may make up as many as they like.
        key_id: Option<String>,
    },
    /// What a token stands for that doesn't say so itself, or how its family stands. [`Answer::Token`]
    Token {
        /// The token's kind, as the policy names it.
        kind: String,
        /// Of an opaque token, `sha256:` and its digest in hexadecimal digits; of a `single_use` one, its family.
        id: String,
    },
    /// An account. [`Answer::Account`]
    Account(AccountOf),
    /// Whether a password has this hash, which takes long on purpose: [`PasswordTask::run`] on a thread that may be busy,
    /// off any event loop. [`Answer::Password`]
    Password(PasswordTask),
}

impl Question {
    /// The name of the variant.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Context => "Context",
            Self::Resource { .. } => "Resource",
            Self::Charge(_) => "Charge",
            Self::Body { .. } => "Body",
            Self::KeySet { .. } => "KeySet",
            Self::Token { .. } => "Token",
            Self::Account(_) => "Account",
            Self::Password(_) => "Password",
        }
    }
}

/// An answer that doesn't fit its question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerMismatch {
    /// The answer is of another kind.
    #[error("the answer to a `{question}` question is `{answer}`")]
    Kind { question: &'static str, answer: &'static str },
    /// The outcomes aren't one for each charge.
    #[error("{expected} charges have {given} outcomes")]
    Count { expected: usize, given: usize },
}

/// What the host found. An answer of another kind than its question leaves the question unanswered.
#[derive(Clone)]
#[non_exhaustive]
pub enum Answer {
    /// To [`Question::Context`].
    Context(Record),
    /// To [`Question::Resource`]: its attributes, or that there is no such thing.
    Resource(Option<Record>),
    /// To [`Question::Charge`]: what became of each, in their order. What was admitted is consumed.
    Charged(Vec<Outcome>),
    /// To [`Question::Body`]: the whole body, empty where there is none. Of one that is too long, the first `most + 1`
    /// bytes will do.
    Body(Vec<u8>),
    /// To [`Question::KeySet`].
    KeySet(KeySet),
    /// To [`Question::Token`]: what is known of it, or that there is no such token.
    Token(Option<TokenFact>),
    /// To [`Question::Account`]: the account, or that there is none.
    Account(Option<Account>),
    /// To [`Question::Password`].
    Password(PasswordOutcome),
}

impl Answer {
    /// The name of the variant.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Context(_) => "Context",
            Self::Resource(_) => "Resource",
            Self::Charged(_) => "Charged",
            Self::Body(_) => "Body",
            Self::KeySet(_) => "KeySet",
            Self::Token(_) => "Token",
            Self::Account(_) => "Account",
            Self::Password(_) => "Password",
        }
    }
}

impl fmt::Debug for Answer {
    /// The kind alone: what was found may be anybody's secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}
