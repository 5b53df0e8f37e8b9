//! Analyses of a whole policy by its plans: do requests with certain properties exist? Each request that an analysis finds is
//! made concrete, and confirmed by the evaluation.

pub(crate) mod input;
pub(crate) mod never;
pub(crate) mod print;
pub(crate) mod report;
pub(crate) mod scenario;
pub(crate) mod solver;
pub(crate) mod synthetic_request;
pub(crate) mod unreduced;
pub(crate) mod witness;

pub(crate) use crate::analyze::never::prove;
pub(crate) use crate::analyze::unreduced::unreduced;
