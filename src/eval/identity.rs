//! The caller that expressions read.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::collections::table::Id;
use crate::eval::attributes::{AttributeSet, Attributes};
use crate::model::value::{Known, Value};
use crate::typed::{Attribute, Role, Scope, Token, TypedPolicy};
use crate::values::json;
use crate::values::json::Provenance;

/// An authenticated caller.
#[derive(Debug, Clone)]
pub(crate) struct Identity<'r> {
    pub(crate) id: Cow<'r, str>,
    /// The caller's roles that the policy declares, without the roles that these extend.
    pub(crate) roles: SmallVec<[Id<Role>; 8]>,
    pub(crate) role_names: Cow<'r, [String]>,
    /// A tier that the policy declares.
    pub(crate) tier: Option<Cow<'r, str>>,
    /// The scopes that cap the roles. `None` if nothing does.
    pub(crate) scopes: Option<Cow<'r, [String]>>,
    /// The scopes that the policy declares.
    pub(crate) known_scopes: SmallVec<[Id<Scope>; 8]>,
    pub(crate) attributes: AttributeSet<'r>,
    pub(crate) token: Option<Id<Token>>,
}

impl Identity<'_> {
    /// The attributes that have values, by name.
    pub(crate) fn values<'p>(&self, policy: &'p TypedPolicy) -> Vec<(&'p str, Value)> {
        let value = |id: Id<Attribute>| match &self.attributes {
            AttributeSet::Json(record) => {
                let declared = &policy.attributes[id];
                json::member(record.get(&declared.name), declared, &policy.shapes, Provenance::Host)
            }
            AttributeSet::Slots(slots) => slots.values.get(id.row()).cloned().unwrap_or(Known::Unknown),
        };
        let named = |id: Id<Attribute>| Some((policy.attributes[id].name.as_str(), value(id).value()?));
        policy.attributes.ids().filter_map(named).collect()
    }

    pub(crate) fn attributes(&self) -> Attributes<'_> {
        self.attributes.attributes()
    }

    pub(crate) fn into_owned(self) -> Identity<'static> {
        Identity {
            id: Cow::Owned(self.id.into_owned()),
            roles: self.roles,
            role_names: Cow::Owned(self.role_names.into_owned()),
            tier: self.tier.map(|tier| Cow::Owned(tier.into_owned())),
            scopes: self.scopes.map(|scopes| Cow::Owned(scopes.into_owned())),
            known_scopes: self.known_scopes,
            attributes: self.attributes.into_owned(),
            token: self.token,
        }
    }
}
