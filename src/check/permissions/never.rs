//! Invariants on doors: names and types. Those on permissions are rules like others. The analysis proves both.

use crate::check::checker::Report;
use crate::check::expressions::View;
use crate::check::expressions::typer::Typer;
use crate::check::permissions::rule::under;
use crate::check::routes::path::{method, path};
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree;
use crate::syntax::tree::{Effect, NeverSubject, PathPattern, Polarity};
use crate::typed::{Never, NeverOf, ParameterType, PathSegment, Route};

/// Types every `never METHOD PATH`.
pub(crate) fn door_nevers(typer: &mut Typer<'_, '_>) -> Vec<Never> {
    let mut nevers = Vec::new();
    for rule in &typer.checker.names.rules {
        if let Effect::Never(NeverSubject::Door(method, path)) = &rule.effect {
            nevers.extend(door_never(typer, rule, method, path));
        }
    }
    nevers
}

fn door_never(typer: &mut Typer<'_, '_>, rule: &tree::Rule, method: &tree::Text, path: &PathPattern) -> Option<Never> {
    let route = door(typer, method, path)?;
    let (polarity, condition) = rule.condition.as_ref()?;
    let one = [route];
    let view = View::route(&one, typer.routes.caller_of(route), typer.routes.resource_of(route));
    let expr = typer.truth(condition, view.site())?;
    Some(Never {
        span: rule.span,
        of: NeverOf::Door(route),
        condition: under(*polarity, expr),
        written: (condition.span, *polarity == Polarity::Unless),
        because: rule.because.as_ref().map(|because| because.node.clone()),
    })
}

/// The route of a `never METHOD PATH`. The names of its parameters don't matter.
fn door(typer: &Typer<'_, '_>, written: &tree::Text, pattern: &PathPattern) -> Option<Id<Route>> {
    let method = method(typer.checker, written)?;
    let nowhere = PathPattern { span: pattern.span, segments: Vec::new() };
    let wanted = path(typer.checker, &nowhere, pattern)?;
    let matches = |route: &Route| {
        route.method == method
            && route.path.len() == wanted.len()
            && route.path.iter().zip(&wanted).all(|pair| match pair {
                (PathSegment::Literal(one), PathSegment::Literal(other)) => one == other,
                (PathSegment::Parameter { ty, .. }, PathSegment::Parameter { ty: wanted, .. }) => {
                    *wanted == ParameterType::Any || ty == wanted
                }
                (PathSegment::Rest(_), PathSegment::Rest(_)) => true,
                _ => false,
            })
    };
    let found = typer.routes.table.enumerate().find(|(_, route)| matches(route)).map(|(id, _)| id);
    if found.is_none() {
        Diagnostic::error("unknown_route", pattern.span, "no route has this method and path")
            .report_with(typer.checker, "write the path as the route table does, its block's prefix included");
    }
    found
}
