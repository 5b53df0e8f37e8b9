//! Callers, from a token's claims or from the host.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::collections::table::Id;
use crate::eval::attributes::{AttributeSet, Slots};
use crate::eval::context::{Environment, EvalContext, ResourceRef};
use crate::eval::evaluate::evaluate;
use crate::eval::identity::Identity;
use crate::model::value::{Known, Value};
use crate::protocol::request::User;
use crate::typed::{Expr, Mapping, Token, TypedPolicy};
use crate::values::value_ref::{Items, ValueRef};

/// The caller that a token's claims make.
pub(crate) fn mapped(
    policy: &TypedPolicy,
    mapping: &Mapping,
    token: Id<Token>,
    claims: &[Known<Value>],
) -> Result<Identity<'static>, &'static str> {
    let context = EvalContext { claims, ..EvalContext::empty(policy) };
    let environment = &context.on(ResourceRef::None);
    let id = match evaluate(&mapping.id, environment) {
        Known::Value(ValueRef::Text(id)) if !id.is_empty() => id.into_owned(),
        _ => return Err("the token doesn't say who the user is"),
    };
    let role_names = mapping.roles.as_ref().map(|roles| texts_of(roles, environment)).unwrap_or_default();
    let tier = match mapping.tier.as_ref().map(|tier| evaluate(tier, environment)) {
        Some(Known::Value(ValueRef::Text(tier))) => Some(tier.into_owned()),
        Some(_) | None => None,
    };
    // A mapping with scopes caps its callers, also those that come with none.
    let scopes = mapping.scopes.as_ref().map(|scopes| evaluate(scopes, environment)).map(|scopes| match scopes {
        Known::Value(ValueRef::Text(text)) => text.split_ascii_whitespace().map(ToOwned::to_owned).collect(),
        Known::Value(ValueRef::List(names)) => texts(names),
        Known::Value(_) | Known::Absent | Known::Unknown => Vec::new(),
    });
    let attribute = |expr| match evaluate(expr, environment) {
        Known::Value(value) => Known::Value(value.into_value()),
        Known::Absent => Known::Absent,
        Known::Unknown => Known::Unknown,
    };
    Ok(identity(
        policy,
        Identity {
            id: id.into(),
            roles: SmallVec::new(),
            role_names: role_names.into(),
            tier: tier.map(Cow::Owned),
            scopes: scopes.map(Cow::Owned),
            known_scopes: SmallVec::new(),
            attributes: AttributeSet::Slots(Slots::of(mapping.attributes.iter().map(attribute).collect())),
            token: Some(token),
        },
    ))
}

/// The caller that the host authenticated. Attributes follow the rules of facts: a missing one is absent if it is optional,
/// else unknown, and so is one of the wrong type.
pub(crate) fn vouched_for<'r>(policy: &TypedPolicy, user: &'r User) -> Identity<'r> {
    identity(
        policy,
        Identity {
            id: Cow::Borrowed(&user.id),
            roles: SmallVec::new(),
            role_names: Cow::Borrowed(user.roles.as_deref().unwrap_or_default()),
            tier: user.tier.as_deref().map(Cow::Borrowed),
            scopes: user.scopes.as_deref().map(Cow::Borrowed),
            known_scopes: SmallVec::new(),
            attributes: AttributeSet::Json(Cow::Borrowed(&user.attributes)),
            token: None,
        },
    )
}

/// Selects the roles, scopes and tier that the policy declares.
fn identity<'r>(policy: &TypedPolicy, claimed: Identity<'r>) -> Identity<'r> {
    let Identity { role_names, scopes, .. } = &claimed;
    let roles = role_names.iter().filter_map(|name| policy.role_names.find(name)).collect();
    let scopes = scopes.iter().flat_map(|scopes| scopes.iter());
    let known_scopes = scopes.filter_map(|name| policy.scope_names.find(name)).collect();
    let known_tier = |name: &Cow<'_, str>| policy.tiers.iter().any(|tier| tier.name == *name);
    Identity { roles, known_scopes, tier: claimed.tier.filter(known_tier), ..claimed }
}

/// A list of texts, empty unless all of it is known.
fn texts_of<'a>(expr: &'a Expr, environment: &Environment<'a>) -> Vec<String> {
    let text = |known: Known<ValueRef<'_>>| match known {
        Known::Value(ValueRef::Text(text)) => Some(text.into_owned()),
        Known::Value(_) | Known::Absent | Known::Unknown => None,
    };
    // A literal list is evaluated item by item, without a list value.
    if let Expr::List(items) = expr {
        return items.iter().map(|item| text(evaluate(item, environment))).collect::<Option<_>>().unwrap_or_default();
    }
    match evaluate(expr, environment) {
        Known::Value(ValueRef::List(items)) => texts(items),
        Known::Value(_) | Known::Absent | Known::Unknown => Vec::new(),
    }
}

fn texts(items: Items<'_>) -> Vec<String> {
    items
        .into_list()
        .iter()
        .filter_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}
