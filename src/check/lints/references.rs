//! Which names a policy mentions outside of their own declarations.

use std::collections::HashSet;

use crate::check::names::Names;
use crate::syntax::tree::{
    Action, Clause, ClauseKind, CsrfEntry, Effect, Expression, ExpressionKind, LimitEntry, Literal, Login,
    NeverSubject, Pattern, ProviderEntry, Rule, SchemaEntry, SchemaType, SchemaTypeKind, TokenEntry, ValueType,
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
    /// Tiers that are written out where a limit or a caller is given one.
    pub(crate) tiers: HashSet<&'t str>,
    /// Whether some limit goes by a tier that isn't written out.
    pub(crate) any_tier: bool,
    pub(crate) csrf: bool,
}

impl<'t> References<'t> {
    pub(crate) fn of(names: &Names<'t>) -> Self {
        let mut mentions = Self::default();
        each_expression(names, &mut |expression| mentions.expression(expression));
        for (_, token) in names.tokens.iter() {
            for entry in &token.entries {
                match &entry.node {
                    TokenEntry::Keys(set) => drop(mentions.key_sets.insert(&set.node)),
                    TokenEntry::Key(secret) => drop(mentions.secrets.insert(&secret.node)),
                    TokenEntry::Claims(claims) => {
                        claims.iter().for_each(|claim| mentions.value_type(&claim.attribute.ty));
                    }
                    _ => {}
                }
            }
        }
        if let Some((_, csrf)) = names.csrf {
            for entry in &csrf.entries {
                if let CsrfEntry::Secret(secret) = &entry.node {
                    mentions.secrets.insert(&secret.node);
                }
            }
        }
        for entry in names.providers.iter().flat_map(|(_, (_, provider))| &provider.entries) {
            match &entry.node {
                ProviderEntry::Secret(_, secret) => drop(mentions.secrets.insert(&secret.node)),
                ProviderEntry::Keys(set) => drop(mentions.key_sets.insert(&set.node)),
                ProviderEntry::Text(..) | ProviderEntry::Scopes(_) => {}
            }
        }
        for (_, mapping) in &names.mappings {
            mentions.tokens.insert(&mapping.token.node);
            let tiers = mapping.entries.iter().filter(|(name, _)| name.node == "tier");
            tiers.for_each(|(_, tier)| mentions.tier(tier));
        }
        let attributes = names.account.iter().chain(names.context.iter()).map(|(_, attribute)| *attribute);
        let of_resources = names.resources.iter().flat_map(|(_, resource)| &resource.attributes);
        attributes.chain(of_resources).for_each(|attribute| mentions.value_type(&attribute.ty));
        for (_, role) in names.roles.iter() {
            mentions.roles.extend(role.extends.iter().map(|name| name.node.as_str()));
        }
        each_rule(names, &mut |rule| mentions.rule(rule));
        names.permission_sets.iter().for_each(|(_, set)| mentions.patterns(&set.patterns));
        for entry in names.limits.iter().flat_map(|(_, limit)| &limit.entries) {
            if let LimitEntry::Tier(tier) = &entry.node {
                mentions.any_tier |= !mentions.tier_is_written(tier);
                mentions.tier(tier);
            }
        }
        for (name, schema) in names.schemas.iter() {
            mentions.entries(&schema.entries, name);
        }
        each_clause(names, &mut |clause| mentions.clause(clause));
        mentions
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

    /// Whether all that an expression can be is written out.
    fn tier_is_written(&self, tier: &Expression) -> bool {
        matches!(tier.kind, ExpressionKind::Literal(_))
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
            SchemaTypeKind::Named(_) | SchemaTypeKind::Enum(_) => {}
            SchemaTypeKind::List(item) | SchemaTypeKind::Map(item) => self.schema_type(item, own),
            SchemaTypeKind::Record(entries) => self.entries(entries, own),
            SchemaTypeKind::Union(members) => members.iter().for_each(|ty| self.schema_type(ty, own)),
            SchemaTypeKind::Tagged(_, cases) => cases.iter().for_each(|(_, ty)| self.schema_type(ty, own)),
        }
    }
}

/// Every rule, in roles and scopes too.
pub(crate) fn each_rule<'t>(names: &Names<'t>, see: &mut impl FnMut(&'t Rule)) {
    names.roles.iter().flat_map(|(_, role)| &role.grants).for_each(&mut *see);
    names.scopes.iter().flat_map(|(_, (_, scope))| &scope.grants).for_each(&mut *see);
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
    for entry in names.tokens.iter().flat_map(|(_, token)| &token.entries) {
        if let TokenEntry::Claims(claims) = &entry.node {
            claims.iter().filter_map(|claim| claim.source.as_ref()).for_each(|source| source.visit(see));
        }
    }
    names.mappings.iter().flat_map(|(_, mapping)| &mapping.entries).for_each(|(_, value)| value.visit(see));
    names.conditions.iter().for_each(|(_, (_, condition))| condition.expression.visit(see));
    each_rule(names, &mut |rule| {
        if let Some((_, condition)) = &rule.condition {
            condition.visit(see);
        }
    });
    for entry in names.limits.iter().flat_map(|(_, limit)| &limit.entries) {
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
    for entry in names.schemas.iter().flat_map(|(_, schema)| &schema.entries) {
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
