//! The variables of diagrams, and their order: the caller first, then the request, the context, the resource, and the
//! input last, so that values that must be looked up or read are needed late.

use std::hash::Hash;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::collections::id_set::IdSet;
use crate::graph::diagram::VariableId;
use crate::graph::logic::atom::ValueKind;
use crate::graph::logic::partition::Partition;
use crate::typed::{Expr, Read, Role, Scope, TypedPolicy};

/// A variable of a diagram. Those with two classes have class 0 for *no* and 1 for *yes*.
#[derive(Debug)]
pub(crate) enum Variable<'v> {
    /// Is there a caller?
    HasUser,
    /// Has the caller scopes, which cap the roles?
    Capped,
    /// Has the caller one of these roles?
    Roles(IdSet<Role>),
    /// Has the caller one of these scopes?
    Scopes(IdSet<Scope>),
    /// The class of an attribute's value.
    Attribute(&'v Expr, &'v Partition),
    /// A condition that is 0 for false, 1 for true, 2 for unknown, and 3 if the input will decide it.
    Opaque(&'v Expr),
}

/// A variable as a step of a walk has it: without a lookup for the frequent ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ResolvedVariable {
    HasUser,
    Capped,
    Roles(IdSet<Role>),
    Scopes(IdSet<Scope>),
    /// An attribute, by its row in its group.
    Attribute(VariableGroup, u32, VariableId),
    Other(VariableId),
}

/// Groups of variables, in the order in which diagrams test them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum VariableGroup {
    User,
    Request,
    Context,
    Resource,
    Input,
}

impl VariableGroup {
    /// The latest group that an expression reads, directly or by a condition.
    pub(crate) fn of(expr: &Expr, policy: &TypedPolicy) -> Self {
        let mut latest = Self::User;
        policy.any_part(expr, &mut |part| {
            if let Expr::Read(read) = part {
                latest = latest.max(Self::of_read(read));
            }
            false
        });
        latest
    }

    fn of_read(read: &Read) -> Self {
        match read {
            Read::Claim(_)
            | Read::Account(_)
            | Read::UserId
            | Read::UserTier
            | Read::UserScopes
            | Read::UserToken
            | Read::UserAttribute(_) => Self::User,
            Read::Method
            | Read::Path
            | Read::Host
            | Read::Origin
            | Read::Header(_)
            | Read::Cookie(_)
            | Read::Param(_)
            | Read::ClientIp
            | Read::Now => Self::Request,
            Read::Context(_) => Self::Context,
            Read::ResourceId | Read::Resource(_) => Self::Resource,
            Read::Query(_) | Read::Body(_) | Read::Sibling(_) => Self::Input,
        }
    }
}

/// The variables of a policy's diagrams.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    roles: Interned<IdSet<Role>, ()>,
    scopes: Interned<IdSet<Scope>, ()>,
    /// One map for each [`VariableGroup`].
    attributes: [Interned<(Expr, Option<ValueKind>), Partition>; GROUPS],
    opaque: [Interned<Expr, ()>; GROUPS],
}

type Interned<K, V> = IndexMap<K, V, FixedState>;

const GROUPS: usize = 5;
/// The bits of a variable's id below its section. Sections are numbered in the order of tests.
const SECTION: u32 = 28;
const HAS_USER: u32 = 0;
const CAPPED: u32 = 1;
const ROLES: u32 = 2;
const SCOPES: u32 = 3;
/// Each [`VariableGroup`] has two sections from here on: its attributes, then its opaque conditions.
const GROUPED: u32 = 4;

const VARIABLE_GROUPS: [VariableGroup; GROUPS] = [
    VariableGroup::User,
    VariableGroup::Request,
    VariableGroup::Context,
    VariableGroup::Resource,
    VariableGroup::Input,
];

impl Variables {
    pub(crate) const HAS_USER: VariableId = HAS_USER << SECTION;
    pub(crate) const CAPPED: VariableId = CAPPED << SECTION;

