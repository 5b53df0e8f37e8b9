//! Resolves and types expressions.
//!
//! Types are inferred from the leaves up, and literals take the type of the expression beside them. A value that may be
//! absent must be guarded by `has`, by a comparison with `null`, or by `??`. A mistake is reported once: an expression
//! around one without a type has no type, either.

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

pub(crate) use crate::check::expressions::narrowing::{Guards, bare_names};
use crate::check::expressions::narrowing::{Narrowing, Paths};
use crate::check::expressions::typer::Typer;
pub(crate) use crate::check::expressions::view::{Caller, Site, View};
use crate::check::suggest::list;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{Expression, ExpressionKind, Text};
use crate::typed::{Attribute, Expr, Pattern, Read, Type};

use std::collections::HashMap;

#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) expr: Expr,
    pub(crate) ty: Type,
    /// True if it may be absent.
    pub(crate) optional: bool,
    /// True if it could be absent or `null` without a guard.
    pub(crate) guarded: bool,
}

impl Typed {
    fn present(expr: Expr, ty: Type) -> Self {
        Self::new(expr, ty, false)
    }

    fn attribute(read: Read, attribute: &Attribute) -> Self {
        Self::new(Expr::Read(read), attribute.ty.clone(), attribute.optional)
    }

    fn new(expr: Expr, ty: Type, optional: bool) -> Self {
        Self { expr, ty, optional, guarded: false }
    }
}

impl Typer<'_, '_> {
    pub(crate) fn infer(&mut self, expression: &Expression, site: Site<'_>) -> Option<Typed> {
        if !self.step(expression.span) {
            return None;
        }
        match &expression.kind {
            ExpressionKind::Literal(literal) => self.constant(literal, expression.span),
            ExpressionKind::Path(path) => self.path_read(path, site),
            ExpressionKind::Call(path, arguments) => self.call(expression, path, arguments, site),
            ExpressionKind::List(items) => self.list(items, site),
            ExpressionKind::Record(fields) => self.record(fields, site),
            ExpressionKind::Not(inner) => {
                let inner = self.truth(inner, site)?;
                Some(Typed::present(Expr::Not(Box::new(inner)), Type::Bool))
            }
            ExpressionKind::All(parts) => self.junction(parts, site, Expr::All, |narrowing| narrowing.if_true),
            ExpressionKind::Any(parts) => self.junction(parts, site, Expr::Any, |narrowing| narrowing.if_false),
            ExpressionKind::Coalesce(operands) => self.coalesce(operands, site),
            ExpressionKind::Binary(left, operator, right) => self.binary(left, *operator, right, expression.span, site),
            ExpressionKind::Is(left, role) => self.is_role(left, role, site.view),
            ExpressionKind::Matches(left, pattern) => {
                let text = self.text(left, site, "`matches`");
                let regex = self.regexes.compile(pattern, self.checker);
                Some(Typed::present(Expr::Matches(Box::new(text?), Pattern(regex?)), Type::Bool))
            }
        }
    }

    /// Types an expression that must be present.
    fn present(&mut self, expression: &Expression, site: Site<'_>) -> Option<Typed> {
        let typed = self.infer(expression, site)?;
        self.discharged(expression, &typed, site.view)?;
        Some(typed)
    }

