//! The expressions of routes: conditions, and logins with a password.

use crate::check::checker::Report;
use crate::check::expressions::View;
use crate::check::expressions::typer::Typer;
use crate::check::routes::draft::PasswordLogin;
use crate::check::routes::route::RouteExpressions;
use crate::model::diagnostic::Diagnostic;
use crate::typed::{BodyRule, Expr, Read, Type, When};

/// The typed expressions of a route.
pub(crate) struct RouteConditions {
    pub(crate) whens: Vec<When>,
    /// The user and the password of a login.
    pub(crate) login: Option<(Expr, Expr)>,
}

/// Types the expressions of all routes. Each row of the result is for the route of the same row.
pub(crate) fn route_conditions(typer: &mut Typer<'_, '_>, routes: &[RouteExpressions<'_>]) -> Vec<RouteConditions> {
    let mut typed = Vec::with_capacity(routes.len());
    for (id, RouteExpressions { whens, login }) in typer.routes.table.ids().zip(routes) {
        let one = [id];
        let view = View::route(&one, typer.routes.caller_of(id), typer.routes.resource_of(id));
        let whens = whens.iter().filter_map(|when| {
            let expr = typer.truth(when, view.site())?;
            Some(When { span: when.span, reads: typer.conditions.reads(&expr), expr })
        });
        let whens = whens.collect();
        let body = typer.routes.table[id].body;
        typed.push(RouteConditions { whens, login: login.and_then(|login| password_login(typer, login, body, &view)) });
    }
    typed
}

fn password_login(
    typer: &mut Typer<'_, '_>,
    login: PasswordLogin<'_>,
    body: BodyRule,
    view: &View<'_>,
) -> Option<(Expr, Expr)> {
    let PasswordLogin { user, password } = login;
    let known = typer.expect(user, &Type::String, "who logs in", view);
    let known = known.and_then(|typed| typer.discharged(user, &typed, view).map(|()| typed.expr));
    let typed = typer.expect(password, &Type::String, "the password", view)?;
    typer.discharged(password, &typed, view)?;
    let is_secret = |name: &str| match body {
        BodyRule::Shape(shape) => {
            typer.shapes.table[shape].fields.iter().any(|field| field.name == name && field.secret)
        }
        BodyRule::Empty | BodyRule::Raw | BodyRule::Token(_) => false,
    };
    if !matches!(&typed.expr, Expr::Read(Read::Body(name)) if is_secret(name)) {
        let message = "this password can end up in logs and answers";
        Diagnostic::warning("password_in_the_open", password.span, message)
            .help("take it from a field of the body that is `secret`: `password: string bytes 8..1024 secret`")
            .report(typer.checker);
    }
    Some((known?, typed.expr))
}