    pub(crate) fn roles(&mut self, roles: IdSet<Role>) -> VariableId {
        in_section(ROLES, position(&mut self.roles, &roles))
    }

    pub(crate) fn scopes(&mut self, scopes: IdSet<Scope>) -> VariableId {
        in_section(SCOPES, position(&mut self.scopes, &scopes))
    }

    /// The variable of an attribute and of one kind of constants that it is compared with.
    pub(crate) fn attribute(
        &mut self,
        group: VariableGroup,
        of: &(Expr, Option<ValueKind>),
        partition: impl FnOnce() -> Partition,
    ) -> VariableId {
        let Some(attributes) = self.attributes.get_mut(group as usize) else { return Self::HAS_USER };
        let row = match attributes.get_index_of(of) {
            Some(known) => known,
            None => attributes.insert_full(of.clone(), partition()).0,
        };
        in_section(GROUPED + 2 * group as u32, row)
    }

    pub(crate) fn opaque(&mut self, group: VariableGroup, expr: &Expr) -> VariableId {
        let Some(opaque) = self.opaque.get_mut(group as usize) else { return Self::HAS_USER };
        in_section(GROUPED + 2 * group as u32 + 1, position(opaque, expr))
    }

    pub(crate) fn partition(&self, id: VariableId) -> Option<&Partition> {
        match self.variable(id) {
            Some(Variable::Attribute(_, partition)) => Some(partition),
            _ => None,
        }
    }

    pub(crate) fn resolve(&self, id: VariableId) -> ResolvedVariable {
        let (section, row) = (id >> SECTION, id & ((1 << SECTION) - 1));
        match self.variable(id) {
            Some(Variable::HasUser) => ResolvedVariable::HasUser,
            Some(Variable::Capped) => ResolvedVariable::Capped,
            Some(Variable::Roles(roles)) => ResolvedVariable::Roles(roles),
            Some(Variable::Scopes(scopes)) => ResolvedVariable::Scopes(scopes),
            Some(Variable::Attribute(..)) => {
                let group = VARIABLE_GROUPS.get((section - GROUPED) as usize / 2);
                group.map_or(ResolvedVariable::Other(id), |group| ResolvedVariable::Attribute(*group, row, id))
            }
            Some(Variable::Opaque(_)) | None => ResolvedVariable::Other(id),
        }
    }

    /// The attributes of a group, in the order of their rows.
    pub(crate) fn attributes(&self, group: VariableGroup) -> impl Iterator<Item = (&Expr, &Partition)> {
        let of_group = self.attributes.iter().skip(group as usize).take(1).flatten();
        of_group.map(|((path, _), partition)| (path, partition))
    }

    pub(crate) fn variable(&self, id: VariableId) -> Option<Variable<'_>> {
        let (section, row) = (id >> SECTION, (id & ((1 << SECTION) - 1)) as usize);
        match section {
            HAS_USER => Some(Variable::HasUser),
            CAPPED => Some(Variable::Capped),
            ROLES => self.roles.get_index(row).map(|(roles, ())| Variable::Roles(*roles)),
            SCOPES => self.scopes.get_index(row).map(|(scopes, ())| Variable::Scopes(*scopes)),
            _ => {
                let (group, is_opaque) = ((section - GROUPED) as usize / 2, (section - GROUPED) % 2 == 1);
                if is_opaque {
                    return self.opaque.get(group)?.get_index(row).map(|(expr, ())| Variable::Opaque(expr));
                }
                let attribute = self.attributes.get(group)?.get_index(row);
                attribute.map(|((path, _), partition)| Variable::Attribute(path, partition))
            }
        }
    }
}

fn in_section(section: u32, row: usize) -> VariableId {
    section << SECTION | u32::try_from(row).unwrap_or(u32::MAX) & ((1 << SECTION) - 1)
}

fn position<K: Clone + Eq + Hash>(table: &mut Interned<K, ()>, key: &K) -> usize {
    match table.get_index_of(key) {
        Some(known) => known,
        None => table.insert_full(key.clone(), ()).0,
    }
}
