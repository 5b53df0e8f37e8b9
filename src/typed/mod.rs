//! The typed policy: every name resolved, every pattern expanded, every value of its type. Nothing in it
//! refers to the tree, but for spans that reasons point at.

pub(crate) mod browser;
pub(crate) mod callers;
pub(crate) mod expressions;
pub(crate) mod limits;
pub(crate) mod nevers;
pub(crate) mod permissions;
pub(crate) mod roles;
pub(crate) mod routes;
pub(crate) mod schemas;
pub(crate) mod secrets;
pub(crate) mod types;

use crate::collections::id_set::{IdSet, IdSets};
use crate::collections::names::Names;
use crate::collections::table::{Id, Table};
pub(crate) use crate::keys::{HmacAlgorithm, SignatureAlgorithm};
pub(crate) use crate::model::keywords::{CsrfApplies, Dialects, Forwarded, OnFailure, ParameterType};
use crate::password::PasswordRule;
pub(crate) use crate::typed::browser::{Cookie, Cors, Csrf, CsrfLayer, HeaderSet, Origins, Transport};
pub(crate) use crate::typed::callers::{Claim, Mapping, Proof, SingleUse, Token, TokenCarrier, bare_typ};
pub(crate) use crate::typed::expressions::{Condition, Expr, Pattern, Read, Reads};
pub(crate) use crate::typed::limits::{ChargeStage, Cost, Limit, Quota, Tier};
pub(crate) use crate::typed::nevers::{Never, NeverOf};
pub(crate) use crate::typed::permissions::{Grant, Grantee, Permission, Resource, Rule, Terms};
pub(crate) use crate::typed::roles::{Role, Scope};
pub(crate) use crate::typed::routes::{Access, BodyRule, PathSegment, Requirement, Route, Service, Subject, When};
use crate::typed::schemas::Shape;
pub(crate) use crate::typed::secrets::{KeySet, Purpose, Secret};
pub(crate) use crate::typed::types::{Attribute, Type};

/// A whole policy, checked.
#[derive(Debug)]
pub(crate) struct TypedPolicy {
    pub(crate) name: String,
    /// Marks ids of this policy; as good as different for every two policies.
    pub(crate) fingerprint: u64,
    pub(crate) secrets: Table<Secret>,
    pub(crate) key_sets: Table<KeySet>,
    pub(crate) tokens: Table<Token>,
    pub(crate) password: Option<PasswordRule>,
    pub(crate) mappings: Vec<Mapping>,
    /// The attributes of `user`, apart from `id`, `roles`, `tier` and `scopes`.
    pub(crate) attributes: Table<Attribute>,
    /// The attributes of accounts, which the host supplies.
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
    /// Applies to routes that name no other, and to requests that match no route.
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

    /// True if a holder of these roles is in this one.
    pub(crate) fn in_role(&self, held: &[Id<Role>], role: Id<Role>) -> bool {
        self.role_sets.has_any(self.roles_up(role), held)
    }

    /// The grants and forbids of a permission beside roles.
    pub(crate) fn terms(&self, permission: &Permission) -> &Terms {
        &self.terms[permission.terms]
    }

    /// True if the caller's roles alone decide a permission.
    pub(crate) fn is_by_role(&self, permission: &Permission) -> bool {
        let terms = self.terms(permission);
        self.scopes.len() == 0 && !terms.callers && terms.grants.is_empty() && terms.forbids.is_empty()
    }

    /// True if `test` is true of a part of an expression, or of a condition that it names, directly or not.
    pub(crate) fn any_part(&self, expr: &Expr, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
        self.any_new_part(expr, &mut Vec::new(), test)
    }

    /// Each condition is visited once: the number of paths to it can grow exponentially.
    fn any_new_part(&self, expr: &Expr, seen: &mut Vec<Id<Condition>>, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
        expr.any(&mut |part| {
            test(part)
                || match part {
                    Expr::Condition(id) if !seen.contains(id) => {
                        seen.push(*id);
                        self.any_new_part(&self.conditions[*id].expr, seen, test)
                    }
                    _ => false,
                }
        })
    }
}
