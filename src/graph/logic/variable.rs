//! What diagrams ask, and in which order: the caller first, then the request, the context, the resource, and last the
//! input, so that what has to be looked up or read is asked for late.

use std::hash::Hash;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::collections::id_set::IdSet;
use crate::graph::diagram;
use crate::graph::logic::atom::Kind;
use crate::graph::logic::domain::Domain;
use crate::typed::{Expr, Read, Role, Scope, TypedPolicy};

/// What a diagram's node asks.
#[derive(Debug)]
pub(crate) enum Question<'v> {
    /// Is there a caller?
    HasUser,
    /// Has the caller scopes, which cap the roles?
    Capped,
    /// Has the caller one of these roles?
    Roles(IdSet<Role>),
    /// One of these scopes?
    Scopes(IdSet<Scope>),
    /// Of which class is the attribute?
    Class(&'v Expr, &'v Domain),
    /// Is it true, false or unknown?
    Opaque(&'v Expr),
}

/// The same, as a walk finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ask {
    HasUser,
    Capped,
    Roles(IdSet<Role>),
    Scopes(IdSet<Scope>),
    /// An attribute whose class may have been found out before: its row among those of whose attributes.
    Class(Remembered, u32, diagram::Variable),
    Other(diagram::Variable),
}

/// Whose attributes' classes are found out once for many questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Remembered {
    User,
    Context,
    Resource,
}

/// What a condition reads last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stage {
    User,
    Request,
    Context,
    Resource,
    Input,
}

impl Stage {
    /// The latest of what an expression reads, conditions looked into.
    pub(crate) fn of(expr: &Expr, policy: &TypedPolicy) -> Self {
        let mut latest = Self::User;
        expr.any(&mut |part| {
            let stage = match part {
                Expr::Read(read) => Self::of_read(read),
                Expr::Condition(id) => Self::of(&policy.conditions[*id].expr, policy),
                _ => Self::User,
            };
            latest = latest.max(stage);
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
    /// By stage.
    classes: [Interned<(Expr, Option<Kind>), Domain>; STAGES],
    opaque: [Interned<Expr, ()>; STAGES],
}

type Interned<K, V> = IndexMap<K, V, FixedState>;

const STAGES: usize = 5;
/// A variable's number begins with its group.
const GROUP: u32 = 28;
const HAS_USER: u32 = 0;
const CAPPED: u32 = 1;
const ROLES: u32 = 2;
const SCOPES: u32 = 3;
/// Of a stage, the attributes with classes come first.
const STAGED: u32 = 4;
const USER: u32 = STAGED + 2 * Stage::User as u32;
const CONTEXT: u32 = STAGED + 2 * Stage::Context as u32;
const RESOURCE: u32 = STAGED + 2 * Stage::Resource as u32;

impl Variables {
    pub(crate) const HAS_USER: diagram::Variable = HAS_USER << GROUP;
    pub(crate) const CAPPED: diagram::Variable = CAPPED << GROUP;

    pub(crate) fn roles(&mut self, roles: IdSet<Role>) -> diagram::Variable {
        in_group(ROLES, position(&mut self.roles, &roles, ()))
    }

    pub(crate) fn scopes(&mut self, scopes: IdSet<Scope>) -> diagram::Variable {
        in_group(SCOPES, position(&mut self.scopes, &scopes, ()))
    }

    /// An attribute, as far as values of one kind are asked for, and its classes.
    pub(crate) fn class(
        &mut self,
        stage: Stage,
        of: &(Expr, Option<Kind>),
        domain: impl FnOnce() -> Domain,
    ) -> diagram::Variable {
        let Some(classes) = self.classes.get_mut(stage as usize) else { return Self::HAS_USER };
        let row = match classes.get_index_of(of) {
            Some(known) => known,
            None => classes.insert_full(of.clone(), domain()).0,
        };
        in_group(STAGED + 2 * stage as u32, row)
    }

    pub(crate) fn opaque(&mut self, stage: Stage, expr: &Expr) -> diagram::Variable {
        let Some(opaque) = self.opaque.get_mut(stage as usize) else { return Self::HAS_USER };
        in_group(STAGED + 2 * stage as u32 + 1, position(opaque, expr, ()))
    }

    pub(crate) fn domain(&self, variable: diagram::Variable) -> Option<&Domain> {
        match self.question(variable) {
            Some(Question::Class(_, domain)) => Some(domain),
            _ => None,
        }
    }

    /// What a variable asks, as a walk finds it.
    pub(crate) fn ask(&self, variable: diagram::Variable) -> Ask {
        let (group, row) = (variable >> GROUP, variable & ((1 << GROUP) - 1));
        match (self.question(variable), group) {
            (Some(Question::HasUser), _) => Ask::HasUser,
            (Some(Question::Capped), _) => Ask::Capped,
            (Some(Question::Roles(roles)), _) => Ask::Roles(roles),
            (Some(Question::Scopes(scopes)), _) => Ask::Scopes(scopes),
            (Some(Question::Class(..)), USER) => Ask::Class(Remembered::User, row, variable),
            (Some(Question::Class(..)), CONTEXT) => Ask::Class(Remembered::Context, row, variable),
            (Some(Question::Class(..)), RESOURCE) => Ask::Class(Remembered::Resource, row, variable),
            (Some(Question::Class(..) | Question::Opaque(_)) | None, _) => Ask::Other(variable),
        }
    }

    /// The attributes with classes of a stage.
    pub(crate) fn classes(&self, stage: Stage) -> impl Iterator<Item = (&Expr, &Domain)> {
        self.classes.iter().skip(stage as usize).take(1).flatten().map(|((path, _), domain)| (path, domain))
    }

    /// What a variable asks.
    pub(crate) fn question(&self, variable: diagram::Variable) -> Option<Question<'_>> {
        let (group, row) = (variable >> GROUP, (variable & ((1 << GROUP) - 1)) as usize);
        match group {
            HAS_USER => Some(Question::HasUser),
            CAPPED => Some(Question::Capped),
            ROLES => self.roles.get_index(row).map(|(roles, ())| Question::Roles(*roles)),
            SCOPES => self.scopes.get_index(row).map(|(scopes, ())| Question::Scopes(*scopes)),
            _ => {
                let (stage, opaque) = ((group - STAGED) as usize / 2, (group - STAGED) % 2 == 1);
                match opaque {
                    false => {
                        self.classes.get(stage)?.get_index(row).map(|((path, _), domain)| Question::Class(path, domain))
                    }
                    true => self.opaque.get(stage)?.get_index(row).map(|(expr, ())| Question::Opaque(expr)),
                }
            }
        }
    }
}

fn in_group(group: u32, row: usize) -> diagram::Variable {
    group << GROUP | u32::try_from(row).unwrap_or(u32::MAX) & ((1 << GROUP) - 1)
}

fn position<K: Clone + Eq + Hash, V>(table: &mut Interned<K, V>, key: &K, value: V) -> usize {
    match table.get_index_of(key) {
        Some(known) => known,
        None => table.insert_full(key.clone(), value).0,
    }
}
