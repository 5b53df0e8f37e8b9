//! Invariants on doors: names and types. Those on permissions are rules like others; what they say is proved later.

use crate::check::Checker;
use crate::check::expressions::View;
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree;
use crate::syntax::tree::{Effect, NeverSubject, PathPattern, Polarity};
use crate::typed::{Expr, Never, NeverOf, ParameterType, PathSegment, Route};

impl<'t> Checker<'t> {
    /// Types every `never METHOD PATH`.
    pub(crate) fn nevers(&mut self) {
        let rules = self.names.rules.clone();
        for rule in rules {
            let Effect::Never(subject) = &rule.effect else { continue };
            if let NeverSubject::Door(method, path) = subject {
                self.never_door(rule, method, path);
            }
        }
    }

    fn never_door(&mut self, rule: &'t tree::Rule, method: &tree::Text, path: &PathPattern) {
        let Some(route) = self.door(method, path) else { return };
        let Some((polarity, condition)) = &rule.condition else { return };
        let caller = self.caller_of(route);
        let resource = self.resource_of(route);
        let one = [route];
        let view = View::route(&one, caller, resource);
        let Some(expr) = self.truth(condition, view.site()) else { return };
        self.nevers.push(Never {
            span: rule.span,
            of: NeverOf::Door(route),
            condition: match polarity {
                Polarity::When => expr,
                Polarity::Unless => Expr::Not(Box::new(expr)),
            },
            written: (condition.span, *polarity == Polarity::Unless),
            because: rule.because.as_ref().map(|because| because.node.clone()),
        });
    }

    /// The route of a `never METHOD PATH`. What its parameters are called doesn't matter.
    fn door(&mut self, method: &tree::Text, path: &PathPattern) -> Option<Id<Route>> {
        let method = self.method(method)?;
        let nowhere = PathPattern { span: path.span, segments: Vec::new() };
        let wanted = self.path(&nowhere, path)?;
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
        let found = self.routes.enumerate().find(|(_, route)| matches(route)).map(|(id, _)| id);
        if found.is_none() {
            self.report(
                Diagnostic::error("unknown_route", path.span, "no route has this method and path")
                    .help("write the path as the route table does, its block's prefix included"),
            );
        }
        found
    }
}
