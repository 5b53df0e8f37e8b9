//! The logic of permissions, conditions and doors as decision diagrams. A decision costs the tests on one path through a
//! diagram, however many rules there are.

pub(crate) mod atom;
pub(crate) mod lower;
pub(crate) mod partition;
pub(crate) mod permission;
pub(crate) mod plan;
pub(crate) mod variable;
pub(crate) mod walk;

pub(crate) use crate::graph::logic::lower::Lowering;
pub(crate) use crate::graph::logic::partition::Partition;
pub(crate) use crate::graph::logic::plan::{Assignment, CompoundPlan, Logic, Plan};
pub(crate) use crate::graph::logic::variable::{Variable, VariableGroup, Variables};
