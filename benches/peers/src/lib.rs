//! Portcullis beside other policy engines: the same questions, the same answers, and what each of them costs.

pub mod documents;
pub mod engines;
pub mod harness;
pub mod random;
pub mod rules;
pub mod workloads;
