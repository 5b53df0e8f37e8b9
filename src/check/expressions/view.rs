//! The data that an expression can read in its place.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::check::expressions::narrowing::Guards;
use crate::collections::row_set::RowSet;
use crate::collections::table::Id;
use crate::typed::{Attribute, Claim, Resource, Route};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    /// All callers are authenticated.
    Assumed,
    /// A caller may be anonymous.
    Perhaps,
}

pub(crate) struct View<'c> {
    /// The declaration that the expression belongs to, with its article, for messages.
    pub(crate) place: &'static str,
    /// The claims of a token.
    pub(crate) claims: Option<&'c [Claim]>,
    /// The position of each claim, by name.
    pub(crate) claim_slots: HashMap<&'c str, usize>,
    /// True if the account can be read that a token is issued for.
    pub(crate) account: bool,
    /// The fields beside a schema's `check`.
    pub(crate) siblings: Option<&'c IndexMap<String, Attribute>>,
    pub(crate) user: Option<Caller>,
    /// True if `request`, `context`, `client` and `now` can be read.
    pub(crate) request: bool,
    /// The rows of the resources that `resource` may be, and `true` if there may be none.
    pub(crate) resources: Option<(RowSet, bool)>,
    pub(crate) inputs: Inputs<'c>,
    /// True if bare names are conditions.
    pub(crate) conditions: bool,
    pub(crate) key: ViewKey,
}

/// The routes whose parameters, query and body can be read. An input must have one type in all of them.
#[derive(Clone, Copy)]
pub(crate) enum Inputs<'c> {
    None,
    Routes(&'c [Id<Route>]),
    /// The routes that require one of the permissions, and those that require none if `doors` is true.
    Requiring {
        permissions: &'c [u32],
        doors: bool,
    },
}

/// Views with the same key type a condition alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ViewKey {
    /// Conditions can't be named.
    None,
    /// The row of a set of permissions, and `true` if the rule holds for routes without a permission, too.
    Rule(usize, bool, Caller),
    Route(usize, Caller),
    Limit(usize),
}

/// The place of an expression: its view, and the guards around it.
#[derive(Clone, Copy)]
pub(crate) struct Site<'s> {
    pub(crate) view: &'s View<'s>,
    pub(crate) guards: Option<&'s Guards<'s>>,
}

impl Site<'_> {
    /// True if a guard says that the path is present.
    pub(crate) fn covers(self, path: &str) -> bool {
        self.guards.is_some_and(|guards| guards.covers(path))
    }
}

impl<'c> View<'c> {
    fn empty(place: &'static str) -> Self {
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

    /// `user from TOKEN`
    pub(crate) fn mapping(claims: &'c [Claim]) -> Self {
        let slots = claims.iter().enumerate().map(|(slot, claim)| (claim.name.as_str(), slot)).collect();
        Self { claims: Some(claims), claim_slots: slots, ..Self::empty("a mapping") }
    }

    /// `claim: T = account.x`
    pub(crate) fn issued() -> Self {
        Self { account: true, ..Self::empty("an issued claim") }
    }

    /// `check` in a schema
    pub(crate) fn check(siblings: &'c IndexMap<String, Attribute>) -> Self {
        Self { siblings: Some(siblings), ..Self::empty("a schema's `check`") }
    }

    fn of_request(place: &'static str, user: Caller, inputs: Inputs<'c>, key: ViewKey) -> Self {
        Self { user: Some(user), request: true, inputs, conditions: true, key, ..Self::empty(place) }
    }

    /// A limit, by its row. Several routes may name it.
    pub(crate) fn limit(row: usize, routes: &'c [Id<Route>]) -> Self {
        Self::of_request("a limit", Caller::Perhaps, Inputs::Routes(routes), ViewKey::Limit(row))
    }

    /// A rule over a set of permissions, which has a row, on resources.
    pub(crate) fn rule((row, permissions): (usize, &'c [u32]), caller: Caller, resources: RowSet, doors: bool) -> Self {
        let (inputs, key) = (Inputs::Requiring { permissions, doors }, ViewKey::Rule(row, doors, caller));
        Self { resources: Some((resources, doors)), ..Self::of_request("a rule", caller, inputs, key) }
    }

    /// A clause of a route.
    pub(crate) fn route(route: &'c [Id<Route>; 1], caller: Caller, resource: Option<Id<Resource>>) -> Self {
        let [id] = *route;
        let resources = resource.map(|resource| {
            let mut rows = RowSet::default();
            rows.insert(resource.row());
            (rows, false)
        });
        let view = Self::of_request("a route", caller, Inputs::Routes(route), ViewKey::Route(id.row(), caller));
        Self { resources, ..view }
    }

    /// The site of the whole expression.
    pub(crate) fn site(&self) -> Site<'_> {
        Site { view: self, guards: None }
    }

    pub(crate) fn several_resources(&self) -> bool {
        self.resources.as_ref().is_some_and(|(rows, doors)| *doors || rows.rows().nth(1).is_some())
    }

    /// The words that paths can begin with.
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
