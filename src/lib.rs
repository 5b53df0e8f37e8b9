//! Portcullis: a policy engine for the front door of an API.
#![forbid(unsafe_code)]

mod check;
mod decide;
pub mod document;
mod gate;
mod graph;
mod model;
mod policy;
pub mod syntax;

pub use gate::{CsrfToken, Gate};
pub use model::bucket::{Admission, BucketState};
pub use model::decision::{Body, Caller, Decision, Effect, Input, Problem, Verdict, Violation};
pub use model::diagnostic::{Diagnostic, Label, Severity};
pub use model::keys::{BindError, KeyProblem, Keys};
pub use model::reason::{Code, Reason, Stage};
pub use model::request::{Facts, Request, Scheme, User};
pub use model::source::{Source, Span, Spanned};
pub use model::value::{Known, Value};
pub use policy::{Carrier, Graph, Policy, TokenInfo};
