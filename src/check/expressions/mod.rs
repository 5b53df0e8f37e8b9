//! Expressions: what their names mean where they stand, whether their types fit, and whether what they read is there.
//!
//! Types are inferred from the leaves up, and literals take the type of what they stand beside. What may be absent must be
//! guarded: by `has`, by a comparison with `null`, or by `??`. One mistake is reported once: an expression without a type
//! makes none for what stands around it.

pub(crate) mod call;
pub(crate) mod compare;
pub(crate) mod conditions;
pub(crate) mod input;
pub(crate) mod key;
pub(crate) mod literal;
pub(crate) mod narrowing;
pub(crate) mod read;
pub(crate) mod resource;
pub(crate) mod typer;
pub(crate) mod types;
pub(crate) mod unify;
pub(crate) mod view;

use crate::check::expressions::narrowing::{Facts, Narrowing};
pub(crate) use crate::check::expressions::narrowing::{Guards, bare_names};
use crate::check::expressions::typer::Typer;
pub(crate) use crate::check::expressions::view::{Caller, View};
use crate::check::suggest::list;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{BinaryOperator, Expression, ExpressionKind, Text};
use crate::typed::{Expr, Pattern, Type};

use std::collections::HashMap;

/// An expression with its type.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) expr: Expr,
    pub(crate) ty: Type,
    /// Whether it may be absent.
    pub(crate) optional: bool,
    /// Whether it could be absent or null, if a guard didn't say otherwise.
    pub(crate) guarded: bool,
}

impl Typed {
    fn there(expr: Expr, ty: Type) -> Self {
        Self::new(expr, ty, false)
    }

    fn new(expr: Expr, ty: Type, optional: bool) -> Self {
        Self { expr, ty, optional, guarded: false }
    }
}

impl Typer<'_, '_> {
    /// Resolves and types an expression.
    pub(crate) fn infer(&mut self, expression: &Expression, view: &View<'_>, guards: &Guards<'_>) -> Option<Typed> {
        if !self.step(expression.span) {
            return None;
        }
        match &expression.kind {
            ExpressionKind::Literal(literal) => self.constant(literal, expression.span),
            ExpressionKind::Path(path) => self.path_read(path, view, guards),
            ExpressionKind::Call(path, arguments) => self.call(expression, path, arguments, view, guards),
            ExpressionKind::List(items) => self.list(items, view, guards),
            ExpressionKind::Record(fields) => self.record(fields, view, guards),
            ExpressionKind::Not(inner) => {
                let inner = self.truth(inner, view, guards)?;
                Some(Typed::there(Expr::Not(Box::new(inner)), Type::Bool))
            }
            ExpressionKind::All(parts) => self.junction(parts, view, guards, Expr::All, |narrowing| narrowing.if_true),
            ExpressionKind::Any(parts) => self.junction(parts, view, guards, Expr::Any, |narrowing| narrowing.if_false),
            ExpressionKind::Coalesce(operands) => self.coalesce(operands, view, guards),
            ExpressionKind::Binary(left, BinaryOperator::Add, right) => {
                self.add(left, right, expression.span, view, guards)
            }
            ExpressionKind::Binary(left, BinaryOperator::Subtract, right) => {
                self.subtract(left, right, expression.span, view, guards)
            }
            ExpressionKind::Binary(left, operator, right) => {
                self.comparison(left, *operator, right, expression.span, view, guards)
            }
            ExpressionKind::Is(left, role) => self.is_role(left, role, view),
            ExpressionKind::Matches(left, pattern) => {
                let text = self.text(left, view, guards, "`matches`");
                let regex = self.regexes.compile(pattern, self.checker);
                Some(Typed::there(Expr::Matches(Box::new(text?), Pattern(regex?)), Type::Bool))
            }
        }
    }

