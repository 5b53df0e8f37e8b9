//! How a token's claims become the caller.

use std::collections::HashMap;

use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::table::Table;
use crate::syntax::tree::{self, Expression, ExpressionKind, Literal, Text};

use super::Checker;
use super::expression::{self, Scope, expect, infer};
use super::names::unsupported;
use super::typed::{Expr, Mapping, Token, TokenCarrier, Type, UserAttribute};

impl Checker<'_> {
    /// The mappings, and the attributes that they give the caller. `None` stands for a mapping with errors.
    pub(super) fn mappings(&mut self, tokens: &Table<Token>) -> (Table<UserAttribute>, Vec<Option<Mapping>>) {
        let declared = self.names.mappings.clone();
        if let [_, (second, _), ..] = declared.as_slice() {
            self.report(unsupported(*second, "a second `user from`"));
        }
        let mut attributes = Table::new();
        let mappings = declared
            .iter()
            .take(1)
            .map(|(span, mapping)| self.mapping(*span, mapping, tokens, &mut attributes))
            .collect();
        (attributes, mappings)
    }

    fn mapping(
        &mut self,
        span: Span,
        mapping: &tree::Mapping,
        tokens: &Table<Token>,
        attributes: &mut Table<UserAttribute>,
    ) -> Option<Mapping> {
        let (row, _) = self.names.tokens.find(&mapping.token, &mut self.diagnostics)?;
        let token = tokens.id(row)?;
        if tokens[token].carrier != TokenCarrier::Bearer {
            let message = format!("the token `{}` isn't carried by requests", mapping.token.node);
            let error = Diagnostic::error("token_not_carried", mapping.token.span, message)
                .help("make the user from a token that is carried as a bearer token");
            self.report(error);
        }
        let claims = &tokens[token].claims;
        let slots = claims.iter().enumerate().map(|(slot, claim)| (claim.name.as_str(), slot)).collect();
        let scope = Scope::Claims(claims, &slots);
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let (mut id, mut roles, mut tier) = (None, None, None);
        let mut others = Vec::new();
        for (name, expression) in &mapping.entries {
            if let Some(first) = seen.insert(&name.node, name.span) {
                let error = Diagnostic::error("duplicate_name", name.span, format!("`{}` stands twice", name.node))
                    .also(first, "first written here")
                    .help("keep one of them");
                self.report(error);
                continue;
            }
            let out = &mut self.diagnostics;
            match name.node.as_str() {
                "id" => id = self.present(name, expression, scope),
                "roles" => {
                    let strings = Type::List(Box::new(Type::String));
                    let help = "write a list of strings, such as `[claims.role]`";
                    roles = match infer(expression, scope, out) {
                        Some(typed) if typed.ty == strings => {
                            self.role_constants(expression);
                            Some(typed.expr)
                        }
                        Some(typed) => {
                            let message = format!("`roles` must be a `[string]`, and this is a `{}`", typed.ty.name());
                            out.push(Diagnostic::error("type_mismatch", expression.span, message).help(help));
                            None
                        }
                        None => None,
                    };
                }
                "tier" => {
                    tier = expect(expression, &Type::String, "`tier`", scope, out).map(|typed| typed.expr);
                    self.tier_constants(expression);
                }
                "scopes" => out.push(unsupported(name.span, "`scopes`")),
                "token" => out.push(
                    Diagnostic::error("reserved_name", name.span, "`user.token` is built in")
                        .help("give the attribute another name"),
                ),
                _ => others.extend(infer(expression, scope, out).map(|typed| (name, typed))),
            }
        }
        if !seen.contains_key("id") {
            self.report(
                Diagnostic::error("incomplete", span, "the mapping doesn't say who the user is")
                    .help("add `id = claims.NAME`"),
            );
        }
        let expressions = others
            .into_iter()
            .map(|(name, typed)| {
                attributes.push(UserAttribute { name: name.node.clone(), ty: typed.ty, optional: typed.optional });
                typed.expr
            })
            .collect();
        Some(Mapping { token, id: id?, roles, tier, attributes: expressions })
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
    fn present(&mut self, name: &Text, expression: &Expression, scope: Scope<'_>) -> Option<Expr> {
        let what = format!("`{}`", name.node);
        let typed = expect(expression, &Type::String, &what, scope, &mut self.diagnostics)?;
        if typed.optional {
            self.report(
                expression::undischarged(expression.span, &what).help(
                    "a caller always has an id: take the `?` off the claim, so that a token without it is refused",
                ),
            );
            return None;
        }
        Some(typed.expr)
    }
}
