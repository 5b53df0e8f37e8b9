//! Values against schemas: transforms, checks, and every problem with its place.

pub(crate) mod format;
pub(crate) mod scalar;
#[cfg(test)]
mod tests;
pub(crate) mod validate;
pub(crate) mod violation;
