//! Syntax errors: where the grammar stopped, and one message that says what to write instead.

pub(crate) mod diagnose;
pub(crate) mod expected;
pub(crate) mod misplaced;
pub(crate) mod recover;
