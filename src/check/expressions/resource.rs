//! Attributes of the caller and of the resource.

use crate::check::expressions::typer::Typer;
use crate::check::expressions::{Caller, Site, Typed, View};
use crate::collections::row_set::RowSet;
use crate::collections::table::Id;
use crate::model::diagnostic::Diagnostic;
use crate::syntax::tree::Text;
use crate::typed::{Attribute, Expr, Read, Resource, Type};

impl Typer<'_, '_> {
    /// `user.x`, which is absent for an anonymous caller.
    pub(crate) fn user(&mut self, name: &Text, site: Site<'_>) -> Option<Typed> {
        let guarded = site.view.user == Some(Caller::Perhaps);
        let anonymous = guarded && !site.covers("user");
        let read =
            |read, ty, optional| Some(Typed { guarded, ..Typed::new(Expr::Read(read), ty, optional || anonymous) });
        match name.node.as_str() {
            "id" => return read(Read::UserId, Type::String, false),
            "tier" => {
                let tiers = &self.caller.tiers;
                let ty = if tiers.is_empty() { Type::String } else { Type::Enum(tiers.clone()) };
                return read(Read::UserTier, ty, true);
            }
            "scopes" => return read(Read::UserScopes, Type::List(Box::new(Type::String)), !self.caller.all_capped),
            "token" => {
                return read(Read::UserToken, Type::Enum(self.caller.tokens.clone()), false);
            }
            "roles" => {
                let help = "ask for a role with `user is ROLE`, or make an attribute in `user from`";
                return self.refuse("roles_read", name.span, "`user.roles` can't be read as a value", help);
            }
            _ => {}
        }
        if let Some(id) = self.caller.rows.get(&name.node).and_then(|row| self.caller.attributes.id(*row)) {
            let attribute = &self.caller.attributes[id];
            return read(Read::UserAttribute(id), attribute.ty.clone(), attribute.optional);
        }
        if !self.is_broken(&name.node) {
            let known = ["id", "tier", "scopes", "token"]
                .into_iter()
                .chain(self.caller.attributes.iter().map(|attribute| attribute.name.as_str()));
            let error = self.no_such(&format!("`user` has no attribute `{}`", name.node), name, known);
            self.report_once(error);
        }
        None
    }

    /// `resource.x`, which is absent for a resource that doesn't declare it.
    pub(crate) fn resource(&mut self, name: &Text, view: &View<'_>) -> Option<Typed> {
        if name.node == "id" {
            let doors = view.resources.as_ref().is_some_and(|(_, doors)| *doors);
            return Some(Typed::new(Expr::Read(Read::ResourceId), Type::String, doors));
        }
        let (rows, doors) = view.resources.as_ref()?;
        // Visit the resources in view, or those that declare the attribute, whichever are fewer.
        let declaring = self.attributes.declaring.get(&name.node).map(Vec::as_slice).unwrap_or_default();
        let in_view = rows.len();
        let of_row = |row: usize| self.attributes.resources.id(row).map(|id| (id, &self.attributes.resources[id]));
        let candidates: Vec<(Id<Resource>, &Attribute)> = if in_view < declaring.len() {
            let viewed = rows.rows().filter_map(of_row);
            viewed.filter_map(|(id, resource)| Some((id, resource.attributes.get(&name.node)?))).collect()
        } else {
            let viewed = declaring.iter().filter(|id| rows.contains(id.row()));
            viewed.filter_map(|id| Some((*id, self.attributes.resources[*id].attributes.get(&name.node)?))).collect()
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
        self.budget.spend(in_view.min(declaring.len()));
        if let Some((resource, one, other)) = clash {
            let resource = &self.attributes.resources[resource].name;
            let message = format!("`resource.{}` is {one} and, of `{resource}`, {other}", name.node);
            let help = "write a rule for each resource, or give the attribute one type";
            return self.refuse("type_mismatch", name.span, message, help);
        }
        let Some(attribute) = found else {
            if !self.is_broken(&name.node) {
                let error = self.no_attribute(name, rows);
                self.report_once(error);
            }
            return None;
        };
        let everywhere = declared_by == in_view && !doors;
        let read = Expr::Read(Read::Resource(*self.attributes.ids.get(&name.node)?));
        Some(Typed::new(read, attribute.ty, attribute.optional || !everywhere))
    }

    fn no_attribute(&self, name: &Text, rows: &RowSet) -> Diagnostic {
        let mut all =
            rows.rows().filter_map(|row| self.attributes.resources.id(row)).map(|id| &self.attributes.resources[id]);
        let (first, second) = (all.next(), all.next());
        let message = match (first, second) {
            (Some(only), None) => format!("the resource `{}` has no attribute `{}`", only.name, name.node),
            _ => format!("no resource here has an attribute `{}`", name.node),
        };
        let shown = first.into_iter().chain(second).chain(all).take(50);
        let known = shown.flat_map(|resource| resource.attributes.keys().map(String::as_str)).chain(["id"]);
        let known: Vec<&str> = known.collect();
        self.no_such(&message, name, known.into_iter())
    }
}
