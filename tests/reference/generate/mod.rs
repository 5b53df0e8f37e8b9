//! Random policies that the checker accepts, and random scenes for them.

mod expression;
mod permissions;
mod routes;
mod scenes;
mod types;
mod who;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use expression::{Named, Place, Variable, boolean};
use types::{Attribute, Ty};

use crate::choices::Choices;
pub(crate) use scenes::scene;

type Permission = (String, String);

/// A policy's text, and what its scenes need to know of it.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) text: String,
    user: Vec<Attribute>,
    /// The mappings: whether each has `scopes`.
    mappings: Vec<bool>,
    /// The user's attributes as each mapping's claims.
    claims: Vec<Vec<Attribute>>,
    tiers: bool,
    context: Vec<Attribute>,
    resources: Vec<Resource>,
    roles: Vec<String>,
    scopes: Vec<String>,
    conditions: Vec<Named>,
    /// The permissions of `allow anyone`.
    anyone: BTreeSet<Permission>,
    /// The rules.
    rules: Vec<RuleModel>,
    doors: Vec<routes::Door>,
    /// The permission whose rule reads `body`, and that rule. It is written if a route requires the permission.
    reads_body: Option<(Permission, String)>,
}

#[derive(Debug, Clone)]
struct Resource {
    name: String,
    actions: Vec<String>,
    attributes: Vec<Attribute>,
}

#[derive(Debug)]
struct RuleModel {
    grants: bool,
    permissions: BTreeSet<Permission>,
    reads_resource: bool,
    doors: bool,
}

pub(crate) fn policy(choices: &mut Choices<'_>) -> Model {
    let mut model = Model::default();
    model.line("policy generated");
    model.things(choices);
    model.callers(choices);
    model.open(choices);
    model.conditions(choices);
    model.roles(choices);
    model.top(choices);
    model.routes(choices);
    model
}

