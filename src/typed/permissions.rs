//! Resources, permissions and rules.

use indexmap::IndexMap;

use crate::collections::id_set::IdSet;
use crate::collections::table::Id;
use crate::model::source::Span;
use crate::typed::expressions::{Expr, Reads};
use crate::typed::roles::{Role, Scope};
use crate::typed::types::Attribute;

/// A resource, such as `posts`.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) attributes: IndexMap<String, Attribute>,
    /// The names of the attributes, in their order.
    pub(crate) names: Box<[Id<String>]>,
}

impl Resource {
    /// The position of an attribute among the resource's.
    pub(crate) fn slot(&self, name: Id<String>) -> Option<usize> {
        self.names.iter().position(|known| *known == name)
    }

    /// The attribute of a slot.
    pub(crate) fn attribute(&self, slot: usize) -> Option<&Attribute> {
        self.attributes.get_index(slot).map(|(_, attribute)| attribute)
    }
}

/// `posts:read`
#[derive(Debug)]
pub(crate) struct Permission {
    pub(crate) resource: Id<Resource>,
    /// The roles that are granted it without a condition, and those that extend them.
    pub(crate) roles: IdSet<Role>,
    pub(crate) terms: Id<Terms>,
}

/// The grants and forbids of a permission beside roles. Permissions with equal terms share them.
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

    /// True if an anonymous caller could be granted a permission with these terms.
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

/// The callers that a rule grants something.
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
    /// The reason that a `forbid` gives to denied callers.
    pub(crate) because: Option<String>,
}
