//! Portcullis: a policy engine for the front door of an API.
//!
//! [`Policy::compile`] compiles text into a checked, immutable policy, [`Policy::bind`] adds its keys, and [`Gate::decide`]
//! decides requests. A decision depends on nothing but its arguments, and whatever is wrong with a request is a denial with a
//! reason.
//!
//! ```
//! use portcullis::request::Scheme;
//! use portcullis::{Keys, Policy, Request, Source, Verdict};
//!
//! let source = Source::new("hello.gate", "policy hello\nroutes / { GET /health public }");
//! let gate = Policy::compile(&[source])?.bind(&Keys::new())?;
//!
//! let request = Request::new(&http::Method::GET, "/health", jiff::Timestamp::UNIX_EPOCH).scheme(Scheme::Https).body(b"");
//! let decision = gate.decide(&request);
//! assert_eq!(decision.verdict(), Verdict::Allow);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A decision asks for facts that only the host knows. There are three ways to supply them, which give the same decision:
//! [`Request::facts`] supplies them in advance, [`Gate::decide_with`] asks a [`Host`] for each, and [`Gate::inquire`] stops
//! where one is needed, for hosts that must wait for them.
#![forbid(unsafe_code)]

mod analyze;
mod check;
mod collections;
mod decide;
pub mod document;
mod eval;
mod gate;
mod graph;
pub mod keys;
pub mod limit;
mod model;
pub mod password;
mod policy;
mod protocol;
mod requires;
mod schemas;
pub mod syntax;
mod tokens;
pub(crate) mod typed;
mod values;

pub use crate::decide::Decision;
pub use crate::gate::Gate;
pub use crate::keys::error::BindError;
pub use crate::keys::ring::Keys;
pub use crate::model::diagnostic::CompileError;
pub use crate::model::source::Source;
pub use crate::policy::Policy;
pub use crate::protocol::decision::Verdict;
pub use crate::protocol::facts::Facts;
pub use crate::protocol::host::Host;
pub use crate::protocol::request::{Request, User};

pub mod diagnostic {
    //! The compiler's findings, and the lints among them.

    pub use crate::check::{LINTS, Lint};
    pub use crate::model::diagnostic::{Diagnostic, Label, Severity};
    pub use crate::model::source::{Span, Spanned};
}

pub mod request {
    //! Parts of a [`Request`](crate::Request).

    pub use crate::protocol::request::Scheme;
}

pub mod facts {
    //! The facts that a host supplies, and those that a policy requires.

    pub use crate::protocol::account::{Account, AccountQuery, TokenFact};
    pub use crate::protocol::facts::Record;
    pub use crate::requires::Requirements;
}

pub mod inquiry {
    //! Decisions that wait for the host's answers: see [`Gate::inquire`](crate::Gate::inquire).

    pub use crate::decide::{AnswerError, Inquiry, Step};
    pub use crate::protocol::question::{Answer, AnswerProblem, PendingQuestion, Question, QuestionId};
}

pub mod decision {
    //! Parts of a [`Decision`](crate::Decision).

    pub use crate::decide::{Caller, DecisionParts};
    pub use crate::protocol::decision::{Body, Effect, Input, Problem, Violation};
    pub use crate::protocol::params::Params;
}

pub mod reason {
    //! The reasons for a decision.

    pub use crate::model::reason::{Code, Reason, Stage};
}

pub mod permission {
    //! Checks of permissions outside any route: see [`Policy::check`](crate::Policy::check).

    pub use crate::decide::{PermissionId, Resource, RoleId, Ruling, Scene, SceneBuilder};
}

pub mod token {
    //! Tokens: their declarations, issued tokens, and the families of refresh tokens.

    pub use crate::gate::CsrfToken;
    pub use crate::protocol::family::{ExchangedToken, FamilyState};
    pub use crate::tokens::{Carrier, IssuedToken, TokenError, TokenId, TokenInfo, opaque_token_id};
}

pub mod value {
    //! Values of the policy language.

    pub use crate::model::list::List;
    pub use crate::model::value::{Known, Value};
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/hosts.md")]
struct Hosts;
