//! Names: what a path or a call reads where it stands, of which type, and whether it is there.

use http::HeaderName;

use crate::model::bits::BitSet;
use crate::model::diagnostic::Diagnostic;
use crate::model::source::Span;
use crate::model::table::Id;
use crate::syntax::tree::{Expression, ExpressionKind, Literal, Text};

use super::super::Checker;
use super::super::names::{suggest, worth_suggesting};
use super::super::typed::{
    Attribute, BodyRule, Condition, Expr, ParameterType, PathSegment, Read, Resource, Route, Type,
};
use super::guard::call_key;
use super::view::Inputs;
use super::{Caller, Guards, Typed, View, known_names, may_be_null};

pub(in crate::check) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const REQUEST: [&str; 6] = ["method", "path", "host", "origin", "header(\"…\")", "cookie(\"…\")"];

impl Checker<'_> {
    /// A path: what its first words read, and fields of that.
    pub(super) fn path_read(&mut self, path: &[Text], view: &View<'_>, guards: &Guards<'_>) -> Option<Typed> {
        let (mut typed, used) = self.root(path, view, guards)?;
        let mut so_far: Vec<&str> = path.iter().take(used).map(|name| name.node.as_str()).collect();
        narrow(&mut typed, guards, &so_far);
        for name in path.iter().skip(used) {
            let field = self.field_of(&typed, name, &so_far)?;
            so_far.push(&name.node);
            let read = Expr::Field(Box::new(typed.expr), name.node.clone());
            typed = Typed::new(read, field.ty, typed.optional || field.optional);
            narrow(&mut typed, guards, &so_far);
        }
        Some(typed)
    }

    fn field_of(&mut self, of: &Typed, name: &Text, so_far: &[&str]) -> Option<Attribute> {
        let inner = match &of.ty {
            Type::Nullable(inner) => {
                self.report_once(may_be_null(name.span, Some(&so_far.join("."))));
                inner.as_ref()
            }
            ty => ty,
        };
        let field = inner.field(&name.node, &self.shapes.table);
        if field.is_none() {
            let whole = so_far.join(".");
            let known: Vec<String> = inner.field_names(&self.shapes.table).into_iter().map(ToOwned::to_owned).collect();
            let error = if known.is_empty() {
                let message = format!("`{whole}` is {}, which has no fields", self.a_type(inner));
                Diagnostic::error("unknown_attribute", name.span, message).help(format!("read `{whole}` itself"))
            } else {
                self.no_such(&format!("`{whole}` has no field `{}`", name.node), &name.node, name.span, &known)
            };
            self.report_once(error);
        }
        field
    }

    /// What the first words of a path read, and how many they are.
    fn root(&mut self, path: &[Text], view: &View<'_>, guards: &Guards<'_>) -> Option<(Typed, usize)> {
        let (first, rest) = path.split_first()?;
        if let Some(siblings) = view.siblings
            && let Some(field) = siblings.get(&first.node)
        {
            let read = Expr::Read(Read::Sibling(first.node.clone()));
            return Some((Typed::new(read, field.ty.clone(), field.optional), 1));
        }
        if first.node == "now" && rest.is_empty() && view.roots().contains(&"now") {
            return Some((Typed::there(Expr::Read(Read::Now), Type::Timestamp), 1));
        }
        if view.conditions && rest.is_empty() && first.node != "now" {
            return self.condition_named(first, view, guards).map(|typed| (typed, 1));
        }
        if !view.roots().contains(&first.node.as_str()) {
            self.no_root(path, view);
            return None;
        }
        let Some(name) = rest.first() else {
            let message = format!("`{}` isn't a value", first.node);
            let help = match first.node.as_str() {
                "user" => "read something of it, such as `user.id`; whether there is one says `has(user)`".to_owned(),
                root => format!("read something of it: `{root}.NAME`"),
            };
            self.report_once(Diagnostic::error("not_a_value", first.span, message).help(help));
            return None;
        };
        let typed = match first.node.as_str() {
            "claims" => self.claim(name, view),
            "account" => self.account(name),
            "user" => self.user(name, view, guards),
            "resource" => self.resource(name, view),
            "context" => self.context_attribute(name),
            "request" => self.request(name),
            "client" if name.node == "ip" => Some(Typed::there(Expr::Read(Read::ClientIp), Type::Ip)),
            "client" => {
                let known = ["ip".to_owned()];
                let message = format!("`client` has no attribute `{}`", name.node);
                let error = self.no_such(&message, &name.node, name.span, &known);
                self.report_once(error);
                None
            }
            root => self.input(root, name, view),
        };
        typed.map(|typed| (typed, 2))
    }

    fn no_root(&mut self, path: &[Text], view: &View<'_>) {
        let words: Vec<&str> = path.iter().map(|name| name.node.as_str()).collect();
        let (Some(first), Some(last)) = (path.first(), path.last()) else { return };
        let roots = view.roots();
        let siblings = view.siblings.into_iter().flat_map(|fields| fields.keys().map(String::as_str));
        let known: Vec<&str> = roots.iter().copied().chain(siblings).collect();
        let message = format!("`{}` can't be read in {}", words.join("."), view.place);
        let error = Diagnostic::error("unknown_name", first.span.to(last.span), message);
        let error = match suggest(&first.node, known.iter().copied()) {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None if view.claims.is_some() => error.help("a mapping reads the token's claims: write `claims.NAME`"),
            None if view.account => error.help("an issued claim comes from the account: write `account.NAME`"),
            None => error.help(known_names("what can be read here begins with", known.into_iter())),
        };
        self.report_once(error);
    }

    /// `there is no such thing`, with the one that was probably meant.
    fn no_such(&self, message: &str, name: &str, span: Span, known: &[String]) -> Diagnostic {
        let known = || known.iter().map(String::as_str);
        let meant = if worth_suggesting(&self.diagnostics) { suggest(name, known()) } else { None };
        let error = Diagnostic::error("unknown_attribute", span, message).label("not declared");
        match meant {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None if known().next().is_none() => error.help("declare it first"),
            None => error.help(known_names("declared are", known())),
        }
    }

    fn claim(&mut self, name: &Text, view: &View<'_>) -> Option<Typed> {
        let claims = view.claims.unwrap_or_default();
        let found = claims.iter().enumerate().find(|(_, claim)| claim.name == name.node);
        let Some((slot, claim)) = found else {
            let known: Vec<String> = claims.iter().map(|claim| claim.name.clone()).collect();
            let error = self.no_such(&format!("there is no claim `{}`", name.node), &name.node, name.span, &known);
            self.report_once(Diagnostic { code: "unknown_claim", ..error });
            return None;
        };
        Some(Typed::new(Expr::Read(Read::Claim(slot)), claim.ty.clone(), claim.optional))
    }

    fn account(&mut self, name: &Text) -> Option<Typed> {
        let (row, _) = self.names.account.find(name, &mut self.diagnostics)?;
        // Where its type is in error, that was said.
        let attribute = self.account.get(row)?.as_ref()?;
        let read = Expr::Read(Read::Account(attribute.name.clone()));
        Some(Typed::new(read, attribute.ty.clone(), attribute.optional))
    }

    fn context_attribute(&mut self, name: &Text) -> Option<Typed> {
        let found = self.context.enumerate().find(|(_, attribute)| attribute.name == name.node);
        if let Some((id, attribute)) = found {
            let read = Expr::Read(Read::Context(id));
            return Some(Typed::new(read, attribute.ty.clone(), attribute.optional));
        }
        self.names.context.find(name, &mut self.diagnostics);
        None
    }

    /// An attribute of the caller, which anonymous callers don't have.
    fn user(&mut self, name: &Text, view: &View<'_>, guards: &Guards<'_>) -> Option<Typed> {
        let anonymous = view.user == Some(Caller::Perhaps) && !guards.hold("user");
        let guarded = view.user == Some(Caller::Perhaps);
        let read =
            |read, ty, optional| Some(Typed { guarded, ..Typed::new(Expr::Read(read), ty, optional || anonymous) });
        match name.node.as_str() {
            "id" => return read(Read::UserId, Type::String, false),
            "tier" => {
                let tiers: Vec<String> = self.names.tiers.iter().map(|(tier, _)| tier.to_owned()).collect();
                let ty = if tiers.is_empty() { Type::String } else { Type::Enum(tiers.into()) };
                return read(Read::UserTier, ty, true);
            }
            "scopes" => {
                let capped = self.capped_by_scopes();
                return read(Read::UserScopes, Type::List(Box::new(Type::String)), !capped);
            }
            "token" => {
                let tokens: Vec<String> =
                    self.names.mappings.iter().map(|(_, mapping)| mapping.token.node.clone()).collect();
                return read(Read::UserToken, Type::Enum(tokens.into()), false);
            }
            "roles" => {
                self.report_once(
                    Diagnostic::error("roles_read", name.span, "`user.roles` can't be read as a value")
                        .help("ask for a role with `user is ROLE`, or make an attribute in `user from`"),
                );
                return None;
            }
            _ => {}
        }
        if let Some((id, attribute)) = self.attributes.enumerate().find(|(_, attribute)| attribute.name == name.node) {
            return read(Read::UserAttribute(id), attribute.ty.clone(), attribute.optional);
        }
        if !self.broken_attributes.contains(&name.node) {
            let built_in = ["id", "tier", "scopes", "token"].map(ToOwned::to_owned);
            let known: Vec<String> =
                built_in.into_iter().chain(self.attributes.iter().map(|attribute| attribute.name.clone())).collect();
            let error =
                self.no_such(&format!("`user` has no attribute `{}`", name.node), &name.node, name.span, &known);
            self.report_once(error);
        }
        None
    }

    /// An attribute of the resource: of all that are in view, or, where it is guarded, of some.
    fn resource(&mut self, name: &Text, view: &View<'_>) -> Option<Typed> {
        if name.node == "id" {
            let doors = view.resources.as_ref().is_some_and(|(_, doors)| *doors);
            return Some(Typed::new(Expr::Read(Read::ResourceId), Type::String, doors));
        }
        let (rows, doors) = view.resources.as_ref()?;
        // Through the resources in view, or through those that have the attribute, whichever are fewer.
        let declaring = self.declaring.get(&name.node).map(Vec::as_slice).unwrap_or_default();
        let in_view = rows.len();
        let of_row = |row: usize| self.resources.id(row).map(|id| (id, &self.resources[id]));
        let candidates: Vec<(Id<Resource>, &Attribute)> = if in_view < declaring.len() {
            let viewed = rows.rows().filter_map(of_row);
            viewed.filter_map(|(id, resource)| Some((id, resource.attributes.get(&name.node)?))).collect()
        } else {
            let viewed = declaring.iter().filter(|id| rows.contains(id.row()));
            viewed.filter_map(|id| Some((*id, self.resources[*id].attributes.get(&name.node)?))).collect()
        };
        let declared_by = candidates.len();
        let mut found: Option<Attribute> = None;
        let mut clash = None;
        for (resource, attribute) in candidates {
            match &mut found {
                None => found = Some(attribute.clone()),
                Some(found) if found.ty == attribute.ty => found.optional |= attribute.optional,
                Some(found) => clash = Some((resource, self.a_type(&found.ty), self.a_type(&attribute.ty))),
            }
        }
        self.steps += in_view.min(declaring.len());
        if let Some((resource, one, other)) = clash {
            let resource = &self.resources[resource].name;
            let message = format!("`resource.{}` is {one} and, of `{resource}`, {other}", name.node);
            self.report_once(
                Diagnostic::error("type_mismatch", name.span, message)
                    .help("write a rule for each resource, or give the attribute one type"),
            );
            return None;
        }
        let Some(attribute) = found else {
            let broken = self.broken_attributes.contains(&name.node);
            if !broken {
                let error = self.no_attribute(name, rows);
                self.report_once(error);
            }
            return None;
        };
        let everywhere = declared_by == in_view && !doors;
        let read = Expr::Read(Read::Resource(name.node.clone()));
        Some(Typed::new(read, attribute.ty, attribute.optional || !everywhere))
    }

    fn no_attribute(&self, name: &Text, rows: &BitSet) -> Diagnostic {
        let mut all = rows.rows().filter_map(|row| self.resources.id(row)).map(|id| &self.resources[id]);
        let (first, second) = (all.next(), all.next());
        let message = match (first, second) {
            (Some(only), None) => format!("the resource `{}` has no attribute `{}`", only.name, name.node),
            _ => format!("no resource here has an attribute `{}`", name.node),
        };
        let known: Vec<String> = first
            .into_iter()
            .chain(second)
            .chain(all)
            .take(50)
            .flat_map(|resource| resource.attributes.keys().cloned())
            .chain(["id".to_owned()])
            .collect();
        self.no_such(&message, &name.node, name.span, &known)
    }

    fn request(&mut self, name: &Text) -> Option<Typed> {
        let there = |read, ty| Some(Typed::there(Expr::Read(read), ty));
        match name.node.as_str() {
            "method" => there(Read::Method, Type::Enum(METHODS.map(ToOwned::to_owned).into())),
            "path" => there(Read::Path, Type::String),
            "host" => there(Read::Host, Type::String),
            "origin" => Some(Typed::new(Expr::Read(Read::Origin), Type::String, true)),
            "header" | "cookie" => {
                let message = format!("`request.{}` wants a name", name.node);
                let help = format!("write `request.{}(\"NAME\")`", name.node);
                self.report_once(Diagnostic::error("not_a_value", name.span, message).help(help));
                None
            }
            _ => {
                let known = REQUEST.map(ToOwned::to_owned);
                let message = format!("`request` has no attribute `{}`", name.node);
                let error = self.no_such(&message, &name.node, name.span, &known);
                self.report_once(error);
                None
            }
        }
    }

    /// `has(…)`, `request.header("…")`, `request.cookie("…")`
    pub(super) fn call(
        &mut self,
        expression: &Expression,
        path: &[Text],
        arguments: &[Expression],
        view: &View<'_>,
        guards: &Guards<'_>,
    ) -> Option<Typed> {
        let words: Vec<&str> = path.iter().map(|name| name.node.as_str()).collect();
        match (words.as_slice(), arguments) {
            (["has"], [argument]) => self.has(argument, view),
            (["request", "header" | "cookie"], [argument]) if view.request => {
                let read = self.named_read(words.last() == Some(&"header"), argument)?;
                let guarded = call_key(expression).is_some_and(|key| guards.hold(&key));
                Some(Typed { guarded, ..Typed::new(Expr::Read(read), Type::String, !guarded) })
            }
            (["has"], _) | (["request", "header" | "cookie"], _) if words == ["has"] || view.request => {
                let message = format!("`{}` takes one thing in its brackets", words.join("."));
                let help = match words.as_slice() {
                    ["has"] => "write `has(user.email)`".to_owned(),
                    _ => format!("write `{}(\"NAME\")`", words.join(".")),
                };
                self.report_once(Diagnostic::error("wrong_call", expression.span, message).help(help));
                None
            }
            _ => {
                let message = format!("there is no function `{}` here", words.join("."));
                let known = ["has", "request.header", "request.cookie"];
                let error = Diagnostic::error("unknown_name", expression.span, message);
                self.report_once(match suggest(&words.join("."), known.into_iter()) {
                    Some(meant) => error.help(format!("did you mean `{meant}`?")),
                    None => error.help("there are `has(…)`, `request.header(\"…\")` and `request.cookie(\"…\")`"),
                });
                None
            }
        }
    }

    fn named_read(&mut self, header: bool, argument: &Expression) -> Option<Read> {
        let ExpressionKind::Literal(Literal::String(name)) = &argument.kind else {
            self.report_once(
                Diagnostic::error("wrong_call", argument.span, "the name must be written out")
                    .help("write it in quotes, such as `request.header(\"x-version\")`"),
            );
            return None;
        };
        if !header {
            return Some(Read::Cookie(name.clone()));
        }
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => Some(Read::Header(name)),
            Err(_) => {
                self.report_once(
                    Diagnostic::error("invalid_header", argument.span, format!("`{name}` is no header name"))
                        .help("write letters, digits and `-`, such as `\"x-version\"`"),
                );
                None
            }
        }
    }

    /// `has(x)`: there is an `x`. On the way to it, things may be absent, too.
    fn has(&mut self, argument: &Expression, view: &View<'_>) -> Option<Typed> {
        if let ExpressionKind::Path(path) = &argument.kind
            && let [root] = path.as_slice()
            && root.node == "user"
            && view.user.is_some()
        {
            return Some(Typed::there(Expr::HasUser, Type::Bool));
        }
        if !matches!(argument.kind, ExpressionKind::Path(_) | ExpressionKind::Call(..)) {
            self.report_once(
                Diagnostic::error("wrong_call", argument.span, "`has` asks for something by its name")
                    .help("write `has(user.email)`"),
            );
            return None;
        }
        let typed = self.infer(argument, view, &Guards::default())?;
        if let Expr::Condition(_) = typed.expr {
            self.report_once(
                Diagnostic::error("wrong_call", argument.span, "a condition is true or false, not there or absent")
                    .help("take the `has(…)` away from around it"),
            );
            return None;
        }
        Some(Typed::there(Expr::Has(Box::new(typed.expr)), Type::Bool))
    }

    /// `params.x`, `query.x`, `body.x`: of every route in view.
    fn input(&mut self, root: &str, name: &Text, view: &View<'_>) -> Option<Typed> {
        let mut found: Option<Attribute> = None;
        for route in self.routes_in(view) {
            match (self.input_of(route, root, &name.node), &mut found) {
                (Some(attribute), None) => found = Some(attribute),
                (Some(attribute), Some(found)) if attribute.ty == found.ty => found.optional |= attribute.optional,
                (given, _) => {
                    self.no_input(root, name, route, given.as_ref());
                    return None;
                }
            }
        }
        let Some(attribute) = found else {
            let message = format!("no route leads to {}, so `{root}.{}` is never known", view.place, name.node);
            self.report_once(
                Diagnostic::error("unknown_attribute", name.span, message)
                    .help("let a route require the permission, or take the test out"),
            );
            return None;
        };
        let read = match root {
            "params" => Read::Param(name.node.clone()),
            "query" => Read::Query(name.node.clone()),
            _ => Read::Body(name.node.clone()),
        };
        Some(Typed::new(Expr::Read(read), attribute.ty, attribute.optional))
    }

    /// The routes that an expression is for. Going through them takes steps, too.
    fn routes_in(&mut self, view: &View<'_>) -> Vec<Id<Route>> {
        let routes = match view.inputs {
            Inputs::None => Vec::new(),
            Inputs::Routes(routes) => routes.to_vec(),
            Inputs::Requiring { permissions, doors } => {
                let mut rows = BitSet::default();
                for requiring in permissions.iter().filter_map(|row| self.requiring.get(*row as usize)) {
                    rows.extend(requiring.iter().map(|route| route.row()));
                }
                if doors {
                    rows.extend(self.doors.iter().map(|route| route.row()));
                }
                rows.rows().filter_map(|row| self.routes.id(row)).collect()
            }
        };
        self.steps += routes.len();
        routes
    }

    fn input_of(&self, route: Id<Route>, root: &str, name: &str) -> Option<Attribute> {
        let route = &self.routes[route];
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

    fn no_input(&mut self, root: &str, name: &Text, route: Id<Route>, given: Option<&Attribute>) {
        let written = self.route_name(route);
        let span = self.routes[route].span;
        let shape = match (root, self.routes[route].body, self.routes[route].query) {
            ("body", BodyRule::Shape(shape), _) | ("query", _, Some(shape)) => Some(shape),
            _ => None,
        };
        if let (None, Some(shape)) = (given, shape) {
            let shape = &self.shapes.table[shape];
            let known: Vec<String> = shape.fields.iter().map(|field| field.name.clone()).collect();
            let message = format!("the schema `{}` of `{written}` has no field `{}`", shape.name, name.node);
            let error = self.no_such(&message, &name.node, name.span, &known);
            self.report_once(error);
            return;
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
        self.report_once(
            Diagnostic::error("unknown_attribute", name.span, message)
                .also(span, "this is for that route, too")
                .help(help),
        );
    }

    /// A named condition, checked where it is used.
    fn condition_named(&mut self, name: &Text, view: &View<'_>, guards: &Guards<'_>) -> Option<Typed> {
        let Some((row, (_, condition))) = self.names.conditions.get(&name.node) else {
            self.no_condition(name, view);
            return None;
        };
        let expression = &condition.expression;
        let id: Id<Condition> = self.conditions.id(row)?;
        self.condition_here(id, expression, view, guards).then(|| Typed::there(Expr::Condition(id), Type::Bool))
    }

    fn no_condition(&mut self, name: &Text, view: &View<'_>) {
        if view.roots().contains(&name.node.as_str()) {
            let message = format!("`{}` isn't a value", name.node);
            let help = match name.node.as_str() {
                "user" => "read something of it, such as `user.id`; whether there is one says `has(user)`".to_owned(),
                root => format!("read something of it: `{root}.NAME`"),
            };
            self.report_once(Diagnostic::error("not_a_value", name.span, message).help(help));
            return;
        }
        if worth_suggesting(&self.diagnostics) {
            self.names.conditions.find(name, &mut self.diagnostics);
        } else {
            let message = format!("there is no condition `{}`", name.node);
            self.report_once(
                Diagnostic::error("unknown_condition", name.span, message).help("declare `condition NAME = …`"),
            );
        }
    }
}

/// Behind a guard, neither absence nor `null` is in question.
fn narrow(typed: &mut Typed, guards: &Guards<'_>, path: &[&str]) {
    if !guards.hold(&path.join(".")) {
        return;
    }
    typed.guarded = typed.optional || matches!(typed.ty, Type::Nullable(_));
    typed.optional = false;
    if let Type::Nullable(inner) = &typed.ty {
        typed.ty = (**inner).clone();
    }
}
