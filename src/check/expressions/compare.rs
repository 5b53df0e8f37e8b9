//! Operators between two values, and tests for `null`.

use crate::check::expressions::narrowing::is_null;
use crate::check::expressions::typer::Typer;
use crate::check::expressions::{Site, Typed};
use crate::model::operator::Operator;
use crate::model::source::Span;
use crate::syntax::tree::{Expression, ExpressionKind};
use crate::typed::{Expr, Type};
use crate::values::operators::{Typing, takes_null, typing};

impl Typer<'_, '_> {
    pub(crate) fn binary(
        &mut self,
        left: &Expression,
        operator: Operator,
        right: &Expression,
        span: Span,
        site: Site<'_>,
    ) -> Option<Typed> {
        if let Operator::Equal | Operator::NotEqual = operator {
            match (is_null(left), is_null(right)) {
                (false, true) => return self.null_test(left, operator, span, site),
                (true, false) => return self.null_test(right, operator, span, site),
                _ => {}
            }
        }
        let (one, other) = (self.infer(left, site), self.infer(right, site));
        let (one, other) = (one?, other?);
        let (here, there) = (self.discharged(left, &one, site.view), self.discharged(right, &other, site.view));
        here.and(there)?;
        if !takes_null(operator) {
            let (here, there) = (self.not_null(left, &one.ty), self.not_null(right, &other.ty));
            here.and(there)?;
        }
        let ty = match typing(operator, (left, &one.ty), (right, &other.ty)) {
            Typing::Result(ty) => ty,
            Typing::Unify(left, right, message) => self.unified(left, right, span, message).map(|_| Type::Bool)?,
            Typing::Mismatch(help) => {
                let (left, right) = (self.type_name(&one.ty), self.type_name(&other.ty));
                let message = format!("`{}` can't take `{left}` and `{right}`", operator.text());
                return self.refuse("type_mismatch", span, message, help);
            }
        };
        Some(Typed::present(Expr::Binary(operator, Box::new(one.expr), Box::new(other.expr)), ty))
    }

    /// `x == null`, `x != null`
    fn null_test(&mut self, tested: &Expression, operator: Operator, span: Span, site: Site<'_>) -> Option<Typed> {
        if let ExpressionKind::Path(path) = &tested.kind
            && let [root] = path.as_slice()
            && matches!(root.node.as_str(), "user" | "resource" | "context" | "body" | "query")
        {
            let help = match root.node.as_str() {
                "user" => "write `has(user)`, or `not has(user)`".to_owned(),
                root => format!("ask for something of it: `has({root}.NAME)`"),
            };
            let message = format!("`{}` can't be compared with `null`", root.node);
            return self.refuse("not_a_value", span, message, help);
        }
        let typed = self.infer(tested, site)?;
        if !typed.optional && !typed.guarded && !matches!(typed.ty, Type::Nullable(_) | Type::Null) {
            let help = "take the comparison out; what is unknown isn't `null` either";
            return self.refuse("never_null", span, "this is never absent, and never `null`", help);
        }
        let test = Expr::IsNull(Box::new(typed.expr));
        let expr = if operator == Operator::Equal { test } else { Expr::Not(Box::new(test)) };
        Some(Typed::present(expr, Type::Bool))
    }
}
