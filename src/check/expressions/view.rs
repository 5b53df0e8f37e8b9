//! Where an expression stands, and what can be read from there.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::collections::row_set::RowSet;
use crate::collections::table::Id;
use crate::typed::{Attribute, Claim, Resource, Route};

/// Whether there is a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    /// Always.
    Assumed,
    /// Anonymous callers can come, too.
    Perhaps,
}

/// What can be read where an expression stands.
pub(crate) struct View<'c> {
    /// What the expression belongs to, with its article, for messages.
    pub(crate) place: &'static str,
    /// A token's claims.
    pub(crate) claims: Option<&'c [Claim]>,
    /// By name, where they stand among them.
    pub(crate) claim_slots: HashMap<&'c str, usize>,
    /// The account that a token is issued for.
    pub(crate) account: bool,
    /// The fields beside a schema's `check`.
    pub(crate) siblings: Option<&'c IndexMap<String, Attribute>>,
    pub(crate) user: Option<Caller>,
    /// `request`, `context`, `client` and `now`.
    pub(crate) request: bool,
    /// The resources whose attributes may be asked for, by row; and whether there may be none.
    pub(crate) resources: Option<(RowSet, bool)>,
    /// The routes whose parameters, query and body can be read: what is read must be the same in all of them.
    pub(crate) inputs: Inputs<'c>,
    /// Whether bare names are conditions.
    pub(crate) conditions: bool,
    pub(crate) key: ViewKey,
}

/// Which routes an expression is for.
#[derive(Clone, Copy)]
pub(crate) enum Inputs<'c> {
    None,
    Routes(&'c [Id<Route>]),
    /// Those that require one of these permissions; and those that a caller enters without one.
    Requiring {
        permissions: &'c [u32],
        doors: bool,
    },
}

/// Views with one key see the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ViewKey {
    /// Where no conditions can be named, so that nobody asks.
    None,
    /// A rule over a set of permissions; whether it holds at doors, too.
    Rule(usize, bool, Caller),
    Route(usize, Caller),
    Limit(usize),
}

impl<'c> View<'c> {
    fn nothing(place: &'static str) -> Self {
        Self {
            place,
            claims: None,
            claim_slots: HashMap::new(),
            account: false,
            siblings: None,
            user: None,
            request: false,
            resources: None,
            inputs: Inputs::None,
            conditions: false,
            key: ViewKey::None,
        }
    }

    /// `user from TOKEN`: its claims.
    pub(crate) fn mapping(claims: &'c [Claim]) -> Self {
        let slots = claims.iter().enumerate().map(|(slot, claim)| (claim.name.as_str(), slot)).collect();
        Self { claims: Some(claims), claim_slots: slots, ..Self::nothing("a mapping") }
    }

    /// `claim: T = account.x`: the account.
    pub(crate) fn issued() -> Self {
        Self { account: true, ..Self::nothing("an issued claim") }
    }

    /// `check` in a schema: the fields beside it, and the time.
    pub(crate) fn check(siblings: &'c IndexMap<String, Attribute>) -> Self {
        Self { siblings: Some(siblings), ..Self::nothing("a schema's `check`") }
    }

    /// A limit, which several routes may name; anonymous callers are counted, too.
    pub(crate) fn limit(row: usize, routes: &'c [Id<Route>]) -> Self {
        Self {
            user: Some(Caller::Perhaps),
            request: true,
            inputs: Inputs::Routes(routes),
            conditions: true,
            key: ViewKey::Limit(row),
            ..Self::nothing("a limit")
        }
    }

    /// A rule over permissions, which have a row among all such sets, of these resources.
    pub(crate) fn rule((row, permissions): (usize, &'c [u32]), caller: Caller, resources: RowSet, doors: bool) -> Self {
        Self {
            user: Some(caller),
            request: true,
            resources: Some((resources, doors)),
            inputs: Inputs::Requiring { permissions, doors },
            conditions: true,
            key: ViewKey::Rule(row, doors, caller),
            ..Self::nothing("a rule")
        }
    }

    /// A clause of a route.
    pub(crate) fn route(route: &'c [Id<Route>; 1], caller: Caller, resource: Option<Id<Resource>>) -> Self {
        let [id] = *route;
        let resources = resource.map(|resource| {
            let mut rows = RowSet::default();
            rows.insert(resource.row());
            (rows, false)
        });
        Self {
            user: Some(caller),
            request: true,
            resources,
            inputs: Inputs::Routes(route),
            conditions: true,
            key: ViewKey::Route(id.row(), caller),
            ..Self::nothing("a route")
        }
    }

    pub(crate) fn several_resources(&self) -> bool {
        self.resources.as_ref().is_some_and(|(rows, doors)| *doors || rows.rows().nth(1).is_some())
    }

    /// The words that paths can begin with here.
    pub(crate) fn roots(&self) -> Vec<&'static str> {
        let inputs = !matches!(self.inputs, Inputs::None);
        let all = [
            ("claims", self.claims.is_some()),
            ("account", self.account),
            ("user", self.user.is_some()),
            ("resource", self.resources.is_some()),
            ("context", self.request),
            ("request", self.request),
            ("params", inputs),
            ("query", inputs),
            ("body", inputs),
            ("client", self.request),
            ("now", self.request || self.siblings.is_some()),
        ];
        all.into_iter().filter(|(_, can)| *can).map(|(root, _)| root).collect()
    }
}
