//! A policy as it was written, with its declarations found by name. Nothing is checked: the library accepted it.

use std::collections::{BTreeMap, BTreeSet};

use portcullis::Source;
use portcullis::syntax::tree::{
    Action, Claim, DeclarationKind, Expression, ExpressionKind, File, Literal, Mapping, Pattern, Resource, Role,
    Routes, Rule, Schema, Scope, TokenEntry, ValueTypeKind,
};

use crate::value::Declared;

/// `posts:read`, in two parts.
pub(crate) type Permission = (String, String);

pub(crate) struct Reference {
    file: File,
    /// The caller's further attributes, as all mappings together make them.
    pub(crate) attributes: BTreeMap<String, Declared>,
    pub(crate) context: BTreeMap<String, Declared>,
}

impl Reference {
    pub(crate) fn new(text: &str) -> Self {
        let file = portcullis::syntax::parse(0, &Source::new("reference.gate", text)).unwrap();
        let mut reference = Self { file, attributes: BTreeMap::new(), context: BTreeMap::new() };
        reference.attributes = reference.user_attributes();
        reference.context = reference
            .all(|kind| if let DeclarationKind::Context(attributes) = kind { Some(attributes) } else { None })
            .flatten()
            .map(|it| (it.name.node.clone(), Declared { ty: it.ty.kind.clone(), optional: it.optional }))
            .collect();
        reference
    }

    fn all<'r, T: 'r>(&'r self, pick: impl Fn(&'r DeclarationKind) -> Option<T> + 'r) -> impl Iterator<Item = T> + 'r {
        self.file.declarations.iter().filter_map(move |declaration| pick(&declaration.kind))
    }

