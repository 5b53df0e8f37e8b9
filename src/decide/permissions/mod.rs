//! Permissions at a door and outside any door.

pub(crate) mod authorize;
pub(crate) mod check;
pub(crate) mod door;
pub(crate) mod scene;
