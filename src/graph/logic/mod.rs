//! What permissions, conditions and doors come to: rules taken apart into questions, and put together again as decision
//! diagrams, so that a decision pays for the questions on one way through them, and not for the rules.

mod atom;
mod domain;
mod lower;
mod permission;
mod plan;
mod variable;
mod walk;

pub(crate) use domain::Domain;
pub(crate) use lower::Lowering;
pub(crate) use plan::{Answers, Logic, Plan, Several};
pub(crate) use variable::{Question, Remembered, Stage, Variables};
