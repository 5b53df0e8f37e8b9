//! The caller: a user that the host authenticated, or a mapping of a token's claims.

use std::collections::BTreeMap;

use portcullis::User;
use portcullis::syntax::tree::{Claim, Expression, Mapping};
use serde_json::Value as Json;

use crate::eval::View;
use crate::policy::Reference;
use crate::scene::{Scene, Token};
use crate::value::{Declared, Fact, Value, read_attribute};

pub(crate) struct Caller {
    pub(crate) id: String,
    /// The roles, unknown ones included.
    pub(crate) roles: Vec<String>,
    /// The tier, if the policy declares it.
    pub(crate) tier: Option<String>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) attributes: BTreeMap<String, Fact>,
    pub(crate) token: Option<String>,
}

impl Reference {
    /// The caller; `None` without a good credential.
    pub(crate) fn caller(&self, scene: &Scene) -> Option<Caller> {
        match (scene.user(), &scene.token) {
            (Some(user), _) => Some(self.vouched(user)),
            (None, Some(token)) => self.mapped(token, scene),
            (None, None) => None,
        }
    }

    fn vouched(&self, user: User) -> Caller {
        let attribute =
            |(name, declared): (&String, &Declared)| (name.clone(), read_attribute(&user.attributes, name, declared));
        Caller {
            attributes: self.attributes.iter().map(attribute).collect(),
            id: user.id,
            roles: user.roles.unwrap_or_default(),
            tier: user.tier.filter(|tier| self.tier(tier)),
            scopes: user.scopes,
            token: None,
        }
    }

    /// `None` for a token that lacks a required claim or has one of a wrong type.
    fn mapped(&self, token: &Token, scene: &Scene) -> Option<Caller> {
        let mapping = self.mapping(&token.kind)?;
        let mut claims = BTreeMap::new();
        for claim in self.claims(&token.kind) {
            claims.insert(claim.attribute.name.node.clone(), read_claim(claim, &token.claims)?);
        }
        let view = View { claims: Some(&claims), ..View::of_nothing(self, scene) };
        let entry = |name: &str| entry(mapping, name).map(|expression| view.fact(expression));
        let texts = |fact: Fact| match fact {
            Fact::Is(Value::Text(text)) => text.split_whitespace().map(str::to_owned).collect(),
            Fact::Is(Value::List(items)) => items.iter().filter_map(text_of).collect(),
            _ => Vec::new(),
        };
        let text = |fact: Fact| if let Fact::Is(value) = fact { text_of(&value) } else { None };
        Some(Caller {
            id: text(entry("id")?)?,
            roles: entry("roles").map(texts).unwrap_or_default(),
            tier: entry("tier").and_then(text).filter(|tier| self.tier(tier)),
            scopes: entry("scopes").map(texts),
            attributes: self
                .attributes
                .keys()
                .map(|name| (name.clone(), entry(name).unwrap_or(Fact::Absent)))
                .collect(),
            token: Some(token.kind.clone()),
        })
    }
}

fn entry<'m>(mapping: &'m Mapping, name: &str) -> Option<&'m Expression> {
    mapping.entries.iter().find(|(entry, _)| entry.node == name).map(|(_, expression)| expression)
}

/// "A claim of the wrong type … is a bad token."
fn read_claim(claim: &Claim, claims: &serde_json::Map<String, Json>) -> Option<Fact> {
    let attribute = &claim.attribute;
    let declared = Declared { ty: attribute.ty.kind.clone(), optional: attribute.optional };
    match read_attribute(claims, &attribute.name.node, &declared) {
        Fact::Unknown | Fact::Pending(_) => None,
        fact => Some(fact),
    }
}

fn text_of(value: &Value) -> Option<String> {
    if let Value::Text(text) = value { Some(text.clone()) } else { None }
}
