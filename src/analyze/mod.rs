//! Questions about a whole policy, answered from its plans: is there a request of which something holds? What is found is
//! made concrete, and put to the evaluation itself before anybody is told.

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
