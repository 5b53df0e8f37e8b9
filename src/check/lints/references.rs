//! The names that a policy mentions outside of their own declarations.

use std::collections::HashSet;

use crate::check::names::Names;
use crate::syntax::tree::{
    Action, Clause, ClauseKind, CsrfEntry, Effect, Expression, ExpressionKind, LimitEntry, Literal, Login,
    NeverSubject, Pattern, ProviderEntry, Rule, Schema, SchemaEntry, SchemaType, SchemaTypeKind, TokenEntry, ValueType,
    ValueTypeKind,
};

/// Names by kind.
#[derive(Default)]
pub(crate) struct References<'t> {
    pub(crate) secrets: HashSet<&'t str>,
    pub(crate) tokens: HashSet<&'t str>,
    pub(crate) key_sets: HashSet<&'t str>,
    pub(crate) providers: HashSet<&'t str>,
    pub(crate) sets: HashSet<&'t str>,
    /// Roles that others extend, or that a rule asks for.
    pub(crate) roles: HashSet<&'t str>,
    pub(crate) limits: HashSet<&'t str>,
    pub(crate) cors: HashSet<&'t str>,
    pub(crate) headers: HashSet<&'t str>,
    pub(crate) schemas: HashSet<&'t str>,
    pub(crate) context: HashSet<&'t str>,
    pub(crate) account: HashSet<&'t str>,
    /// Attributes of resources, whatever the resource.
    pub(crate) resource: HashSet<&'t str>,
    /// Tiers that a limit or a mapping names.
    pub(crate) tiers: HashSet<&'t str>,
    /// True if some limit goes by a tier that isn't a literal.
    pub(crate) any_tier: bool,
    pub(crate) csrf: bool,
}

impl<'t> References<'t> {
    pub(crate) fn of_schema(name: &str, schema: &'t Schema) -> Self {
        let mut references = Self::default();
        references.entries(&schema.entries, name);
        references
    }

    pub(crate) fn of(names: &Names<'t>) -> Self {
        let mut references = Self::default();
        each_expression(names, &mut |expression| references.expression(expression));
        for token in names.tokens.values() {
            for entry in &token.entries {
                match &entry.node {
                    TokenEntry::Keys(set) => drop(references.key_sets.insert(&set.node)),
                    TokenEntry::Key(secret) => drop(references.secrets.insert(&secret.node)),
                    TokenEntry::Claims(claims) => {
                        claims.iter().for_each(|claim| references.value_type(&claim.attribute.ty));
                    }
                    _ => {}
                }
            }
        }
        if let Some((_, csrf)) = names.csrf {
            for entry in &csrf.entries {
                if let CsrfEntry::Secret(secret) = &entry.node {
                    references.secrets.insert(&secret.node);
                }
            }
        }
        for entry in names.providers.values().flat_map(|provider| &provider.entries) {
            match &entry.node {
                ProviderEntry::ClientSecret(secret) | ProviderEntry::State(secret) => {
                    references.secrets.insert(&secret.node);
                }
                ProviderEntry::Keys(set) => drop(references.key_sets.insert(&set.node)),
                ProviderEntry::Setting(..) | ProviderEntry::Scopes(_) => {}
            }
        }
        for (_, mapping) in &names.mappings {
            references.tokens.insert(&mapping.token.node);
            let tiers = mapping.entries.iter().filter(|(name, _)| name.node == "tier");
            tiers.for_each(|(_, tier)| references.tier(tier));
        }
        let attributes = names.account.values().chain(names.context.values());
        let of_resources = names.resources.values().flat_map(|resource| &resource.attributes);
        attributes.chain(of_resources).for_each(|attribute| references.value_type(&attribute.ty));
        for role in names.roles.values() {
            references.roles.extend(role.extends.iter().map(|name| name.node.as_str()));
        }
        each_rule(names, &mut |rule| references.rule(rule));
        names.permission_sets.values().for_each(|set| references.patterns(&set.patterns));
        for entry in names.limits.values().flat_map(|limit| &limit.entries) {
            if let LimitEntry::Tier(tier) = &entry.node {
                references.any_tier |= !matches!(tier.kind, ExpressionKind::Literal(_));
                references.tier(tier);
            }
        }
        for (name, schema) in names.schemas.iter() {
            references.entries(&schema.entries, name);
        }
        each_clause(names, &mut |clause| references.clause(clause));
        references
    }

    fn clause(&mut self, clause: &'t Clause) {
        match &clause.kind {
            ClauseKind::Requires(patterns) | ClauseKind::RequiresAny(patterns) => self.patterns(patterns),
            ClauseKind::Body(name) | ClauseKind::Query(name) => drop(self.schemas.insert(&name.node)),
            ClauseKind::Limit(name) => drop(self.limits.insert(&name.node)),
            ClauseKind::Cors(name) => drop(self.cors.insert(&name.node)),
            ClauseKind::Headers(name) => drop(self.headers.insert(&name.node)),
            ClauseKind::Csrf => self.csrf = true,
            ClauseKind::Issues(names) => {
                self.csrf |= names.iter().any(|name| name.node == "csrf");
                self.tokens.extend(names.iter().map(|name| name.node.as_str()));
            }
            ClauseKind::Login(Login::Provider(name)) | ClauseKind::Callback(name) => {
                self.providers.insert(&name.node);
            }
            ClauseKind::Rotates(name) | ClauseKind::Revokes(name) => drop(self.tokens.insert(&name.node)),
            _ => {}
        }
    }

