//! The typed policy: every name resolved, every pattern expanded, every value of its type. Nothing in it
//! refers to the tree, but for spans that reasons point at.

pub(crate) mod browser;
pub(crate) mod callers;
pub(crate) mod expressions;
pub(crate) mod limits;
pub(crate) mod permissions;
pub(crate) mod routes;
pub(crate) mod schemas;
pub(crate) mod types;

use crate::collections::id_set::{IdSet, IdSets};
use crate::collections::names::Names;
use crate::collections::table::{Id, Table};
pub(crate) use crate::keys::{HmacAlgorithm, SignatureAlgorithm};
use crate::password::PasswordRule;
pub(crate) use crate::typed::browser::{
    Cookie, Cors, Csrf, CsrfApplies, CsrfLayer, Forwarded, HeaderSet, Origins, Transport,
};
pub(crate) use crate::typed::callers::{
    Claim, KeySet, Mapping, Proof, Purpose, Secret, SingleUse, Token, TokenCarrier, bare_typ,
};
pub(crate) use crate::typed::expressions::{Expr, Pattern, Read, Reads};
pub(crate) use crate::typed::limits::{ChargeStage, Cost, Dialects, Limit, OnFailure, Quota, Tier};
pub(crate) use crate::typed::permissions::{
    Attribute, Condition, Grant, Grantee, Never, NeverOf, Permission, Resource, Role, Rule, Scope, Terms,
};
pub(crate) use crate::typed::routes::{
    Access, BodyRule, ParameterType, PathSegment, Requirement, Route, Service, Subject, When,
};
use crate::typed::schemas::Shape;
pub(crate) use crate::typed::types::Type;

/// A whole policy, checked.
#[derive(Debug)]
pub(crate) struct TypedPolicy {
    pub(crate) name: String,
    /// What ids of this policy are known by; as good as different for every two policies.
    pub(crate) fingerprint: u64,
    pub(crate) secrets: Table<Secret>,
    pub(crate) key_sets: Table<KeySet>,
    pub(crate) tokens: Table<Token>,
    pub(crate) password: Option<PasswordRule>,
    pub(crate) mappings: Vec<Mapping>,
    /// Of `user`, beside `id`, `roles`, `tier` and `scopes`.
    pub(crate) attributes: Table<Attribute>,
    /// What the host knows of an account.
    pub(crate) account: Table<Attribute>,
    pub(crate) context: Table<Attribute>,
    /// The names of resources' attributes, each once.
    pub(crate) attribute_names: Table<String>,
    pub(crate) resources: Table<Resource>,
    pub(crate) conditions: Table<Condition>,
    pub(crate) permissions: Table<Permission>,
    pub(crate) permission_names: Names<Permission>,
    pub(crate) terms: Table<Terms>,
    pub(crate) rules: Table<Rule>,
    pub(crate) roles: Table<Role>,
    pub(crate) role_names: Names<Role>,
    pub(crate) role_sets: IdSets<Role>,
    pub(crate) scopes: Table<Scope>,
    pub(crate) scope_names: Names<Scope>,
    pub(crate) scope_sets: IdSets<Scope>,
    pub(crate) tiers: Table<Tier>,
    pub(crate) limits: Table<Limit>,
    pub(crate) transport: Transport,
    pub(crate) cors: Table<Cors>,
    /// What holds where no route says otherwise, and where no route matched.
    pub(crate) default_cors: Option<Id<Cors>>,
    pub(crate) csrf: Option<Csrf>,
    pub(crate) headers: Table<HeaderSet>,
    pub(crate) default_headers: Id<HeaderSet>,
    pub(crate) shapes: Table<Shape>,
    pub(crate) routes: Table<Route>,
    /// The rules of `forbid *`, which hold at doors that a caller enters without a permission, too.
    pub(crate) door_forbids: Vec<Id<Rule>>,
    pub(crate) nevers: Vec<Never>,
}

impl TypedPolicy {
    /// The roles whose holders are in a role: it, and those that extend it, directly or not.
    pub(crate) fn roles_up(&self, role: Id<Role>) -> IdSet<Role> {
        self.roles[role].up
    }

    /// Whether whoever holds these roles is in this one.
    pub(crate) fn in_role(&self, held: &[Id<Role>], role: Id<Role>) -> bool {
        self.role_sets.has_any(self.roles_up(role), held)
    }

    /// What a permission takes beside a role.
    pub(crate) fn terms(&self, permission: &Permission) -> &Terms {
        &self.terms[permission.terms]
    }
}
