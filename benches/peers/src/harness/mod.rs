//! Comparing, timing and counting engines.

pub mod contest;
pub mod memory;
pub mod report;
pub mod timing;