    pub(crate) fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources().find(|resource| resource.name.node == name)
    }

    fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.all(|kind| if let DeclarationKind::Resource(it) = kind { Some(it) } else { None })
    }

    pub(crate) fn role(&self, name: &str) -> Option<&Role> {
        self.all(|kind| if let DeclarationKind::Role(it) = kind { Some(it) } else { None })
            .find(|role| role.name.node == name)
    }

    pub(crate) fn scope(&self, name: &str) -> Option<&Scope> {
        self.all(|kind| if let DeclarationKind::Scope(it) = kind { Some(it) } else { None })
            .find(|scope| scope.name.node == name)
    }

    pub(crate) fn condition(&self, name: &str) -> Option<&Expression> {
        self.all(|kind| if let DeclarationKind::Condition(it) = kind { Some(it) } else { None })
            .find(|condition| condition.name.node == name)
            .map(|condition| &condition.expression)
    }

    pub(crate) fn tier(&self, name: &str) -> bool {
        self.all(|kind| if let DeclarationKind::Tier(it) = kind { Some(it) } else { None })
            .any(|tier| tier.name.node == name)
    }

    pub(crate) fn schema(&self, name: &str) -> Option<&Schema> {
        self.all(|kind| if let DeclarationKind::Schema(it) = kind { Some(it) } else { None })
            .find(|schema| schema.name.node == name)
    }

    /// The rules at the top.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.all(|kind| if let DeclarationKind::Rule(it) = kind { Some(it) } else { None })
    }

    pub(crate) fn routes(&self) -> impl Iterator<Item = &Routes> {
        self.all(|kind| if let DeclarationKind::Routes(it) = kind { Some(it) } else { None })
    }

    /// Every permission that PERMS speaks of.
    pub(crate) fn expand(&self, patterns: &[Pattern]) -> BTreeSet<Permission> {
        patterns.iter().flat_map(|pattern| self.expand_one(pattern)).collect()
    }

    fn expand_one(&self, pattern: &Pattern) -> BTreeSet<Permission> {
        if let (Some(set), Action::None) = (&pattern.resource, &pattern.action) {
            return self
                .all(|kind| if let DeclarationKind::Permissions(it) = kind { Some(it) } else { None })
                .filter(|it| it.name.node == set.node)
                .flat_map(|it| self.expand(&it.patterns))
                .collect();
        }
        let mut permissions = BTreeSet::new();
        for resource in self.resources() {
            for action in &resource.actions {
                let right_resource = pattern.resource.as_ref().is_none_or(|name| name.node == resource.name.node);
                let right_action = match &pattern.action {
                    Action::Every => true,
                    Action::One(one) => one.node == action.node,
                    Action::Several(several) => several.iter().any(|one| one.node == action.node),
                    Action::None => false,
                };
                if right_resource && right_action {
                    permissions.insert((resource.name.node.clone(), action.node.clone()));
                }
            }
        }
        permissions
    }

    /// True if PERMS is `*`, or the name of a set that is `*`: it includes routes then.
    pub(crate) fn covers_doors(&self, patterns: &[Pattern]) -> bool {
        patterns.iter().any(|pattern| match (&pattern.resource, &pattern.action) {
            (None, Action::Every) => true,
            (Some(set), Action::None) => self
                .all(|kind| if let DeclarationKind::Permissions(it) = kind { Some(it) } else { None })
                .any(|it| it.name.node == set.node && self.covers_doors(&it.patterns)),
            _ => false,
        })
    }

    /// An attribute is optional if it is in one mapping.
    fn user_attributes(&self) -> BTreeMap<String, Declared> {
        let mut attributes: BTreeMap<String, Declared> = BTreeMap::new();
        let mappings = self.all(|kind| if let DeclarationKind::User(it) = kind { Some(it) } else { None });
        for mapping in mappings {
            for (name, expression) in &mapping.entries {
                if ["id", "roles", "tier", "scopes"].contains(&name.node.as_str()) {
                    continue;
                }
                let declared = self.type_of(expression, mapping);
                match attributes.get_mut(&name.node) {
                    Some(other) => other.optional |= declared.optional,
                    None => drop(attributes.insert(name.node.clone(), declared)),
                }
            }
        }
        attributes
    }

    /// The type of what a mapping makes of claims.
    fn type_of(&self, expression: &Expression, mapping: &Mapping) -> Declared {
        let named = |name: &str| Declared { ty: ValueTypeKind::Named(name.to_owned()), optional: false };
        match &expression.kind {
            ExpressionKind::Path(names) => self.claim(&names[1].node, mapping),
            ExpressionKind::Coalesce(operands) => {
                let types: Vec<Declared> = operands.iter().map(|operand| self.type_of(operand, mapping)).collect();
                Declared { ty: types[0].ty.clone(), optional: types.iter().all(|declared| declared.optional) }
            }
            ExpressionKind::Binary(left, _, _) => self.type_of(left, mapping),
            ExpressionKind::List(items) => {
                let item = self.type_of(&items[0], mapping).ty;
                let span = expression.span;
                let item = portcullis::syntax::tree::ValueType { span, kind: item };
                Declared { ty: ValueTypeKind::List(Box::new(item)), optional: false }
            }
            ExpressionKind::Literal(literal) => named(match literal {
                Literal::Int(_) => "int",
                Literal::Float(_) => "float",
                Literal::String(_) => "string",
                Literal::Duration(_) => "duration",
                Literal::Timestamp(_) => "timestamp",
                Literal::Ip(_) => "ip",
                Literal::Network(_) => "cidr",
                Literal::Bool(_) | Literal::Null | Literal::Size(_) => "bool",
            }),
            _ => named("bool"),
        }
    }

    fn claim(&self, name: &str, mapping: &Mapping) -> Declared {
        let claim = self.claims(&mapping.token.node).find(|claim| claim.attribute.name.node == name).unwrap();
        Declared { ty: claim.attribute.ty.kind.clone(), optional: claim.attribute.optional }
    }

    pub(crate) fn claims<'r>(&'r self, token: &'r str) -> impl Iterator<Item = &'r Claim> {
        self.all(|kind| if let DeclarationKind::Token(it) = kind { Some(it) } else { None })
            .filter(move |it| it.name.node == token)
            .flat_map(|it| &it.entries)
            .filter_map(|entry| if let TokenEntry::Claims(claims) = &entry.node { Some(claims) } else { None })
            .flatten()
    }

    pub(crate) fn mapping(&self, token: &str) -> Option<&Mapping> {
        self.all(|kind| if let DeclarationKind::User(it) = kind { Some(it) } else { None })
            .find(|mapping| mapping.token.node == token)
    }
}
