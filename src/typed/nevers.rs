//! Invariants.

use crate::collections::table::Id;
use crate::model::source::Span;
use crate::typed::expressions::Expr;
use crate::typed::permissions::Permission;
use crate::typed::routes::Route;

/// An invariant.
#[derive(Debug)]
pub(crate) struct Never {
    pub(crate) span: Span,
    pub(crate) of: NeverOf,
    /// The condition that must not be true of a granted request.
    pub(crate) condition: Expr,
    /// The place of the condition, and true if it stands behind `unless`.
    pub(crate) written: (Span, bool),
    pub(crate) because: Option<String>,
}

/// The subject of an invariant.
#[derive(Debug)]
pub(crate) enum NeverOf {
    /// Any of these.
    Permissions(Vec<Id<Permission>>),
    /// To be let through.
    Door(Id<Route>),
}