    /// An expression that is true or false, and there.
    pub(crate) fn truth(&mut self, expression: &Expression, view: &View<'_>, guards: &Guards<'_>) -> Option<Expr> {
        let typed = self.infer(expression, view, guards)?;
        self.discharged(expression, &typed, view)?;
        match &typed.ty {
            Type::Bool => Some(typed.expr),
            other => {
                let message = format!("this must be true or false, and it is {}", self.a_type(other));
                let help = match other {
                    Type::Nullable(inner) if **inner == Type::Bool => "compare it: `… == true`".to_owned(),
                    Type::String | Type::Enum(_) => "compare it with something: `… == \"…\"`".to_owned(),
                    Type::Record(_) | Type::Shape(_) => "compare one of its fields with something".to_owned(),
                    _ => "compare it with something: `… == …`".to_owned(),
                };
                self.report(Diagnostic::error("type_mismatch", expression.span, message).help(help));
                None
            }
        }
    }

    /// `and` and `or`: each part stands behind what its neighbours tell, on either side.
    fn junction(
        &mut self,
        parts: &[Expression],
        view: &View<'_>,
        guards: &Guards<'_>,
        make: fn(Vec<Expr>) -> Expr,
        tells: fn(Narrowing) -> Facts,
    ) -> Option<Typed> {
        let told: Vec<Facts> = parts.iter().map(|part| tells(self.narrowings.of(part, view.conditions))).collect();
        let mut told_by: HashMap<String, usize> = HashMap::new();
        for fact in told.iter().flatten() {
            *told_by.entry(fact.clone()).or_default() += 1;
        }
        let exprs: Vec<Option<Expr>> =
            parts.iter().zip(told).map(|(part, own)| self.truth(part, view, &guards.beside(&told_by, own))).collect();
        Some(Typed::there(make(exprs.into_iter().collect::<Option<_>>()?), Type::Bool))
    }

    /// `user is ROLE`
    fn is_role(&mut self, left: &Expression, role: &Text, view: &View<'_>) -> Option<Typed> {
        let is_user = matches!(&left.kind, ExpressionKind::Path(path) if matches!(path.as_slice(), [user] if user.node == "user"));
        if !is_user || view.user.is_none() {
            let what = if is_user { "there is no `user` here" } else { "only a `user` can be in a role" };
            let help = if is_user { "take the test out" } else { "write `user is ROLE`" };
            self.report(Diagnostic::error("not_a_user", left.span, what).help(help));
            return None;
        }
        let Some(row) = self.checker.names.roles.row(&role.node) else {
            self.report_once(self.checker.names.roles.not_declared(role, usize::MAX));
            return None;
        };
        Some(Typed::there(Expr::Is(*self.roles.get(row)?), Type::Bool))
    }

    /// `a ?? b`: the first that isn't absent.
    fn coalesce(&mut self, operands: &[Expression], view: &View<'_>, guards: &Guards<'_>) -> Option<Typed> {
        let typed = self.operands(operands, view, guards)?;
        let mut ty = Type::Never;
        for (place, operand) in operands.iter().zip(&typed) {
            let before = operands.first()?;
            ty = self.alike((before, &ty), (place, &operand.ty), place.span, "`??` can't choose between")?;
        }
        let optional = typed.iter().all(|operand| operand.optional);
        Some(Typed::new(Expr::Coalesce(typed.into_iter().map(|operand| operand.expr).collect()), ty, optional))
    }

    /// The operands of `??`, all of which but the last should have something to stand in for.
    pub(crate) fn operands(
        &mut self,
        operands: &[Expression],
        view: &View<'_>,
        guards: &Guards<'_>,
    ) -> Option<Vec<Typed>> {
        let inferred: Vec<Option<Typed>> = operands.iter().map(|operand| self.infer(operand, view, guards)).collect();
        let typed: Vec<Typed> = inferred.into_iter().collect::<Option<_>>()?;
        let needless = typed.iter().zip(operands).rev().skip(1).find(|(operand, _)| !operand.optional);
        if let Some((_, expression)) = needless {
            self.report_once(
                Diagnostic::warning("needless_default", expression.span, "this is never absent, so `??` has no use")
                    .help("take the `??` and what follows it out; what is unknown stays unknown"),
            );
        }
        Some(typed)
    }

