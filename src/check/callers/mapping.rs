//! Mappings: the caller that a token's claims make.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use crate::check::callers::caller::CallerAttributes;
use crate::check::checker::{Checker, Report};
use crate::check::expressions;
use crate::check::expressions::typer::Typer;
use crate::check::expressions::{Typed, View};
use crate::check::limits::limit::tier_constants;
use crate::check::settings::Seen;
use crate::collections::table::{Id, Table};
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree;
use crate::syntax::tree::{Expression, ExpressionKind, Literal, Operator, Text};
use crate::typed::{Attribute, Expr, Mapping, Token, TokenCarrier, Type};

/// The mappings of a policy, and the caller that they make.
pub(crate) struct Mappings {
    /// Nothing for a mapping with an error.
    pub(crate) typed: Vec<Option<Mapping>>,
    pub(crate) caller: CallerAttributes,
}

/// Types the mappings, all of which give the caller the same attributes.
pub(crate) fn mappings(typer: &mut Typer<'_, '_>, tokens: &Table<Token>) -> Mappings {
    let checker = typer.checker;
    let mut seen = Seen::default();
    let mut once: Vec<&tree::Mapping> = Vec::new();
    let mut drafts = Vec::new();
    for (span, mapping) in &checker.names.mappings {
        let token = &mapping.token;
        let again = |first| checker.findings.twice(first, token.span, &format!("`user from {}`", token.node));
        if seen.first(token, checker, again) {
            drafts.push(mapping_draft(typer, *span, mapping, tokens));
            once.push(mapping);
        }
    }
    let caller = caller(typer, &drafts);
    ids_apart(checker, once.into_iter().filter(|mapping| checker.names.tokens.contains(&mapping.token.node)));
    let typed = drafts.into_iter().map(|draft| complete(draft?, &caller.attributes)).collect();
    Mappings { typed, caller }
}

/// Joins the attributes that the mappings give the caller: every mapping must give the same ones, of the same types.
fn caller(typer: &Typer<'_, '_>, drafts: &[Option<MappingDraft>]) -> CallerAttributes {
    let checker = typer.checker;
    let mut broken = HashSet::new();
    let mut known: IndexMap<&str, (Span, Attribute)> = IndexMap::new();
    for (name, typed) in drafts.iter().flatten().flat_map(|draft| &draft.others) {
        let Some(typed) = typed else {
            broken.insert(name.node.clone());
            continue;
        };
        let attribute = Attribute { name: name.node.clone(), ty: typed.ty.clone(), optional: typed.optional };
        let (first, before) = known.entry(&name.node).or_insert_with(|| (name.span, attribute.clone()));
        before.optional |= attribute.optional;
        if before.ty != attribute.ty {
            let (one, other) = (typer.a_type(&before.ty), typer.a_type(&attribute.ty));
            let message = format!("`user.{}` is {other} here, and {one} in another mapping", name.node);
            Diagnostic::error("type_mismatch", name.span, message)
                .also(*first, "the other one")
                .report_with(checker, "give it one type in all mappings");
        }
    }
    for draft in drafts.iter().flatten() {
        let own: HashSet<&str> = draft.others.iter().map(|(name, _)| name.node.as_str()).collect();
        for (name, (first, _)) in known.iter().filter(|(name, _)| !own.contains(*name)) {
            Diagnostic::error("mappings_differ", draft.span, format!("this mapping has no `{name}`"))
                .also(*first, "another mapping gives every caller one")
                .report_with(checker, format!("add `{name} = …`: every caller has the same attributes"));
        }
    }
    CallerAttributes {
        rows: known.keys().enumerate().map(|(row, name)| ((*name).to_owned(), row)).collect(),
        attributes: known.into_values().map(|(_, attribute)| attribute).collect(),
        broken,
        tiers: checker.names.tiers.names().map(ToOwned::to_owned).collect(),
        tokens: checker.names.mappings.iter().map(|(_, mapping)| mapping.token.node.clone()).collect(),
        all_capped: drafts.iter().flatten().all(|draft| draft.scopes.is_some()),
    }
}

/// Two issuers may give the same `sub` to different people: a prefix of each keeps their ids apart.
fn ids_apart<'t>(checker: &Checker<'_>, mappings: impl Iterator<Item = &'t tree::Mapping>) {
    let id = |mapping: &'t tree::Mapping| {
        mapping.entries.iter().find(|(name, _)| name.node == "id").map(|(_, expression)| expression)
    };
    let mut bare: Option<Span> = None;
    let mut prefixes: Vec<(String, Span)> = Vec::new();
    for expression in mappings.filter_map(id) {
        let clash = match prefix(expression) {
            None => bare.replace(expression.span),
            Some(prefix) => {
                let alike = |(known, _): &&(String, Span)| known.starts_with(&prefix) || prefix.starts_with(known);
                let clash = prefixes.iter().find(alike).map(|(_, span)| *span);
                prefixes.push((prefix, expression.span));
                clash
            }
        };
        if let Some(first) = clash {
            let (earlier, later) = checker.findings.in_order(first, expression.span);
            Diagnostic::error("ids_overlap", later, "two mappings share a space of ids")
                .label("an id from here may equal one from there")
                .also(earlier, "the other mapping's")
                .report_with(checker, "prefix all but one, each in its own way: `id = \"partner:\" + claims.sub`");
        }
    }
}

