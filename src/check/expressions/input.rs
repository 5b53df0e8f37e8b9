//! Parameters, the query, the body, and named conditions.

use crate::check::expressions::conditions::ConditionUse;
use crate::check::expressions::typer::Typer;
use crate::check::expressions::view::Inputs;
use crate::check::expressions::{Guards, Site, Typed, View};
use crate::collections::row_set::RowSet;
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::syntax::tree::{Expression, Text};
use crate::typed::{Attribute, BodyRule, Condition, Expr, ParameterType, PathSegment, Read, Route, Type};

/// The steps that it takes to check a condition in one more kind of place, beside the steps of its parts.
const STEPS_OF_A_USE: usize = 100;

impl Typer<'_, '_> {
    /// `params.x`, `query.x`, `body.x`: every route in view must have it.
    pub(crate) fn input(&mut self, root: &str, name: &Text, view: &View<'_>) -> Option<Typed> {
        let mut found: Option<Attribute> = None;
        for route in self.routes_in(view) {
            match (self.input_of(route, root, &name.node), &mut found) {
                (Some(attribute), None) => found = Some(attribute),
                (Some(attribute), Some(found)) if attribute.ty == found.ty => found.optional |= attribute.optional,
                (given, _) => return self.no_input(root, name, route, given.as_ref()),
            }
        }
        let Some(attribute) = found else {
            let message = format!("no route leads to {}, so `{root}.{}` is never known", view.place, name.node);
            let help = match view.place {
                "a limit" => "name the limit in a route, or take the test out",
                _ => "let a route require the permission, or take the test out",
            };
            return self.refuse("unknown_attribute", name.span, message, help);
        };
        let read = match root {
            "params" => Read::Param(name.node.clone()),
            "query" => Read::Query(name.node.clone()),
            _ => Read::Body(name.node.clone()),
        };
        Some(Typed::new(Expr::Read(read), attribute.ty, attribute.optional))
    }

    /// The routes in view. Each takes a step.
    fn routes_in(&mut self, view: &View<'_>) -> Vec<Id<Route>> {
        let routes = match view.inputs {
            Inputs::None => Vec::new(),
            Inputs::Routes(routes) => routes.to_vec(),
            Inputs::Requiring { permissions, doors } => {
                let mut rows = RowSet::default();
                for requiring in permissions.iter().filter_map(|row| self.routes.requiring.get(*row as usize)) {
                    rows.extend(requiring.iter().map(|route| route.row()));
                }
                if doors {
                    rows.extend(self.routes.doors.iter().map(|route| route.row()));
                }
                rows.rows().filter_map(|row| self.routes.table.id(row)).collect()
            }
        };
        self.budget.spend(routes.len());
        routes
    }

    fn input_of(&mut self, route: Id<Route>, root: &str, name: &str) -> Option<Attribute> {
        let route = &self.routes.table[route];
        if let (BodyRule::Shape(shape), _) | (_, Some(shape)) = (route.body, route.query) {
            self.budget.spend(self.shapes.table[shape].fields.len());
        }
        match root {
            "params" => route.path.iter().find_map(|segment| match segment {
                PathSegment::Parameter { name: known, ty } if known == name => Some(Attribute {
                    name: known.clone(),
                    ty: if *ty == ParameterType::Int { Type::Int } else { Type::String },
                    optional: false,
                }),
                PathSegment::Rest(known) if known == name => {
                    Some(Attribute { name: known.clone(), ty: Type::String, optional: false })
                }
                _ => None,
            }),
            "query" => Type::Shape(route.query?).field(name, &self.shapes.table),
            _ => match route.body {
                BodyRule::Shape(shape) => Type::Shape(shape).field(name, &self.shapes.table),
                BodyRule::Empty | BodyRule::Raw | BodyRule::Token(_) => None,
            },
        }
    }

    fn no_input(&mut self, root: &str, name: &Text, route: Id<Route>, given: Option<&Attribute>) -> Option<Typed> {
        let written = self.routes.name(route);
        let span = self.routes.table[route].span;
        let shape = match (root, self.routes.table[route].body, self.routes.table[route].query) {
            ("body", BodyRule::Shape(shape), _) | ("query", _, Some(shape)) => Some(shape),
            _ => None,
        };
        if let (None, Some(shape)) = (given, shape) {
            let shape = &self.shapes.table[shape];
            let known = shape.fields.iter().map(|field| field.name.as_str());
            let message = format!("the schema `{}` of `{written}` has no field `{}`", shape.name, name.node);
            let error = self.no_such(&message, name, known);
            self.report_once(error);
            return None;
        }
        let (message, help) = match (given, root) {
            (Some(_), _) => (
                format!("`{root}.{}` has another type in `{written}`", name.node),
                "give it one type in all routes that this is for".to_owned(),
            ),
            (None, "params") => (
                format!("`{written}` has no parameter `{}`", name.node),
                "read a parameter that every route has which this is for".to_owned(),
            ),
            (None, _) => (
                format!("`{written}` has no `{root}` with a field `{}`", name.node),
                format!("give the route `{root} SCHEMA` with that field, or take the test out"),
            ),
        };
        let error = Diagnostic::error("unknown_attribute", name.span, message);
        self.report_once(error.also(span, "this is for that route, too").help(help));
        None
    }

    /// Types a named condition in the place where it is used.
    pub(crate) fn condition_named(&mut self, name: &Text, site: Site<'_>) -> Option<Typed> {
        let Some((row, condition)) = self.checker.names.conditions.get(&name.node) else {
            self.no_condition(name, site.view);
            return None;
        };
        let id = self.conditions.table.id(row)?;
        let sound = self.is_sound_here(id, &condition.expression, name.span, site);
        sound.then(|| Typed::present(Expr::Condition(id), Type::Bool))
    }

    /// Checks a condition for the place where it is used.
    fn is_sound_here(&mut self, id: Id<Condition>, expression: &Expression, place: Span, site: Site<'_>) -> bool {
        self.conditions.used.insert(id.row());
        if !self.conditions.sound {
            return false;
        }
        let guards = Guards::row(site.guards, &mut self.conditions.guard_sets);
        let key = ConditionUse { condition: id, view: site.view.key, guards };
        if let Some(known) = self.conditions.checked.get(&key) {
            return *known;
        }
        // There may be as many sets of guards as ways to combine them.
        self.budget.spend(STEPS_OF_A_USE);
        self.uses.push(place);
        let typed = self.truth(expression, site);
        self.uses.pop();
        let sound = typed.is_some();
        if let Some(expr) = typed {
            let reads = self.conditions.reads(&expr);
            let row = self.conditions.table.row_mut(id);
            (row.expr, row.reads) = (expr, reads);
        }
        self.conditions.checked.insert(key, sound);
        sound
    }

    fn no_condition(&mut self, name: &Text, view: &View<'_>) -> Option<Typed> {
        if view.roots().contains(&name.node.as_str()) {
            return self.not_a_value(name);
        }
        if self.checker.findings.are_few() {
            self.report_once(self.checker.names.conditions.not_declared(name, usize::MAX));
            return None;
        }
        let message = format!("there is no condition `{}`", name.node);
        self.refuse("unknown_condition", name.span, message, "declare `condition NAME = …`")
    }
}
