//! Portcullis: a policy engine for the front door of an API.
//!
//! [`Policy::compile`] turns text into a checked, immutable policy; [`Policy::bind`] gives it its secrets;
//! [`Gate::decide`] decides a request. The last is pure and total: the same arguments give the same decision, and
//! whatever is wrong with a request is a denial with a reason.
//!
//! ```
//! use portcullis::{Facts, Keys, Policy, Request, Scheme, Source, Verdict};
//!
//! let source = Source::new("hello.gate", "policy hello\nroutes / { GET /health public }");
//! let gate = Policy::compile(&[source]).expect("it is well-formed").bind(&Keys::new()).expect("it has no secrets");
//! let (headers, facts) = (http::HeaderMap::new(), Facts::default());
//! let decision = gate.decide(&Request {
//!     method: &http::Method::GET,
//!     target: "/health",
//!     scheme: Scheme::Https,
//!     host: Some("api.example.com"),
//!     headers: &headers,
//!     peer: None,
//!     body: Some(b""),
//!     now: jiff::Timestamp::UNIX_EPOCH,
//!     entropy: None,
//!     user: None,
//!     facts: &facts,
//! });
//! assert_eq!(decision.verdict, Verdict::Allow);
//! ```
#![forbid(unsafe_code)]

mod analyze;
mod check;
mod collections;
mod decide;
pub mod document;
mod eval;
mod gate;
mod graph;
mod keys;
pub mod limit;
mod model;
mod password;
mod policy;
mod protocol;
mod requires;
mod schemas;
pub mod syntax;
mod tokens;
pub(crate) mod typed;
mod values;

pub use crate::check::{LINTS, Lint};
pub use crate::decide::{Asked, Caller, Decision, Inquiry, PermissionId, QuestionId, Resource, Ruling, Scene, Step};
pub use crate::gate::{CsrfToken, Gate};
pub use crate::keys::{BindError, KeyProblem, KeySet, KeySetError, Keys, SkippedKey};
pub use crate::limit::bucket::{Admission, BucketState, Entries, FixedWindow, SlidingWindow, TokenBucket, Usage};
pub use crate::model::diagnostic::{Diagnostic, Label, Severity};
pub use crate::model::list::List;
pub use crate::model::reason::{Code, Reason, Reasons, Stage};
pub use crate::model::source::{Source, Span, Spanned};
pub use crate::model::value::{Known, Value};
pub use crate::password::{MAX_PASSWORD, PasswordError, PasswordOutcome, PasswordTask};
pub use crate::policy::{Carrier, Graph, Policy, TokenInfo};
pub use crate::protocol::account::{Account, AccountOf, TokenFact};
pub use crate::protocol::decision::{Body, Effect, Input, Problem, Verdict, Violation};
pub use crate::protocol::family::{Exchanged, FamilyState};
pub use crate::protocol::params::Params;
pub use crate::protocol::question::{Answer, Question};
pub use crate::protocol::request::{Facts, Record, Request, Scheme, User};
pub use crate::requires::Requires;
pub use crate::tokens::{IssuedToken, TokenError, opaque_token_id};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/hosts.md")]
struct Hosts;
