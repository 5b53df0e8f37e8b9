//! Paths.

use crate::check::expressions::typer::Typer;
use crate::check::expressions::{Site, Typed, View, known_names, may_be_null};
use crate::check::routes::path::METHODS;
use crate::check::suggest::suggest;
use crate::collections::table::Table;
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::Text;
use crate::typed::{Attribute, Expr, Read, Type};

const REQUEST: [&str; 6] = ["method", "path", "host", "origin", "header(\"…\")", "cookie(\"…\")"];

impl Typer<'_, '_> {
    pub(crate) fn path_read(&mut self, path: &[Text], site: Site<'_>) -> Option<Typed> {
        let (mut typed, used) = self.root(path, site)?;
        let mut so_far: Vec<&str> = path.iter().take(used).map(|name| name.node.as_str()).collect();
        narrow(&mut typed, site, &so_far);
        for name in path.iter().skip(used) {
            let field = self.field_of(&typed, name, &so_far)?;
            so_far.push(&name.node);
            let read = Expr::Field(Box::new(typed.expr), name.node.clone());
            typed = Typed::new(read, field.ty, typed.optional || field.optional);
            narrow(&mut typed, site, &so_far);
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
            let known = inner.field_names(&self.shapes.table);
            let error = if known.is_empty() {
                let message = format!("`{whole}` is {}, which has no fields", self.a_type(inner));
                Diagnostic::error("unknown_attribute", name.span, message).help(format!("read `{whole}` itself"))
            } else {
                self.no_such(&format!("`{whole}` has no field `{}`", name.node), name, known.into_iter())
            };
            self.report_once(error);
        }
        field
    }

    /// Types the first words of a path. Returns their number, too.
    fn root(&mut self, path: &[Text], site: Site<'_>) -> Option<(Typed, usize)> {
        let view = site.view;
        let (first, rest) = path.split_first()?;
        if let Some(siblings) = view.siblings
            && let Some(field) = siblings.get(&first.node)
        {
            let read = Typed::attribute(Read::Sibling(first.node.clone()), field);
            return Some((read, 1));
        }
        if first.node == "now" && view.roots().contains(&"now") {
            if rest.is_empty() {
                return Some((Typed::present(Expr::Read(Read::Now), Type::Timestamp), 1));
            }
            let message = "`now` is a `timestamp`, which has no fields";
            return self.refuse("unknown_attribute", first.span, message, "compare it with a time: `now < …`");
        }
        if view.conditions && rest.is_empty() {
            return self.condition_named(first, site).map(|typed| (typed, 1));
        }
        if !view.roots().contains(&first.node.as_str()) {
            return self.no_root(path, view);
        }
        let Some(name) = rest.first() else {
            return self.not_a_value(first);
        };
        let typed = match first.node.as_str() {
            "claims" => self.claim(name, view),
            "account" => self.account(name),
            "user" => self.user(name, site),
            "resource" => self.resource(name, view),
            "context" => self.context_attribute(name),
            "request" => self.request(name),
            "client" if name.node == "ip" => Some(Typed::present(Expr::Read(Read::ClientIp), Type::Ip)),
            "client" => {
                let message = format!("`client` has no attribute `{}`", name.node);
                let error = self.no_such(&message, name, ["ip"].into_iter());
                self.report_once(error);
                None
            }
            root => self.input(root, name, view),
        };
        typed.map(|typed| (typed, 2))
    }

    /// Reports a root without an attribute, such as `user` alone.
    pub(crate) fn not_a_value<T>(&mut self, root: &Text) -> Option<T> {
        let message = format!("`{}` isn't a value", root.node);
        let help = match root.node.as_str() {
            "user" => "read something of it, such as `user.id`; whether there is one says `has(user)`".to_owned(),
            root => format!("read something of it: `{root}.NAME`"),
        };
        self.refuse("not_a_value", root.span, message, help)
    }

