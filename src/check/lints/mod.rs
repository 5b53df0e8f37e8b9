//! Lints: warnings on policies that compile. They look at the trees and at the results of the checks,
//! once there is no error, and each takes time in proportion to the policy.

pub(crate) mod allowance;
pub(crate) mod conditions;
pub(crate) mod cors;
pub(crate) mod grants;
pub(crate) mod headers;
pub(crate) mod limits;
pub(crate) mod list;
pub(crate) mod references;
pub(crate) mod regexes;
pub(crate) mod routes;
pub(crate) mod schemas;
pub(crate) mod tokens;
pub(crate) mod unused;

use crate::check::checker::Checker;
use crate::check::lints::grants::Grants;
pub use crate::check::lints::list::{LINTS, Lint};
use crate::check::lints::references::References;
use crate::check::lints::{
    conditions::conditions, cors::cors, headers::headers, limits::limits, routes::routes, schemas::schemas,
    tokens::tokens, unused::unused,
};
use std::collections::HashSet;

/// Lints a policy without errors. `used_conditions` are the rows of the conditions that something uses.
pub(crate) fn lint(checker: &Checker<'_>, grants: &Grants<'_, '_>, used_conditions: &HashSet<usize>) {
    unused(checker, &References::of(&checker.names), used_conditions);
    grants.check();
    conditions(checker);
    routes(checker);
    limits(checker);
    schemas(checker);
    headers(checker);
    cors(checker);
    tokens(checker);
}