    /// A string that is there.
    fn text(&mut self, expression: &Expression, view: &View<'_>, guards: &Guards<'_>, what: &str) -> Option<Expr> {
        let typed = self.infer(expression, view, guards)?;
        self.discharged(expression, &typed, view)?;
        self.not_null(expression, &typed.ty)?;
        match &typed.ty {
            Type::String | Type::Enum(_) => Some(typed.expr),
            other => {
                let message = format!("{what} is for a `string`, and this is {}", self.a_type(other));
                self.report(Diagnostic::error("type_mismatch", expression.span, message).help("give it a `string`"));
                None
            }
        }
    }

    /// An expression that must be there and of a given type. `what` begins the message.
    pub(crate) fn expect(&mut self, expression: &Expression, ty: &Type, what: &str, view: &View<'_>) -> Option<Typed> {
        let typed = self.infer(expression, view, &Guards::default())?;
        if !self.fits(expression, &typed.ty, ty) {
            let (wanted, found) = (self.a_type(ty), self.a_type(&typed.ty));
            self.report(
                Diagnostic::error(
                    "type_mismatch",
                    expression.span,
                    format!("{what} must be {wanted}, and this is {found}"),
                )
                .help(format!("give it {wanted}")),
            );
            return None;
        }
        Some(typed)
    }

    /// Reports what may be absent where something must be there.
    pub(crate) fn discharged(&mut self, expression: &Expression, typed: &Typed, view: &View<'_>) -> Option<()> {
        if !typed.optional {
            return Some(());
        }
        let error = self.undischarged(expression, view);
        self.report_once(error);
        None
    }

    /// Reports what may be `null` where a value must stand.
    fn not_null(&mut self, expression: &Expression, ty: &Type) -> Option<()> {
        if !matches!(ty, Type::Nullable(_)) {
            return Some(());
        }
        self.report_once(may_be_null(expression.span, written(expression).as_deref()));
        None
    }

    fn undischarged(&self, expression: &Expression, view: &View<'_>) -> Diagnostic {
        let Some(written) = written(expression) else { return undischarged(expression.span, "this") };
        let of_user = written.starts_with("user.") && view.user == Some(Caller::Perhaps);
        let error = undischarged(expression.span, &format!("`{written}`"));
        match of_user {
            true => error
                .label("absent for anonymous callers, at least")
                .help(format!("say what holds then: `has({written}) and …`, or `{written} ?? …`")),
            false if written.starts_with("resource.") && view.several_resources() => error
                .label("not an attribute of every resource here, or an optional one")
                .help(format!("say what holds then: `has({written}) and …`, or `{written} ?? …`")),
            false => error.help(format!("say what holds then: `has({written}) and …`, or `{written} ?? …`")),
        }
    }
}

/// Something that may be absent where something must be there.
pub(crate) fn undischarged(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error("undischarged_optional", span, format!("{what} may be absent"))
        .label("absent for some requests")
        .help("say what holds then: `… ?? DEFAULT`")
}

/// What is read, as it is written.
fn written(expression: &Expression) -> Option<String> {
    match &expression.kind {
        ExpressionKind::Path(path) => Some(path.iter().map(|name| name.node.as_str()).collect::<Vec<_>>().join(".")),
        ExpressionKind::Call(..) => narrowing::call_key(expression),
        _ => None,
    }
}

/// Something that may be `null` where a value must stand.
fn may_be_null(span: Span, written: Option<&str>) -> Diagnostic {
    let what = written.map_or_else(|| "this".to_owned(), |written| format!("`{written}`"));
    Diagnostic::error("undischarged_optional", span, format!("{what} may be `null`"))
        .help(format!("guard it: `{} != null and …`", written.unwrap_or("…")))
}

/// The names that stand to choose from, as help.
fn known_names<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> String {
    match list(names) {
        Some(names) => format!("{what} {names}"),
        None => "see the declaration for what there is".to_owned(),
    }
}
