//! The parts of a limit's key.

use crate::check::expressions::typer::Typer;
use crate::check::expressions::{Guards, Typed, View, undischarged};
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::{Expression, ExpressionKind};
use crate::typed::{Expr, Type};

impl Typer<'_, '_> {
    /// A part of a key: the parts of its `??` may differ in type, and one of them must be there.
    pub(crate) fn key_part(&mut self, expression: &Expression, view: &View<'_>) -> Option<Expr> {
        let guards = Guards::default();
        let (operands, places) = match &expression.kind {
            ExpressionKind::Coalesce(places) => (self.operands(places, view, &guards)?, places.as_slice()),
            _ => (vec![self.infer(expression, view, &guards)?], std::slice::from_ref(expression)),
        };
        // What a key is made of must be equal exactly when it looks equal.
        let fit = |operand: &Typed| {
            matches!(operand.ty, Type::String | Type::Enum(_) | Type::Int | Type::Bool | Type::Ip | Type::Timestamp)
        };
        if let Some((odd, place)) = operands.iter().zip(places).find(|(operand, _)| !fit(operand)) {
            let message = format!("a key can't be {}", self.a_type(&odd.ty));
            self.report(
                Diagnostic::error("type_mismatch", place.span, message)
                    .help("count by a `string`, an `int`, a `bool`, a `timestamp` or an `ip`"),
            );
            return None;
        }
        if operands.iter().all(|operand| operand.optional) {
            self.report(
                undischarged(expression.span, "the key")
                    .help("say what counts then, such as `?? client.ip` for anonymous callers"),
            );
            return None;
        }
        let mut exprs: Vec<Expr> = operands.into_iter().map(|operand| operand.expr).collect();
        match exprs.len() {
            1 => exprs.pop(),
            _ => Some(Expr::Coalesce(exprs)),
        }
    }
}
