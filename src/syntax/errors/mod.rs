//! Syntax errors: recovery after the first, and one message for each that says what to write instead.

pub(crate) mod diagnose;
pub(crate) mod expected;
pub(crate) mod found;
pub(crate) mod misplaced;
pub(crate) mod recover;
