//! How engines are compared, timed and counted.

pub mod contest;
pub mod memory;
pub mod report;
pub mod timing;
