//! How a token's claims become the caller.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use crate::check::expressions::{Typed, View};
use crate::check::names::{in_order, twice};
use crate::check::{Checker, expressions};
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{Expression, ExpressionKind, Literal, Operator, Text};
use crate::typed::{Attribute, Expr, Mapping, Token, TokenCarrier, Type};

impl Checker<'_> {
    /// The mappings, and the attributes that they give the caller, the same ones all of them.
    pub(crate) fn mappings(&mut self, tokens: &Table<Token>) -> Vec<Option<Mapping>> {
        let declared = self.names.mappings.clone();
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut drafts = Vec::new();
        for (span, mapping) in &declared {
            if let Some(first) = seen.insert(&mapping.token.node, mapping.token.span) {
                let what = format!("`user from {}`", mapping.token.node);
                let error = twice(self.sources, first, mapping.token.span, &what);
                self.report(error);
                continue;
            }
            drafts.push(self.mapping(*span, mapping, tokens));
        }
        self.same_attributes(&drafts);
        self.all_capped = drafts.iter().flatten().all(|draft| draft.scopes.is_some());
        let mut once: HashSet<&str> = HashSet::new();
        let told_apart: Vec<&tree::Mapping> =
            declared.iter().map(|(_, mapping)| *mapping).filter(|mapping| once.insert(&mapping.token.node)).collect();
        let told_apart: Vec<&tree::Mapping> =
            told_apart.into_iter().filter(|mapping| self.names.tokens.contains(&mapping.token.node)).collect();
        self.ids_apart(&told_apart);
        drafts.into_iter().map(|draft| self.complete(draft?)).collect()
    }

    /// Every mapping must give the caller the same attributes, of the same types.
    fn same_attributes(&mut self, drafts: &[Option<MappingDraft>]) {
        let mut known: IndexMap<&str, (Span, Attribute)> = IndexMap::new();
        for (name, typed) in drafts.iter().flatten().flat_map(|draft| &draft.others) {
            let Some(typed) = typed else {
                self.broken_attributes.insert(name.node.clone());
                continue;
            };
            let attribute = Attribute { name: name.node.clone(), ty: typed.ty.clone(), optional: typed.optional };
            let (first, before) = known.entry(&name.node).or_insert_with(|| (name.span, attribute.clone()));
            before.optional |= attribute.optional;
            let first = *first;
            if before.ty != attribute.ty {
                let (one, other) = (before.ty.clone(), attribute.ty);
                let (one, other) = (self.a_type(&one), self.a_type(&other));
                let message = format!("`user.{}` is {other} here, and {one} in another mapping", name.node);
                self.report(
                    Diagnostic::error("type_mismatch", name.span, message)
                        .also(first, "the other one")
                        .help("give it one type in all mappings"),
                );
            }
        }
        for draft in drafts.iter().flatten() {
            let own: HashSet<&str> = draft.others.iter().map(|(name, _)| name.node.as_str()).collect();
            for (name, (first, _)) in &known {
                if !own.contains(name) {
                    self.report(
                        Diagnostic::error("mappings_differ", draft.span, format!("this mapping has no `{name}`"))
                            .also(*first, "another mapping gives every caller one")
                            .help(format!("add `{name} = …`: every caller has the same attributes")),
                    );
                }
            }
        }
        self.attribute_rows = known.keys().enumerate().map(|(row, name)| ((*name).to_owned(), row)).collect();
        self.attributes = known.into_values().map(|(_, attribute)| attribute).collect();
    }

    /// Two issuers may give the same `sub` to different people: their ids are told apart by a prefix of each.
    fn ids_apart(&mut self, declared: &[&tree::Mapping]) {
        let id = |mapping: &&tree::Mapping| {
            mapping.entries.iter().find(|(name, _)| name.node == "id").map(|(_, expression)| expression.clone())
        };
        let ids: Vec<Expression> = declared.iter().filter_map(id).collect();
        let mut bare: Option<Span> = None;
        let mut prefixes: Vec<(String, Span)> = Vec::new();
        for expression in ids {
            let clash = match prefix(&expression) {
                None => bare.replace(expression.span),
                Some(prefix) => {
                    let alike = |(known, _): &&(String, Span)| known.starts_with(&prefix) || prefix.starts_with(known);
                    let clash = prefixes.iter().find(alike).map(|(_, span)| *span);
                    prefixes.push((prefix, expression.span));
                    clash
                }
            };
            if let Some(first) = clash {
                let (earlier, later) = in_order(self.sources, first, expression.span);
                self.report(
                    Diagnostic::error("ids_overlap", later, "two mappings share a space of ids")
                        .label("an id from here may equal one from there")
                        .also(earlier, "the other mapping's")
                        .help("prefix all but one, each in its own way: `id = \"partner:\" + claims.sub`"),
                );
            }
        }
    }

    fn complete(&self, draft: MappingDraft) -> Option<Mapping> {
        let mut own: HashMap<String, Expr> = HashMap::new();
        for (name, typed) in draft.others {
            own.insert(name.node, typed?.expr);
        }
        let attributes = self.attributes.iter().map(|attribute| own.remove(&attribute.name)).collect::<Option<_>>()?;
        Some(Mapping {
            token: draft.token,
            id: draft.id?,
            roles: draft.roles,
            tier: draft.tier,
            scopes: draft.scopes,
            attributes,
        })
    }

    fn mapping(&mut self, span: Span, mapping: &tree::Mapping, tokens: &Table<Token>) -> Option<MappingDraft> {
        let (row, _) = self.names.tokens.find(&mapping.token, &mut self.diagnostics)?;
        let token = tokens.id(row)?;
        if let TokenCarrier::Body(_) = tokens[token].carrier {
            let message = format!("the token `{}` isn't carried by every request", mapping.token.node);
            let error = Diagnostic::error("token_not_carried", mapping.token.span, message)
                .help("make the user from a token that is carried as a bearer token, in a cookie or in a header");
            self.report(error);
        }
        if tokens[token].single_use.is_some() {
            let message = format!("`{}` is good for one exchange, not for every request", mapping.token.node);
            let error = Diagnostic::error("single_use_caller", mapping.token.span, message)
                .label("nobody would ask whether it was exchanged or revoked")
                .also(tokens[token].span, "declared here")
                .help("make the user from the token that is issued beside it, such as an access token");
            self.report(error);
        }
        let view = View::mapping(&tokens[token].claims);
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut draft =
            MappingDraft { span, token, id: None, roles: None, tier: None, scopes: None, others: Vec::new() };
        for (name, expression) in &mapping.entries {
            if let Some(first) = seen.insert(&name.node, name.span) {
                let error = twice(self.sources, first, name.span, &format!("`{}`", name.node));
                self.report(error);
                continue;
            }
            match name.node.as_str() {
                "id" => draft.id = self.caller_id(name, expression, &view),
                "roles" => {
                    let strings = Type::List(Box::new(Type::String));
                    draft.roles = self.expect(expression, &strings, "`roles`", &view).map(|typed| typed.expr);
                    if draft.roles.is_some() {
                        self.role_constants(expression);
                    }
                }
                "tier" => {
                    draft.tier = self.expect(expression, &Type::String, "`tier`", &view).map(|typed| typed.expr);
                    self.tier_constants(expression);
                }
                "scopes" => draft.scopes = self.scopes_of(expression, &view),
                "token" => self.report(
                    Diagnostic::error("reserved_name", name.span, "`user.token` is built in")
                        .help("give the attribute another name"),
                ),
                _ => {
                    let typed = self.infer(expression, view.site());
                    draft.others.push((name.clone(), typed));
                }
            }
        }
        if !seen.contains_key("id") {
            self.report(
                Diagnostic::error("incomplete", span, "the mapping doesn't say who the user is")
                    .help("add `id = claims.NAME`"),
            );
        }
        Some(draft)
    }

    /// A list of strings, or one string with blanks between (RFC 6749 §3.3).
    fn scopes_of(&mut self, expression: &Expression, view: &View<'_>) -> Option<Expr> {
        let typed = self.infer(expression, view.site())?;
        match &typed.ty {
            Type::String | Type::Enum(_) => Some(typed.expr),
            Type::List(item) if matches!(**item, Type::String | Type::Enum(_) | Type::Never) => Some(typed.expr),
            other => {
                let message =
                    format!("`scopes` must be a `[string]` or a `string`, and this is {}", self.a_type(other));
                self.report(
                    Diagnostic::error("type_mismatch", expression.span, message)
                        .help("write the claim that holds them, such as `claims.scope`"),
                );
                None
            }
        }
    }

    /// A role that is written out must exist; one that comes with a token may not.
    fn role_constants(&mut self, expression: &Expression) {
        match &expression.kind {
            ExpressionKind::Literal(Literal::String(name)) => {
                let name = Text { node: name.clone(), span: expression.span };
                self.names.roles.find(&name, &mut self.diagnostics);
            }
            ExpressionKind::List(parts) | ExpressionKind::Coalesce(parts) => {
                for part in parts {
                    self.role_constants(part);
                }
            }
            _ => {}
        }
    }

    /// `id`, which must be there.
    fn caller_id(&mut self, name: &Text, expression: &Expression, view: &View<'_>) -> Option<Expr> {
        let what = format!("`{}`", name.node);
        let typed = self.expect(expression, &Type::String, &what, view)?;
        if typed.optional {
            self.report(
                expressions::undischarged(expression.span, &what).help(
                    "a caller always has an id: take the `?` off the claim, so that a token without it is refused",
                ),
            );
            return None;
        }
        Some(typed.expr)
    }
}

/// A mapping whose attributes aren't compared with those of the others yet.
struct MappingDraft {
    span: Span,
    token: Id<Token>,
    id: Option<Expr>,
    roles: Option<Expr>,
    tier: Option<Expr>,
    scopes: Option<Expr>,
    /// `None` for an attribute with an error.
    others: Vec<(Text, Option<Typed>)>,
}

/// What every id begins with, where that is written out.
fn prefix(id: &Expression) -> Option<String> {
    match &id.kind {
        ExpressionKind::Literal(Literal::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
        ExpressionKind::Binary(left, Operator::Add, _) => prefix(left),
        _ => None,
    }
}