fn complete(draft: MappingDraft, attributes: &Table<Attribute>) -> Option<Mapping> {
    let mut own: HashMap<String, Expr> = HashMap::new();
    for (name, typed) in draft.others {
        own.insert(name.node, typed?.expr);
    }
    let attributes = attributes.iter().map(|attribute| own.remove(&attribute.name)).collect::<Option<_>>()?;
    Some(Mapping {
        token: draft.token,
        id: draft.id?,
        roles: draft.roles,
        tier: draft.tier,
        scopes: draft.scopes,
        attributes,
    })
}

fn mapping_draft(
    typer: &mut Typer<'_, '_>,
    span: Span,
    mapping: &tree::Mapping,
    tokens: &Table<Token>,
) -> Option<MappingDraft> {
    let (row, _) = typer.checker.names.tokens.find(&mapping.token, &typer.checker.findings)?;
    let token = tokens.id(row)?;
    if let TokenCarrier::Body(_) = tokens[token].carrier {
        let message = format!("the token `{}` isn't carried by every request", mapping.token.node);
        Diagnostic::error("token_not_carried", mapping.token.span, message)
            .help("make the user from a token that is carried as a bearer token, in a cookie or in a header")
            .report(typer.checker);
    }
    if tokens[token].single_use.is_some() {
        let message = format!("`{}` is good for one exchange, not for every request", mapping.token.node);
        Diagnostic::error("single_use_caller", mapping.token.span, message)
            .label("nobody would ask whether it was exchanged or revoked")
            .also(tokens[token].span, "declared here")
            .help("make the user from the token that is issued beside it, such as an access token")
            .report(typer.checker);
    }
    let view = View::mapping(&tokens[token].claims);
    let mut seen = Seen::default();
    let mut draft = MappingDraft { span, token, id: None, roles: None, tier: None, scopes: None, others: Vec::new() };
    for (name, expression) in &mapping.entries {
        let again = |first| typer.checker.findings.twice(first, name.span, &format!("`{}`", name.node));
        if !seen.first(name, typer.checker, again) {
            continue;
        }
        match name.node.as_str() {
            "id" => draft.id = caller_id(typer, name, expression, &view),
            "roles" => {
                let strings = Type::List(Box::new(Type::String));
                draft.roles = typer.expect(expression, &strings, "`roles`", &view).map(|typed| typed.expr);
                if draft.roles.is_some() {
                    role_constants(typer.checker, expression);
                }
            }
            "tier" => {
                draft.tier = typer.expect(expression, &Type::String, "`tier`", &view).map(|typed| typed.expr);
                tier_constants(typer.checker, expression);
            }
            "scopes" => draft.scopes = scopes_of(typer, expression, &view),
            "token" => Diagnostic::error("reserved_name", name.span, "`user.token` is built in")
                .report_with(typer.checker, "give the attribute another name"),
            _ => {
                let typed = typer.infer(expression, view.site());
                draft.others.push((name.clone(), typed));
            }
        }
    }
    if !seen.contains("id") {
        Diagnostic::error("incomplete", span, "the mapping doesn't say who the user is")
            .report_with(typer.checker, "add `id = claims.NAME`");
    }
    Some(draft)
}

/// A list of strings, or one string with blanks between (RFC 6749 §3.3).
fn scopes_of(typer: &mut Typer<'_, '_>, expression: &Expression, view: &View<'_>) -> Option<Expr> {
    let typed = typer.infer(expression, view.site())?;
    match &typed.ty {
        Type::String | Type::Enum(_) => Some(typed.expr),
        Type::List(item) if matches!(**item, Type::String | Type::Enum(_) | Type::Never) => Some(typed.expr),
        other => {
            let message = format!("`scopes` must be a `[string]` or a `string`, and this is {}", typer.a_type(other));
            Diagnostic::error("type_mismatch", expression.span, message)
                .report_with(typer.checker, "write the claim that holds them, such as `claims.scope`");
            None
        }
    }
}

/// A role that is written out must exist; one that comes with a token may not.
fn role_constants(checker: &Checker<'_>, expression: &Expression) {
    match &expression.kind {
        ExpressionKind::Literal(Literal::String(name)) => {
            let name = Text { node: name.clone(), span: expression.span };
            checker.names.roles.find(&name, &checker.findings);
        }
        ExpressionKind::List(parts) | ExpressionKind::Coalesce(parts) => {
            for part in parts {
                role_constants(checker, part);
            }
        }
        _ => {}
    }
}

/// `id`, which must be there.
fn caller_id(typer: &mut Typer<'_, '_>, name: &Text, expression: &Expression, view: &View<'_>) -> Option<Expr> {
    let what = format!("`{}`", name.node);
    let typed = typer.expect(expression, &Type::String, &what, view)?;
    if typed.optional {
        expressions::undischarged(expression.span, &what)
            .help("a caller always has an id: take the `?` off the claim, so that a token without it is refused")
            .report(typer.checker);
        return None;
    }
    Some(typed.expr)
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

/// The text that every id begins with, if it is constant.
fn prefix(id: &Expression) -> Option<String> {
    match &id.kind {
        ExpressionKind::Literal(Literal::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
        ExpressionKind::Binary(left, Operator::Add, _) => prefix(left),
        _ => None,
    }
}