    /// Types an expression that must be a `bool` and present.
    pub(crate) fn truth(&mut self, expression: &Expression, site: Site<'_>) -> Option<Expr> {
        let typed = self.present(expression, site)?;
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

    /// `and` and `or`: each operand is guarded by the others, on either side.
    fn junction(
        &mut self,
        parts: &[Expression],
        site: Site<'_>,
        make: fn(Vec<Expr>) -> Expr,
        guarded: fn(Narrowing) -> Paths,
    ) -> Option<Typed> {
        let paths: Vec<Paths> =
            parts.iter().map(|part| guarded(self.narrowings.narrowing(part, site.view.conditions))).collect();
        let mut narrowed_by: HashMap<String, usize> = HashMap::new();
        for path in paths.iter().flatten() {
            *narrowed_by.entry(path.clone()).or_default() += 1;
        }
        let exprs = all(parts.iter().zip(paths).map(|(part, own)| {
            let guards = Guards::new(site.guards, &narrowed_by, own);
            self.truth(part, Site { guards: Some(&guards), ..site })
        }));
        Some(Typed::present(make(exprs?), Type::Bool))
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
        Some(Typed::present(Expr::Is(*self.roles.get(row)?), Type::Bool))
    }

    /// `a ?? b`
    fn coalesce(&mut self, operands: &[Expression], site: Site<'_>) -> Option<Typed> {
        let typed = self.operands(operands, site)?;
        let ty = self.unified_all(operands, &typed, "`??` can't choose between")?;
        let optional = typed.iter().all(|operand| operand.optional);
        Some(Typed::new(Expr::Coalesce(typed.into_iter().map(|operand| operand.expr).collect()), ty, optional))
    }

    /// Types the operands of `??`, and warns if one before the last is never absent.
    pub(crate) fn operands(&mut self, operands: &[Expression], site: Site<'_>) -> Option<Vec<Typed>> {
        let typed = all(operands.iter().map(|operand| self.infer(operand, site)))?;
        let needless = typed.iter().zip(operands).rev().skip(1).find(|(operand, _)| !operand.optional);
        if let Some((_, expression)) = needless {
            self.report_once(
                Diagnostic::warning("needless_default", expression.span, "this is never absent, so `??` has no use")
                    .help("take the `??` and what follows it out; what is unknown stays unknown"),
            );
        }
        Some(typed)
    }

    /// Types an expression that must be a string and present.
    fn text(&mut self, expression: &Expression, site: Site<'_>, what: &str) -> Option<Expr> {
        let typed = self.present(expression, site)?;
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

    /// Types an expression that must have a given type. `what` begins the message.
    pub(crate) fn expect(&mut self, expression: &Expression, ty: &Type, what: &str, view: &View<'_>) -> Option<Typed> {
        let typed = self.infer(expression, view.site())?;
        if !self.fits(expression, &typed.ty, ty) {
            let (wanted, found) = (self.a_type(ty), self.a_type(&typed.ty));
            let message = format!("{what} must be {wanted}, and this is {found}");
            let error = Diagnostic::error("type_mismatch", expression.span, message);
            self.report(error.help(format!("give it {wanted}")));
            return None;
        }
        Some(typed)
    }

    /// Reports an expression that may be absent.
    pub(crate) fn discharged(&mut self, expression: &Expression, typed: &Typed, view: &View<'_>) -> Option<()> {
        if !typed.optional {
            return Some(());
        }
        let error = self.undischarged(expression, view);
        self.report_once(error);
        None
    }

    /// Reports an expression that may be `null`.
    fn not_null(&mut self, expression: &Expression, ty: &Type) -> Option<()> {
        if !matches!(ty, Type::Nullable(_)) {
            return Some(());
        }
        self.report_once(may_be_null(expression.span, written(expression).as_deref()));
        None
    }

    fn undischarged(&self, expression: &Expression, view: &View<'_>) -> Diagnostic {
        let Some(written) = written(expression) else { return undischarged(expression.span, "this") };
        let error = undischarged(expression.span, &format!("`{written}`"))
            .help(format!("say what holds then: `has({written}) and …`, or `{written} ?? …`"));
        if written.starts_with("user.") && view.user == Some(Caller::Perhaps) {
            return error.label("absent for anonymous callers, at least");
        }
        match written.starts_with("resource.") && view.several_resources() {
            true => error.label("not an attribute of every resource here, or an optional one"),
            false => error,
        }
    }

    /// Reports an error, and returns no type.
    fn refuse<T>(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.report_once(Diagnostic::error(code, span, message).help(help));
        None
    }
}

/// Collects all items, with all their errors. Returns `None` if one is `None`.
fn all<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let items: Vec<Option<T>> = items.collect();
    items.into_iter().collect()
}

/// An error about an expression that may be absent.
pub(crate) fn undischarged(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error("undischarged_optional", span, format!("{what} may be absent"))
        .label("absent for some requests")
        .help("say what holds then: `… ?? DEFAULT`")
}

/// The text of a read.
fn written(expression: &Expression) -> Option<String> {
    match &expression.kind {
        ExpressionKind::Path(path) => Some(path.iter().map(|name| name.node.as_str()).collect::<Vec<_>>().join(".")),
        ExpressionKind::Call(..) => narrowing::call_key(expression),
        _ => None,
    }
}

/// An error about an expression that may be `null`.
fn may_be_null(span: Span, written: Option<&str>) -> Diagnostic {
    let what = written.map_or_else(|| "this".to_owned(), |written| format!("`{written}`"));
    Diagnostic::error("undischarged_optional", span, format!("{what} may be `null`"))
        .help(format!("guard it: `{} != null and …`", written.unwrap_or("…")))
}

fn known_names<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> String {
    match list(names) {
        Some(names) => format!("{what} {names}"),
        None => "see the declaration for what there is".to_owned(),
    }
}
