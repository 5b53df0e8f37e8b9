//! The attributes of the caller.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::collections::table::Table;
use crate::typed::Attribute;

/// The attributes of `user`, as all mappings make them.
#[derive(Default)]
pub(crate) struct CallerAttributes {
    pub(crate) attributes: Table<Attribute>,
    pub(crate) rows: HashMap<String, usize>,
    /// Attributes whose own declaration is in error.
    pub(crate) broken: HashSet<String>,
    /// The values of `user.tier`.
    pub(crate) tiers: Arc<[String]>,
    /// The values of `user.token`.
    pub(crate) tokens: Arc<[String]>,
    /// True if every caller with a token is capped by scopes.
    pub(crate) all_capped: bool,
}
