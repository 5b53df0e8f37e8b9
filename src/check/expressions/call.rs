//! `has(…)`, `request.header("…")` and `request.cookie("…")`.

use http::HeaderName;

use crate::check::expressions::narrowing::call_key;
use crate::check::expressions::typer::Typer;
use crate::check::expressions::{Site, Typed};
use crate::check::suggest::suggest;
use crate::model::operator::Operator;
use crate::syntax::tree::{Expression, ExpressionKind, Literal, Text};
use crate::typed::{Expr, Read, Type};

impl Typer<'_, '_> {
    pub(crate) fn call(
        &mut self,
        expression: &Expression,
        path: &[Text],
        arguments: &[Expression],
        site: Site<'_>,
    ) -> Option<Typed> {
        let words: Vec<&str> = path.iter().map(|name| name.node.as_str()).collect();
        match (words.as_slice(), arguments) {
            (["has"], [argument]) => self.has(argument, site),
            (["request", "header" | "cookie"], [argument]) if site.view.request => {
                let read = self.named_read(words.last() == Some(&"header"), argument)?;
                let guarded = call_key(expression).is_some_and(|key| site.covers(&key));
                Some(Typed { guarded, ..Typed::new(Expr::Read(read), Type::String, !guarded) })
            }
            (["has"], _) | (["request", "header" | "cookie"], _) if words == ["has"] || site.view.request => {
                let message = format!("`{}` takes one thing in its brackets", words.join("."));
                let help = match words.as_slice() {
                    ["has"] => "write `has(user.email)`".to_owned(),
                    _ => format!("write `{}(\"NAME\")`", words.join(".")),
                };
                self.refuse("wrong_call", expression.span, message, help)
            }
            ([receiver @ .., operator], _)
                if !receiver.is_empty() && (*operator == "matches" || Operator::of_text(operator).is_some()) =>
            {
                let message = format!("`{operator}` is an operator, and no function");
                let help = format!("write `{} {operator} …`", receiver.join("."));
                self.refuse("wrong_call", expression.span, message, help)
            }
            _ => {
                let message = format!("there is no function `{}` here", words.join("."));
                let known = ["has", "request.header", "request.cookie"];
                let help = match suggest(&words.join("."), known.into_iter()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "there are `has(…)`, `request.header(\"…\")` and `request.cookie(\"…\")`".to_owned(),
                };
                self.refuse("unknown_name", expression.span, message, help)
            }
        }
    }

    fn named_read(&mut self, header: bool, argument: &Expression) -> Option<Read> {
        let ExpressionKind::Literal(Literal::String(name)) = &argument.kind else {
            let help = "write it in quotes, such as `request.header(\"x-version\")`";
            return self.refuse("wrong_call", argument.span, "the name must be written out", help);
        };
        if !header {
            return Some(Read::Cookie(name.clone()));
        }
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => Some(Read::Header(name)),
            Err(_) => {
                let help = "write letters, digits and `-`, such as `\"x-version\"`";
                self.refuse("invalid_header", argument.span, format!("`{name}` is no header name"), help)
            }
        }
    }

    /// `has(x)`. The path to `x` may lead through absent values.
    fn has(&mut self, argument: &Expression, site: Site<'_>) -> Option<Typed> {
        if let ExpressionKind::Path(path) = &argument.kind
            && let [root] = path.as_slice()
            && root.node == "user"
            && site.view.user.is_some()
        {
            return Some(Typed::present(Expr::HasUser, Type::Bool));
        }
        let is_header = matches!(&argument.kind, ExpressionKind::Call(path, _) if path.len() > 1);
        if !is_header && !matches!(argument.kind, ExpressionKind::Path(_)) {
            let message = "`has` asks for something by its name";
            return self.refuse("wrong_call", argument.span, message, "write `has(user.email)`");
        }
        let typed = self.infer(argument, site)?;
        if let Expr::Condition(_) = typed.expr {
            let message = "a condition is true or false, not there or absent";
            return self.refuse("wrong_call", argument.span, message, "take the `has(…)` away from around it");
        }
        Some(Typed::present(Expr::Has(Box::new(typed.expr)), Type::Bool))
    }
}
