//! A policy that is ready to decide.

use crate::decide::callers::keys::BoundKeys;
use crate::graph::DecisionGraph;
use crate::typed::TypedPolicy;

/// A policy with its graph and its keys.
#[derive(Clone, Copy)]
pub(crate) struct Ready<'g> {
    pub(crate) policy: &'g TypedPolicy,
    pub(crate) graph: &'g DecisionGraph,
    pub(crate) keys: &'g BoundKeys,
}
