//! Literals, lists and records.

use std::collections::HashMap;

use crate::check::expressions::typer::Typer;
use crate::check::expressions::{Site, Typed, all};
use crate::model::host::unmapped;
use crate::model::source::Span;
use crate::model::value::Value;
use crate::syntax::tree::{Expression, Literal, Text};
use crate::typed::{Attribute, Expr, Type};

impl Typer<'_, '_> {
    pub(crate) fn constant(&mut self, literal: &Literal, span: Span) -> Option<Typed> {
        let (value, ty) = match literal {
            Literal::Null => (Value::Null, Type::Null),
            Literal::Bool(value) => (Value::Bool(*value), Type::Bool),
            Literal::Int(value) => (Value::Int(*value), Type::Int),
            Literal::Float(value) => (Value::Float(*value), Type::Float),
            Literal::String(value) => (Value::String(value.clone()), Type::String),
            Literal::Duration(milliseconds) => {
                let duration = i64::try_from(*milliseconds).ok().map(jiff::SignedDuration::from_millis)?;
                (Value::Duration(duration), Type::Duration)
            }
            Literal::Size(bytes) => (Value::Int(i64::try_from(*bytes).ok()?), Type::Int),
            Literal::Timestamp(value) => (Value::Timestamp(*value), Type::Timestamp),
            Literal::Ip(value) => (Value::Ip(value.to_canonical()), Type::Ip),
            Literal::Network(network) => {
                let right = network.trunc();
                if right != *network {
                    let message = format!("`{network}` is an address inside a network");
                    let help = format!("write the network `{right}`, or the address `{}`", network.addr());
                    return self.refuse("host_bits", span, message, help);
                }
                (Value::Network(unmapped(right)), Type::Cidr)
            }
        };
        Some(Typed::present(Expr::Constant(value), ty))
    }

    /// `[a, b]`: the elements have one type, and all are present.
    pub(crate) fn list(&mut self, items: &[Expression], site: Site<'_>) -> Option<Typed> {
        let mut typed = all(items.iter().map(|item| self.present(item, site)))?;
        if typed.iter().any(|item| item.ty == Type::Cidr) {
            typed.iter_mut().for_each(widen);
        }
        let ty = self.unified_all(items, &typed, "a list can't hold both")?;
        let exprs = typed.into_iter().map(|item| item.expr).collect();
        Some(Typed::present(Expr::List(exprs), Type::List(Box::new(ty))))
    }

    /// `{ a: x, b: y }`
    pub(crate) fn record(&mut self, fields: &[(Text, Expression)], site: Site<'_>) -> Option<Typed> {
        let mut typed: Vec<(&Text, Typed)> = Vec::with_capacity(fields.len());
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut sound = true;
        for (name, value) in fields {
            if let Some(first) = seen.insert(&name.node, name.span) {
                let error = self.checker.findings.twice(first, name.span, &format!("field `{}`", name.node));
                self.report_once(error);
                sound = false;
                continue;
            }
            match self.present(value, site) {
                Some(value) => typed.push((name, value)),
                None => sound = false,
            }
        }
        if !sound {
            return None;
        }
        typed.sort_by(|(one, _), (other, _)| one.node.cmp(&other.node));
        let attributes = typed
            .iter()
            .map(|(name, value)| Attribute { name: name.node.clone(), ty: value.ty.clone(), optional: false })
            .collect();
        let exprs = typed.into_iter().map(|(name, value)| (name.node.clone(), value.expr)).collect();
        Some(Typed::present(Expr::Record(exprs), Type::Record(attributes)))
    }
}

/// Gives an address that is written among networks the type of a network. The value stays, as it compares as either, so
/// that the expression doesn't depend on its place.
fn widen(item: &mut Typed) {
    if let Expr::Constant(Value::Ip(_)) = item.expr {
        item.ty = Type::Cidr;
    }
}
