//! Doors: one block of routes, and what a scene needs to know to come to them.

use super::expression::{Variable, boolean};
use super::types::Ty;
use super::{Model, Permission, input};
use crate::choices::Choices;

#[derive(Debug, Clone)]
pub(super) struct Door {
    pub(super) method: &'static str,
    pub(super) path: String,
    /// The resource that `on` names.
    pub(super) on: Option<String>,
    /// True if it takes the schema `Input`.
    pub(super) body: bool,
    pub(super) query: bool,
    public: bool,
    /// True if it requires the permission whose rule reads `body`.
    needs_body: bool,
}

const PATHS: [&str; 9] =
    ["/a", "/a/{id}", "/a/new", "/a/{id: int}", "/a/{id}/b", "/a/new/b", "/files/{*rest}", "/files/one", "/b/{id}"];
const METHODS: [&str; 4] = ["GET", "DELETE", "POST", "PUT"];

/// The access of a route.
enum Entry {
    Public,
    Authenticated,
    Requires(Vec<Permission>, bool),
}

impl Model {
    pub(super) fn routes(&mut self, choices: &mut Choices<'_>) {
        let prefix = *choices.one(&["/", "/v1"]);
        let mut lines = Vec::new();
        for path in PATHS {
            for method in METHODS {
                if choices.chance(25) {
                    lines.extend(self.route(choices, method, path));
                }
            }
        }
        if prefix != "/" {
            for door in &mut self.doors {
                door.path.insert_str(0, prefix);
            }
        }
        // A door that is open to all has no part in what a block asks.
        let default = match self.doors.iter().all(|door| !door.public) {
            true if choices.chance(30) => self.default(choices),
            _ => String::new(),
        };
        if self.doors.iter().any(|door| door.body || door.query) {
            self.line("schema Input { n: int, flag: bool, kind: \"draft\" | \"published\" | \"gone\", s?: string }");
        }
        if let Some((_, rule)) = self.reads_body.take_if(|_| self.doors.iter().any(|door| door.needs_body)) {
            self.line(&rule);
        }
        if !lines.is_empty() {
            self.line(&format!("routes {prefix} {{\n{default}{}\n}}", lines.join("\n")));
        }
    }

    /// The defaults of a block.
    fn default(&self, choices: &mut Choices<'_>) -> String {
        if !self.scopes.is_empty() && self.mappings.contains(&true) && choices.chance(50) {
            return format!("  scope \"{}\"\n", choices.one(&self.scopes));
        }
        let mut place = self.place(&[], false);
        place.variables.retain(|variable| !variable.path.starts_with("user."));
        place.conditions.clear();
        place.roles.clear();
        format!("  when {}\n", boolean(choices, &place, 1))
    }

    fn route(&mut self, choices: &mut Choices<'_>, method: &'static str, path: &'static str) -> Option<String> {
        let has_id = path.contains("{id");
        let entry = self.entry(choices, has_id)?;
        let mut line = format!("  {method} {path}");
        let mut on = None;
        let (resource, anonymous) = match &entry {
            Entry::Public => {
                line.push_str(" public");
                (None, true)
            }
            Entry::Authenticated => {
                line.push_str(" authenticated");
                (None, false)
            }
            Entry::Requires(permissions, any) => {
                let written: Vec<String> = permissions.iter().map(|(r, a)| format!("{r}:{a}")).collect();
                line.push_str(&format!(" requires {}{}", if *any { "any of " } else { "" }, written.join(", ")));
                let read = permissions.iter().find(|permission| self.reads_resource(permission));
                (read.map(|read| read.0.clone()), permissions.iter().any(|it| self.anyone.contains(it)))
            }
        };
        if let Some(resource) = resource {
            line.push_str(&format!(" on {resource}(id)"));
            on = Some(resource);
        }
        let public = matches!(entry, Entry::Public);
        let takes_body = matches!(method, "POST" | "PUT");
        let needs_body = match (&entry, &self.reads_body) {
            (Entry::Requires(permissions, _), Some((permission, _))) => permissions.contains(permission),
            _ => false,
        };
        if needs_body && !takes_body {
            return None;
        }
        let body = needs_body || takes_body && choices.chance(40);
        let query = choices.chance(20);
        line.push_str(match (takes_body, body) {
            (true, true) => " body Input",
            (true, false) => " no body",
            (false, _) => "",
        });
        line.push_str(if query { " query Input" } else { "" });
        if choices.chance(30) || body || query {
            let mut place = self.place(&[], anonymous);
            place.variables.retain(|variable| !anonymous || !variable.path.starts_with("user."));
            place.conditions.retain(|named| named.guard.is_none() && !(anonymous && named.anonymous.is_some()));
            if anonymous {
                place.roles.clear();
                place.anonymous = false;
            }
            if has_id {
                let ty = if path.contains("int") { Ty::Int } else { Ty::Text };
                place.variables.push(Variable { path: "params.id".to_owned(), ty, optional: false, callers: false });
            }
            if body {
                input(&mut place, "body");
            }
            if query {
                input(&mut place, "query");
            }
            line.push_str(&format!(" when {}", boolean(choices, &place, 1)));
        }
        if !public && !self.scopes.is_empty() && self.mappings.contains(&true) && choices.chance(20) {
            line.push_str(&format!(" scope \"{}\"", choices.one(&self.scopes)));
        }
        if !public && choices.chance(30) {
            line.push_str(" conceal");
        }
        self.doors.push(Door { method, path: path.to_owned(), on, body, query, public, needs_body });
        Some(line)
    }

    fn entry(&self, choices: &mut Choices<'_>, has_id: bool) -> Option<Entry> {
        // What `forbid *` reads of a resource isn't there at a door without one: no such door here.
        let resourceful = self.rules.iter().any(|rule| rule.doors && !rule.grants && rule.reads_resource);
        match choices.below(8) {
            6 => Some(Entry::Public),
            7 if !resourceful => Some(Entry::Authenticated),
            other => {
                let every: Vec<Permission> = self.every_permission().into_iter().collect();
                let mut permissions = vec![choices.one(&every).clone()];
                if other >= 4 {
                    let second = choices.one(&every).clone();
                    permissions.extend((!permissions.contains(&second)).then_some(second));
                }
                let reading: Vec<&Permission> = permissions.iter().filter(|it| self.reads_resource(it)).collect();
                let one_resource = reading.iter().all(|it| it.0 == reading[0].0);
                let any = other == 5 && permissions.len() > 1;
                (reading.is_empty() || has_id && one_resource).then_some(Entry::Requires(permissions, any))
            }
        }
    }

    fn reads_resource(&self, permission: &Permission) -> bool {
        self.rules.iter().any(|rule| rule.reads_resource && rule.permissions.contains(permission))
    }
}
