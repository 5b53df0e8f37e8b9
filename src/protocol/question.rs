//! The questions that a decision asks its host, and their answers.

use std::fmt;

use crate::keys::KeySet;
use crate::limit::{Charge, Outcome};
use crate::password::{PasswordOutcome, PasswordTask};
use crate::protocol::account::{Account, AccountQuery, TokenFact};
use crate::protocol::facts::Record;

/// A fact that a decision needs and that only the host can look up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Question {
    /// The attributes that the policy's `context` declares.
    Context,
    /// The attributes of a resource.
    Resource {
        /// The kind, as the policy names it, such as `posts`.
        kind: String,
        /// The id, such as `42`. It is a part of the path, and unverified input.
        id: String,
    },
    /// The charges of one stage. All of them are admitted, or none is consumed
    /// ([`limit::charge_all`](crate::limit::charge_all)).
    Charge(Vec<Charge>),
    /// The request's body.
    Body {
        /// The largest body in bytes that the route accepts; 0 if it accepts none.
        max: usize,
    },
    /// A JWK set that verifies a token.
    KeySet {
        /// The set's name in the policy.
        name: String,
        /// The set's URL in the policy. A host fetches it in the background, and caches it.
        url: String,
        /// The `kid` of the token. A host whose set lacks it may fetch the set again, at a limited rate: the client can
        /// send any number of different ids.
        key_id: Option<String>,
    },
    /// The claims of an opaque token, or the state of a `single_use` token's family.
    Token {
        /// The token's kind, as the policy names it.
        kind: String,
        /// For an opaque token, `sha256:` and its SHA-256 digest in hexadecimal digits; for a `single_use` token, the id of
        /// its family.
        id: String,
    },
    /// An account.
    Account(AccountQuery),
    /// The match of a password with a hash. [`PasswordTask::run`] is slow on purpose: run it on a thread of its own, off any
    /// event loop.
    Password(PasswordTask),
}

impl Question {
    /// The name of the variant, which is also the name of its answer's variant.
    pub fn kind(&self) -> &'static str {
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

/// The host's answer to the [`Question`] of the same name.
#[derive(Clone)]
#[non_exhaustive]
pub enum Answer {
    /// The attributes of the context.
    Context(Record),
    /// The attributes of the resource; `None` if it doesn't exist.
    Resource(Option<Record>),
    /// The outcome of each charge, in the order of the question. Admitted charges are consumed.
    Charge(Vec<Outcome>),
    /// The whole body, empty if there is none. Of a longer body than `max` bytes, the first `max + 1` bytes suffice.
    Body(Vec<u8>),
    /// The key set.
    KeySet(KeySet),
    /// The fact about the token; `None` if the token doesn't exist.
    Token(Option<TokenFact>),
    /// The account; `None` if it doesn't exist.
    Account(Option<Account>),
    /// The outcome of the password task.
    Password(PasswordOutcome),
}

impl Answer {
    /// The name of the variant.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Context(_) => "Context",
            Self::Resource(_) => "Resource",
            Self::Charge(_) => "Charge",
            Self::Body(_) => "Body",
            Self::KeySet(_) => "KeySet",
            Self::Token(_) => "Token",
            Self::Account(_) => "Account",
            Self::Password(_) => "Password",
        }
    }
}

impl fmt::Debug for Answer {
    /// Prints the kind only: the content may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// A question of an inquiry, with the id that its answer repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingQuestion {
    /// The id, to be given back with the answer.
    pub id: QuestionId,
    /// The question.
    pub question: Question,
}

/// The id of a question within its inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuestionId(pub(crate) u32);

impl fmt::Display for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A mistake of the host in its answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerProblem {
    /// The inquiry has no pending question of that id.
    #[error("no question {id} is pending")]
    UnknownQuestion {
        /// The id in the answer.
        id: QuestionId,
    },
    /// A question has two answers.
    #[error("question {id} ({question}) has two answers")]
    AnsweredTwice {
        /// The question's id.
        id: QuestionId,
        /// The question's kind ([`Question::kind`]).
        question: &'static str,
    },
    /// The answer is of another kind than its question.
    #[error("question {id} is of the kind {question}, and its answer of the kind {answer}")]
    WrongKind {
        /// The question's id.
        id: QuestionId,
        /// The question's kind ([`Question::kind`]).
        question: &'static str,
        /// The answer's kind ([`Answer::kind`]).
        answer: &'static str,
    },
    /// The answer has another number of outcomes than its question has charges.
    #[error("question {id} has {charges} charges, and its answer {outcomes} outcomes")]
    WrongCount {
        /// The question's id.
        id: QuestionId,
        /// The number of charges.
        charges: usize,
        /// The number of outcomes.
        outcomes: usize,
    },
}

impl PendingQuestion {
    /// Checks that an answer is one to this question.
    pub(crate) fn check(&self, answer: &Answer) -> Result<(), AnswerProblem> {
        let Self { id, question } = self;
        match (question, answer) {
            (Question::Charge(charges), Answer::Charge(outcomes)) if charges.len() != outcomes.len() => {
                Err(AnswerProblem::WrongCount { id: *id, charges: charges.len(), outcomes: outcomes.len() })
            }
            _ if question.kind() != answer.kind() => {
                Err(AnswerProblem::WrongKind { id: *id, question: question.kind(), answer: answer.kind() })
            }
            _ => Ok(()),
        }
    }
}
