//! The parts of a limit's key.

use crate::check::expressions::typer::Typer;
use crate::check::expressions::{Typed, View, undischarged};
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::{Expression, ExpressionKind};
use crate::typed::{Expr, Type};

impl Typer<'_, '_> {
    /// Types a part of a key. The operands of its `??` may differ in type, and one of them must be present.
    pub(crate) fn key_part(&mut self, expression: &Expression, view: &View<'_>) -> Option<Expr> {
        let (operands, places) = match &expression.kind {
            ExpressionKind::Coalesce(places) => (self.operands(places, view.site())?, places.as_slice()),
            _ => (vec![self.infer(expression, view.site())?], std::slice::from_ref(expression)),
        };
        // Two values of these types are equal if and only if their texts are.
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
