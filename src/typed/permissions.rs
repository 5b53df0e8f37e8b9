//! Resources, roles, scopes, rules, conditions and invariants.

use indexmap::IndexMap;

use crate::collections::id_set::IdSet;
use crate::collections::table::Id;
use crate::model::source::Span;
use crate::typed::expressions::{Expr, Reads};
use crate::typed::routes::Route;
use crate::typed::types::Type;

/// A declared attribute of a resource, of `context`, of the caller or of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) optional: bool,
}

/// A kind of thing.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) attributes: IndexMap<String, Attribute>,
    /// The names of the attributes, in their order.
    pub(crate) names: Box<[Id<String>]>,
}

impl Resource {
    /// Where an attribute stands among the resource's.
    pub(crate) fn slot(&self, name: Id<String>) -> Option<usize> {
        self.names.iter().position(|known| *known == name)
    }

    /// The attribute of a slot.
    pub(crate) fn attribute(&self, slot: usize) -> Option<&Attribute> {
        self.attributes.get_index(slot).map(|(_, attribute)| attribute)
    }
}

/// A named condition.
#[derive(Debug)]
pub(crate) struct Condition {
    /// False, where it is used nowhere and so was never typed.
    pub(crate) expr: Expr,
    pub(crate) reads: Reads,
    /// Whether it names other conditions, so that its outcome is worth remembering.
    pub(crate) compound: bool,
}

/// `posts:read`; its name stands with the names of all permissions.
#[derive(Debug)]
pub(crate) struct Permission {
    pub(crate) resource: Id<Resource>,
    /// The roles that are granted it without a condition, and those that extend them.
    pub(crate) roles: IdSet<Role>,
    pub(crate) terms: Id<Terms>,
}

/// What a permission takes beside a role; permissions that take the same have one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    /// Granted to every caller without a condition.
    pub(crate) callers: bool,
    /// Granted to anonymous callers too, without a condition.
    pub(crate) anyone: bool,
    /// The scopes that let it through without a condition.
    pub(crate) scopes: IdSet<Scope>,
    /// Grants with a condition.
    pub(crate) grants: Box<[Grant]>,
    /// The rules that forbid it.
    pub(crate) forbids: Box<[Id<Rule>]>,
}

impl Terms {
    /// The rules of the grants with a condition, then those that forbid.
    pub(crate) fn rules(&self) -> impl Iterator<Item = Id<Rule>> {
        self.grants.iter().map(|grant| grant.rule).chain(self.forbids.iter().copied())
    }

    /// Whether an anonymous caller could be granted what has them.
    pub(crate) fn opens_to_anyone(&self) -> bool {
        self.anyone || self.grants.iter().any(|grant| grant.to == Grantee::Anyone)
    }
}

/// A grant with a condition, which is the rule's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Grant {
    pub(crate) to: Grantee,
    pub(crate) rule: Id<Rule>,
}

/// Whom a rule grants something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Grantee {
    /// Anonymous callers, too.
    Anyone,
    /// Every caller.
    Callers,
    /// Callers that are in the role.
    Role(Id<Role>),
    /// Not granted, but let through to those that come with the scope.
    Scope(Id<Scope>),
}

/// A grant with a condition, or a `forbid`.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) span: Span,
    /// A `forbid` without one always holds.
    pub(crate) condition: Option<Expr>,
    pub(crate) reads: Reads,
    /// What a `forbid` tells whoever it turns away.
    pub(crate) because: Option<String>,
}

/// An invariant.
#[derive(Debug)]
pub(crate) struct Never {
    pub(crate) span: Span,
    pub(crate) of: NeverOf,
    /// What must not be true of a request that is granted this.
    pub(crate) condition: Expr,
    /// Where the condition is written, and whether behind `unless`.
    pub(crate) written: (Span, bool),
    pub(crate) because: Option<String>,
}

/// What must never be granted.
#[derive(Debug)]
pub(crate) enum NeverOf {
    /// Any of these.
    Permissions(Vec<Id<Permission>>),
    /// To be let through.
    Door(Id<Route>),
}

/// A role; what it may do stands with the permissions. A role comes before those that extend it, and these are
/// together as far as possible, so that most sets of roles are a range.
#[derive(Debug)]
pub(crate) struct Role {
    /// It, and every role that extends it, directly or not: whoever holds one of these is in the role.
    pub(crate) up: IdSet<Role>,
}

/// A scope; what it lets through stands with the permissions.
#[derive(Debug)]
pub(crate) struct Scope;