    fn no_root<T>(&mut self, path: &[Text], view: &View<'_>) -> Option<T> {
        let words: Vec<&str> = path.iter().map(|name| name.node.as_str()).collect();
        let (first, last) = (path.first()?, path.last()?);
        let roots = view.roots();
        let siblings = view.siblings.into_iter().flat_map(|fields| fields.keys().map(String::as_str));
        let known: Vec<&str> = roots.iter().copied().chain(siblings).collect();
        let message = format!("`{}` can't be read in {}", words.join("."), view.place);
        let help = match suggest(&first.node, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if first.node == "resource" && view.place == "a route" => {
                "a route's own condition reads `resource` where the route has one `on RESOURCE(PARAMETER)`".to_owned()
            }
            None if view.claims.is_some() => "a mapping reads the token's claims: write `claims.NAME`".to_owned(),
            None if view.account => "an issued claim comes from the account: write `account.NAME`".to_owned(),
            None => known_names("what can be read here begins with", known.into_iter()),
        };
        self.refuse("unknown_name", first.span.to(last.span), message, help)
    }

    /// An error about an undeclared attribute, with the name that was probably meant.
    pub(crate) fn no_such<'n>(
        &self,
        message: &str,
        name: &Text,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> Diagnostic {
        let most = self.checker.findings.most_names();
        let known = || known.clone().take(most);
        let (name, span) = (name.node.as_str(), name.span);
        let meant = suggest(name, known());
        let error = Diagnostic::error("unknown_attribute", span, message).label("not declared");
        match meant {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None if known().next().is_none() => error.help("declare it, or read something that is declared"),
            None => error.help(known_names("declared are", known())),
        }
    }

    fn claim(&mut self, name: &Text, view: &View<'_>) -> Option<Typed> {
        let claims = view.claims.unwrap_or_default();
        let slot = view.claim_slots.get(name.node.as_str()).copied();
        let Some((slot, claim)) = slot.and_then(|slot| Some((slot, claims.get(slot)?))) else {
            let known = claims.iter().map(|claim| claim.name.as_str());
            let error = self.no_such(&format!("there is no claim `{}`", name.node), name, known);
            self.report_once(Diagnostic { code: "unknown_claim", ..error });
            return None;
        };
        Some(Typed::new(Expr::Read(Read::Claim(slot)), claim.ty.clone(), claim.optional))
    }

    fn account(&mut self, name: &Text) -> Option<Typed> {
        let (row, _) = self.checker.names.account.find(name, &self.checker.findings)?;
        // `None` for an attribute with an error, which is reported already.
        let attribute = self.attributes.account.get(row)?.as_ref()?;
        let read = Read::Account(Table::promised(row + 1).nth(row)?);
        Some(Typed::attribute(read, attribute))
    }

    fn context_attribute(&mut self, name: &Text) -> Option<Typed> {
        if let Some(id) = self.attributes.context_rows.get(&name.node).and_then(|row| self.attributes.context.id(*row))
        {
            return Some(Typed::attribute(Read::Context(id), &self.attributes.context[id]));
        }
        // A declared attribute without a row has an error in its type, which is reported already.
        if !self.checker.names.context.contains(&name.node) {
            // A block's condition is checked for each of its routes.
            self.report_once(self.checker.names.context.not_declared(name, usize::MAX));
        }
        None
    }

    fn request(&mut self, name: &Text) -> Option<Typed> {
        let present = |read, ty| Some(Typed::present(Expr::Read(read), ty));
        match name.node.as_str() {
            "method" => present(Read::Method, Type::Enum(METHODS.map(ToOwned::to_owned).into())),
            "path" => present(Read::Path, Type::String),
            "host" => present(Read::Host, Type::String),
            "origin" => Some(Typed::new(Expr::Read(Read::Origin), Type::String, true)),
            "header" | "cookie" => {
                let message = format!("`request.{}` wants a name", name.node);
                let help = format!("write `request.{}(\"NAME\")`", name.node);
                self.refuse("not_a_value", name.span, message, help)
            }
            _ => {
                let message = format!("`request` has no attribute `{}`", name.node);
                let error = self.no_such(&message, name, REQUEST.into_iter());
                self.report_once(error);
                None
            }
        }
    }
}

/// Narrows a read behind its guards: `has(x)` rules out absence, `x != null` rules out `null`, too.
fn narrow(typed: &mut Typed, site: Site<'_>, path: &[&str]) {
    let path = path.join(".");
    if typed.optional && site.covers(&path) {
        typed.optional = false;
        typed.guarded = true;
    }
    if let Type::Nullable(inner) = &typed.ty
        && site.covers(&format!("{path}!"))
    {
        typed.ty = (**inner).clone();
        typed.guarded = true;
    }
}
