//! What permissions, conditions and doors come to: rules taken apart into questions, and put together again as decision
//! diagrams, so that a decision pays for the questions on one way through them, and not for the rules.

pub(crate) mod atom;
pub(crate) mod domain;
pub(crate) mod lower;
pub(crate) mod permission;
pub(crate) mod plan;
pub(crate) mod variable;
pub(crate) mod walk;

pub(crate) use crate::graph::logic::domain::Domain;
pub(crate) use crate::graph::logic::lower::Lowering;
pub(crate) use crate::graph::logic::plan::{Answers, Logic, Plan, Several};
pub(crate) use crate::graph::logic::variable::{Question, Remembered, Stage, Variables};
