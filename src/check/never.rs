//! Invariants: checked for names and types.

use crate::model::diagnostic::Diagnostic;
use crate::model::table::Id;
use crate::syntax::tree::{self, Effect, NeverSubject, PathPattern};

use super::Checker;
use super::expression::{Guards, View};
use super::typed::{ParameterType, PathSegment, Route};

impl<'t> Checker<'t> {
    /// A `never` is checked for names and types.
    pub(super) fn nevers(&mut self) {
        let rules = self.names.rules.clone();
        for rule in rules {
            let Effect::Never(subject) = &rule.effect else { continue };
            if let NeverSubject::Door(method, path) = subject {
                self.never_door(rule, method, path);
            }
        }
    }

    /// That an invariant holds isn't proved, and its author should know.
    pub(super) fn not_proved(&mut self) {
        let rules = self.names.rules.clone();
        for rule in rules.into_iter().filter(|rule| matches!(rule.effect, Effect::Never(_))) {
            self.report(
                Diagnostic::warning("not_proved", rule.span, "this version doesn't prove that this never happens")
                    .label("checked for names and types only")
                    .help("cover it with cases until then"),
            );
        }
    }

    fn never_door(&mut self, rule: &'t tree::Rule, method: &tree::Text, path: &PathPattern) {
        let Some(route) = self.door(method, path) else { return };
        let Some((_, condition)) = &rule.condition else { return };
        let caller = self.caller_of(route);
        let resource = self.resource_of(route);
        let one = [route];
        let view = View::route(&one, caller, resource);
        self.truth(condition, &view, &Guards::default());
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