    fn rule(&mut self, rule: &'t Rule) {
        match &rule.effect {
            Effect::Allow { patterns, except, .. }
            | Effect::Forbid { patterns, except }
            | Effect::Never(NeverSubject::Permissions { patterns, except }) => {
                self.patterns(patterns);
                self.patterns(except);
            }
            Effect::Never(NeverSubject::Door(..)) => {}
        }
    }

    fn patterns(&mut self, patterns: &'t [Pattern]) {
        let bare = patterns.iter().filter(|pattern| pattern.action == Action::None);
        self.sets.extend(bare.filter_map(|pattern| pattern.resource.as_ref()).map(|name| name.node.as_str()));
    }

    fn expression(&mut self, expression: &'t Expression) {
        match &expression.kind {
            ExpressionKind::Path(path) | ExpressionKind::Call(path, _) => {
                if let [root, name, ..] = path.as_slice() {
                    match root.node.as_str() {
                        "context" => drop(self.context.insert(&name.node)),
                        "account" => drop(self.account.insert(&name.node)),
                        "resource" => drop(self.resource.insert(&name.node)),
                        _ => {}
                    }
                }
            }
            ExpressionKind::Is(_, role) => drop(self.roles.insert(&role.node)),
            _ => {}
        }
    }

    fn tier(&mut self, tier: &'t Expression) {
        tier.visit(&mut |part| {
            if let ExpressionKind::Literal(Literal::String(name)) = &part.kind {
                self.tiers.insert(name);
            }
        });
    }

    fn value_type(&mut self, ty: &'t ValueType) {
        match &ty.kind {
            ValueTypeKind::Named(name) => drop(self.schemas.insert(name)),
            ValueTypeKind::Enum(_) => {}
            ValueTypeKind::List(item) | ValueTypeKind::Nullable(item) => self.value_type(item),
            ValueTypeKind::Record(fields) => fields.iter().for_each(|(_, _, ty)| self.value_type(ty)),
        }
    }

    fn entries(&mut self, entries: &'t [SchemaEntry], own: &str) {
        for entry in entries {
            if let SchemaEntry::Field(field) = entry {
                self.schema_type(&field.ty, own);
            }
        }
    }

    fn schema_type(&mut self, ty: &'t SchemaType, own: &str) {
        match &ty.kind {
            SchemaTypeKind::Named(name) if name != own => drop(self.schemas.insert(name)),
            SchemaTypeKind::Scalar(_) | SchemaTypeKind::Null | SchemaTypeKind::Named(_) | SchemaTypeKind::Enum(_) => {}
            SchemaTypeKind::List(item) | SchemaTypeKind::Map(item) => self.schema_type(item, own),
            SchemaTypeKind::Record(entries) => self.entries(entries, own),
            SchemaTypeKind::Union(members) => members.iter().for_each(|ty| self.schema_type(ty, own)),
            SchemaTypeKind::Tagged(_, cases) => cases.iter().for_each(|(_, ty)| self.schema_type(ty, own)),
        }
    }
}

/// Every rule, in roles and scopes too.
pub(crate) fn each_rule<'t>(names: &Names<'t>, see: &mut impl FnMut(&'t Rule)) {
    names.roles.values().flat_map(|role| &role.grants).for_each(&mut *see);
    names.scopes.values().flat_map(|scope| &scope.grants).for_each(&mut *see);
    names.rules.iter().copied().for_each(see);
}

/// Every clause of routes and of their blocks.
pub(crate) fn each_clause<'t>(names: &Names<'t>, see: &mut impl FnMut(&'t Clause)) {
    for block in &names.routes {
        block.defaults.iter().for_each(&mut *see);
        block.routes.iter().flat_map(|route| &route.clauses).for_each(&mut *see);
    }
}

/// Every expression of a policy, and every part of it.
pub(crate) fn each_expression<'t>(names: &Names<'t>, see: &mut impl FnMut(&'t Expression)) {
    for entry in names.tokens.values().flat_map(|token| &token.entries) {
        if let TokenEntry::Claims(claims) = &entry.node {
            claims.iter().filter_map(|claim| claim.source.as_ref()).for_each(|source| source.visit(see));
        }
    }
    names.mappings.iter().flat_map(|(_, mapping)| &mapping.entries).for_each(|(_, value)| value.visit(see));
    names.conditions.values().for_each(|condition| condition.expression.visit(see));
    each_rule(names, &mut |rule| {
        if let Some((_, condition)) = &rule.condition {
            condition.visit(see);
        }
    });
    for entry in names.limits.values().flat_map(|limit| &limit.entries) {
        match &entry.node {
            LimitEntry::Key(parts) => parts.iter().for_each(|part| part.visit(see)),
            LimitEntry::Tier(part) | LimitEntry::SkipWhen(part) | LimitEntry::Cost(part, None) => part.visit(see),
            LimitEntry::Cost(amount, Some(when)) => {
                amount.visit(see);
                when.visit(see);
            }
            _ => {}
        }
    }
    for entry in names.schemas.values().flat_map(|schema| &schema.entries) {
        if let SchemaEntry::Check(check, _) = entry {
            check.visit(see);
        }
    }
    each_clause(names, &mut |clause| match &clause.kind {
        ClauseKind::When(condition) => condition.visit(see),
        ClauseKind::Login(Login::Password(who, password)) => {
            who.visit(see);
            password.visit(see);
        }
        _ => {}
    });
}