impl Model {
    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").unwrap();
    }

    /// Resources, whose attributes share names, and the context.
    fn things(&mut self, choices: &mut Choices<'_>) {
        let pool = attributes(choices, "", 2 + 6);
        for index in 0..1 + choices.below(4) {
            let actions =
                ["read", "write", "delete", "share"][..1 + choices.below(4)].iter().map(|it| (*it).to_owned());
            let name = ["posts", "notes", "files", "teams"][index].to_owned();
            let resource = Resource { name, actions: actions.collect(), attributes: choices.some(&pool, 60) };
            let attributes: Vec<String> = resource.attributes.iter().map(Attribute::declaration).collect();
            self.line(&format!(
                "resource {} {{ actions {}\n  {}\n}}",
                resource.name,
                resource.actions.join(", "),
                attributes.join("\n  "),
            ));
            self.resources.push(resource);
        }
        self.context = attributes(choices, "", 4);
        if !self.context.is_empty() {
            let attributes: Vec<String> = self.context.iter().map(Attribute::declaration).collect();
            self.line(&format!("context {{ {} }}", attributes.join(", ")));
        }
    }

    /// Conditions that later ones and rules may use.
    fn conditions(&mut self, choices: &mut Choices<'_>) {
        for index in 0..choices.below(5) {
            let resource = if choices.chance(60) { Some(choices.one(&self.resources).clone()) } else { None };
            let anonymous = choices.chance(40);
            let names: Vec<&str> = resource.iter().map(|resource| resource.name.as_str()).collect();
            let mut place = self.place(&names, anonymous);
            let optional: Vec<String> = place
                .variables
                .iter()
                .filter(|variable| variable.optional && variable.ty != Ty::Nullable)
                .map(|variable| variable.path.clone())
                .collect();
            let guard =
                if !optional.is_empty() && choices.chance(30) { Some(choices.one(&optional).clone()) } else { None };
            // What a condition leaves to its guards reads nothing but that, so that it needs no more than one.
            let expression = match &guard {
                Some(path) => {
                    let variable = place.variables.iter().find(|variable| variable.path == *path).unwrap();
                    let present = Variable { optional: false, ..variable.clone() };
                    place.variables = vec![present.clone()];
                    expression::test(choices, &place, &present)
                }
                None => boolean(choices, &place, 2),
            };
            let name = format!("condition_{index}");
            self.line(&format!("condition {name} = {expression}"));
            let used = |part: &dyn Fn(&Named) -> bool| {
                self.conditions.iter().any(|named| part(named) && mentions(&expression, &named.name))
            };
            let reads_user = mentions(&expression, "user") || used(&|named| named.anonymous.is_some());
            let reads_resource = expression.contains("resource.") || used(&|named| named.resource.is_some());
            self.conditions.push(Named {
                name,
                anonymous: reads_user.then_some(anonymous),
                resource: resource.filter(|_| reads_resource).map(|resource| resource.name),
                guard,
            });
        }
    }

    /// The attributes that a rule over these resources may read.
    fn place(&self, resources: &[&str], anonymous: bool) -> Place {
        let mut place = Place { roles: self.roles.clone(), anonymous, ..Place::default() };
        let mut add = |path: String, ty: Ty, optional: bool| {
            place.variables.push(Variable { path, ty, optional, callers: false });
        };
        add("user.id".to_owned(), Ty::Text, anonymous);
        for attribute in &self.user {
            add(format!("user.{}", attribute.name), attribute.ty, attribute.optional || anonymous);
        }
        if self.mappings.contains(&true) && self.mappings.contains(&false) {
            add("user.scopes".to_owned(), Ty::Texts, true);
        }
        if self.tiers {
            add("user.tier".to_owned(), Ty::Tier, true);
        }
        for attribute in &self.context {
            add(format!("context.{}", attribute.name), attribute.ty, attribute.optional);
        }
        add("now".to_owned(), Ty::Time, false);
        add("client.ip".to_owned(), Ty::Ip, false);
        let spoken_of: Vec<&Resource> =
            self.resources.iter().filter(|resource| resources.contains(&resource.name.as_str())).collect();
        if !spoken_of.is_empty() {
            add("resource.id".to_owned(), Ty::Text, false);
        }
        let mut seen = BTreeSet::new();
        for attribute in spoken_of.iter().flat_map(|resource| &resource.attributes) {
            if seen.insert(&attribute.name) {
                let declares = |resource: &&Resource| resource.attributes.iter().any(|it| it.name == attribute.name);
                let everywhere = spoken_of.iter().all(declares);
                add(format!("resource.{}", attribute.name), attribute.ty, attribute.optional || !everywhere);
            }
        }
        let required = |path: &str| {
            let declared = self.user.iter().find(|attribute| path.strip_prefix("user.") == Some(&attribute.name));
            path == "user.id" || declared.is_some_and(|attribute| !attribute.optional)
        };
        for variable in &mut place.variables {
            variable.callers = anonymous && required(&variable.path);
        }
        // A nullable that is absent on some would need two guards.
        place.variables.retain(|variable| variable.ty != Ty::Nullable || !variable.optional);
        let fits = |named: &&Named| {
            named.anonymous.is_none_or(|it| it == anonymous)
                && named.resource.as_ref().is_none_or(|name| resources == [name.as_str()])
        };
        place.conditions = self.conditions.iter().filter(fits).cloned().collect();
        place
    }
}

/// The fields of the schema `Input`.
fn input(place: &mut Place, part: &str) {
    for (field, ty, optional) in
        [("n", Ty::Int, false), ("flag", Ty::Bool, false), ("kind", Ty::Status, false), ("s", Ty::Text, true)]
    {
        place.variables.push(Variable { path: format!("{part}.{field}"), ty, optional, callers: false });
    }
}

/// True if an expression contains a name.
fn mentions(expression: &str, name: &str) -> bool {
    expression.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
}

/// Attributes whose names contain their types.
fn attributes(choices: &mut Choices<'_>, prefix: &str, most: usize) -> Vec<Attribute> {
    let count = choices.below(most + 1);
    let attribute = |index: usize, choices: &mut Choices<'_>| {
        let ty = *choices.one(&Ty::ALL);
        let optional = ty != Ty::Nullable && choices.chance(40);
        Attribute { name: format!("{prefix}{}_{index}", format!("{ty:?}").to_lowercase()), ty, optional }
    };
    (0..count).map(|index| attribute(index, choices)).collect()
}
