//! The `authorize` stage, for one permission.

use std::collections::BTreeSet;

use portcullis::syntax::tree::{Effect, Polarity, Rule};

use crate::caller::Caller;
use crate::eval::{Thing, View};
use crate::policy::{Permission, Reference};
use crate::scene::{Outcome, Scene};
use crate::value::Truths;

impl Reference {
    pub(crate) fn answer(&self, scene: &Scene) -> Outcome {
        if scene.door().is_some() { self.enter(scene) } else { self.check(scene) }
    }

    /// A permission asked for outside any door.
    fn check(&self, scene: &Scene) -> Outcome {
        let (resource, action) = scene.ask.split_once(':').unwrap();
        let caller = self.caller(scene);
        let record = scene.resource.as_ref();
        let thing = Thing {
            attributes: &self.resource(resource).unwrap().attributes,
            id: record.and_then(|record| record.get("id")).and_then(serde_json::Value::as_str),
            record,
        };
        let view = View { user: caller.as_ref(), thing: Some(thing), ..View::of_nothing(self, scene) };
        if self.granted(&view, &(resource.to_owned(), action.to_owned())) { Outcome::Allow } else { Outcome::Deny }
    }

    /// "Permission P is granted when some role of the user (or of those it extends), or a top-level `allow`, grants P
    /// with a condition that is true, within the scopes if the mapping has any, and no `forbid` on P has a condition
    /// that is true or unknown."
    pub(crate) fn granted(&self, view: &View<'_>, permission: &Permission) -> bool {
        (self.open_to_anyone(view, permission)
            || view.user.is_some_and(|user| {
                (self.by_role(view, user, permission) || self.by_allow(view, permission))
                    && self.within_scopes(view, user, permission)
            }))
            && !self.forbidden(view, permission)
    }

    /// `allow anyone` isn't capped by scopes.
    fn open_to_anyone(&self, view: &View<'_>, permission: &Permission) -> bool {
        self.rules().any(|rule| {
            matches!(rule.effect, Effect::Allow { anyone: true, .. })
                && self.speaks_of(rule, permission)
                && truly(view, rule)
        })
    }

    fn by_allow(&self, view: &View<'_>, permission: &Permission) -> bool {
        self.rules().any(|rule| {
            matches!(rule.effect, Effect::Allow { anyone: false, .. })
                && self.speaks_of(rule, permission)
                && truly(view, rule)
        })
    }

    fn by_role(&self, view: &View<'_>, user: &Caller, permission: &Permission) -> bool {
        self.roles_of(user).into_iter().any(|role| {
            let grants = &self.role(&role).unwrap().grants;
            grants.iter().any(|rule| self.speaks_of(rule, permission) && truly(view, rule))
        })
    }

    /// A caller without scopes isn't capped.
    fn within_scopes(&self, view: &View<'_>, user: &Caller, permission: &Permission) -> bool {
        let Some(scopes) = &user.scopes else { return true };
        scopes
            .iter()
            .filter_map(|name| self.scope(name))
            .any(|scope| scope.grants.iter().any(|rule| self.speaks_of(rule, permission) && truly(view, rule)))
    }

    fn forbidden(&self, view: &View<'_>, permission: &Permission) -> bool {
        self.rules().any(|rule| {
            matches!(rule.effect, Effect::Forbid { .. }) && self.speaks_of(rule, permission) && possibly(view, rule)
        })
    }

    /// `forbid *` also covers the doors that a caller enters without a permission; `except` takes none away.
    pub(crate) fn shut_out(&self, view: &View<'_>) -> bool {
        self.rules().any(|rule| match &rule.effect {
            Effect::Forbid { patterns, .. } => self.covers_doors(patterns) && possibly(view, rule),
            Effect::Allow { .. } | Effect::Never(_) => false,
        })
    }

    /// True if an `allow anyone` has the permission, under any condition.
    pub(crate) fn anyone_covers(&self, permission: &Permission) -> bool {
        self.rules()
            .any(|rule| matches!(rule.effect, Effect::Allow { anyone: true, .. }) && self.speaks_of(rule, permission))
    }

    fn speaks_of(&self, rule: &Rule, permission: &Permission) -> bool {
        match &rule.effect {
            Effect::Allow { patterns, except, .. } | Effect::Forbid { patterns, except } => {
                self.expand(patterns).contains(permission) && !self.expand(except).contains(permission)
            }
            Effect::Never(_) => false,
        }
    }

    /// `user is admin`: that role, or one that extends it.
    pub(crate) fn is(&self, user: Option<&Caller>, role: &str) -> bool {
        user.is_some_and(|user| self.roles_of(user).contains(role))
    }

    /// The caller's roles and those that they extend. A role name that the policy doesn't know grants nothing.
    fn roles_of(&self, user: &Caller) -> BTreeSet<String> {
        let mut closed = BTreeSet::new();
        let mut open: Vec<String> = user.roles.clone();
        while let Some(name) = open.pop() {
            let Some(role) = self.role(&name) else { continue };
            if closed.insert(name) {
                open.extend(role.extends.iter().map(|parent| parent.node.clone()));
            }
        }
        closed
    }
}

/// A grant counts where its condition is true; while there is input to come, where it may become so.
fn truly(view: &View<'_>, rule: &Rule) -> bool {
    condition(view, rule).contains(&Some(true))
}

/// A `forbid` fires where its condition isn't false; while there is input to come, where it can't become so.
fn possibly(view: &View<'_>, rule: &Rule) -> bool {
    !condition(view, rule).contains(&Some(false))
}

fn condition(view: &View<'_>, rule: &Rule) -> Truths {
    match &rule.condition {
        Some((Polarity::When, expression)) => view.truths(expression),
        None | Some((Polarity::Unless, _)) => BTreeSet::from([Some(true)]),
    }
}
