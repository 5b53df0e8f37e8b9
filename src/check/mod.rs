//! Tree to typed policy: each phase takes the results of the phases before and returns its own. All mistakes are reported
//! at once, and a policy with a mistake has no result. The checks read only the trees and their sources.

pub(crate) mod browser;
pub(crate) mod callers;
pub(crate) mod checker;
pub(crate) mod expressions;
pub(crate) mod findings;
pub(crate) mod limits;
pub(crate) mod lints;
pub(crate) mod names;
pub(crate) mod order;
pub(crate) mod permissions;
pub(crate) mod policy;
pub(crate) mod routes;
pub(crate) mod schemas;
pub(crate) mod settings;
pub(crate) mod suggest;

pub(crate) use crate::check::findings::sorted;
pub use crate::check::lints::{LINTS, Lint};
pub(crate) use crate::check::policy::check;
pub(crate) use crate::check::routes::path::path_pattern;
