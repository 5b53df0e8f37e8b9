//! Validation of input against schemas: transforms, checks, and the violations with their pointers.

pub(crate) mod format;
pub(crate) mod scalar;
#[cfg(test)]
mod tests;
pub(crate) mod validate;
pub(crate) mod violation;
