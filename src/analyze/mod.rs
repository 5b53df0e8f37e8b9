//! Questions about a whole policy, answered from its plans: is there a request of which something holds? What is found is
//! made concrete, and put to the evaluation itself before anybody is told.

mod candidates;
mod fragment;
mod input;
mod never;
mod pool;
mod ranges;
mod regex;
mod report;
mod room;
mod scenario;
mod search;
mod solve;
mod space;
mod unreduced;
mod witness;
mod words;

pub(crate) use never::prove;
pub(crate) use unreduced::unreduced;
