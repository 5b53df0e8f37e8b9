//! Questions outside a request: may this caller do that to this thing?

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;

use super::decision::Verdict;
use super::reason::Reason;
use super::request::{Record, User};

/// Who asks, and what is known around them: for work that is no HTTP request, such as a job, a queue or a test.
///
/// What isn't known here is *unknown*, which never grants and always forbids: the request, parameters and input of a route
/// among it.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The caller; `None` for an anonymous one.
    pub user: Option<&'a User>,
    /// The attributes that the policy's `context` declares; `None` where nobody looked.
    pub context: Option<&'a Record>,
    /// The client's address, if there is one.
    pub client: Option<IpAddr>,
    /// The time of the question.
    pub now: Timestamp,
}

impl fmt::Debug for Scene<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene").field("user", &self.user).field("now", &self.now).finish_non_exhaustive()
    }
}

/// A permission of one policy, found by its name once, at start-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermissionId(pub(crate) usize);

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ruling<'p> {
    /// `Allow` or `Deny`.
    pub verdict: Verdict,
    /// Why: at least one; where several hold, certain ones before unknown ones, then by their place in the policy.
    pub reasons: Vec<Reason<'p>>,
}
