//! PERMS, roles, scopes and the rules at the top.

use std::collections::BTreeSet;

use super::expression::boolean;
use super::{Model, Permission, RuleModel};
use crate::choices::Choices;

/// PERMS as written, and what they speak of.
struct Perms {
    text: String,
    permissions: BTreeSet<Permission>,
    /// True if a bare `*` is one of them.
    doors: bool,
}

impl Model {
    pub(super) fn every_permission(&self) -> BTreeSet<Permission> {
        let of = |resource: &super::Resource| -> Vec<Permission> {
            resource.actions.iter().map(|action| (resource.name.clone(), action.clone())).collect()
        };
        self.resources.iter().flat_map(of).collect()
    }

    fn perms(&self, choices: &mut Choices<'_>) -> Perms {
        let mut perms = self.pattern(choices);
        if choices.chance(20) {
            let second = self.pattern(choices);
            if second.permissions.is_subset(&perms.permissions) {
                return perms;
            }
            perms.text = format!("{}, {}", perms.text, second.text);
            perms.permissions.extend(second.permissions);
            perms.doors |= second.doors;
        }
        if choices.chance(20) {
            let within: Vec<Permission> = perms.permissions.iter().cloned().collect();
            let out = choices.one(&within).clone();
            if within.len() > 1 {
                perms.text = format!("{} except {}:{}", perms.text, out.0, out.1);
                perms.permissions.remove(&out);
            }
        }
        perms
    }

    fn pattern(&self, choices: &mut Choices<'_>) -> Perms {
        let resource = choices.one(&self.resources);
        let action = choices.one(&resource.actions);
        let every = self.every_permission();
        let only = |keep: &dyn Fn(&Permission) -> bool| every.iter().filter(|it| keep(it)).cloned().collect();
        match choices.below(10) {
            0..=3 => Perms {
                text: format!("{}:{action}", resource.name),
                permissions: only(&|it| it.0 == resource.name && it.1 == *action),
                doors: false,
            },
            4 | 5 => Perms {
                text: format!("{}:*", resource.name),
                permissions: only(&|it| it.0 == resource.name),
                doors: false,
            },
            6 => Perms { text: format!("*:{action}"), permissions: only(&|it| it.1 == *action), doors: false },
            7 => {
                let mut actions = choices.some(&resource.actions, 50);
                if actions.is_empty() {
                    actions.push(action.clone());
                }
                Perms {
                    text: format!("{}:[{}]", resource.name, actions.join(", ")),
                    permissions: only(&|it| it.0 == resource.name && actions.contains(&it.1)),
                    doors: false,
                }
            }
            8 => Perms { text: "*".to_owned(), permissions: every.clone(), doors: true },
            _ => Perms { text: "reading".to_owned(), permissions: only(&|it| it.1 == "read"), doors: false },
        }
    }

    /// ` when …`, or nothing.
    fn when(
        &mut self,
        choices: &mut Choices<'_>,
        perms: Perms,
        anonymous: bool,
        grants: bool,
        certainly: bool,
    ) -> String {
        let resources: BTreeSet<&str> = perms.permissions.iter().map(|(resource, _)| resource.as_str()).collect();
        let resources: Vec<&str> = resources.into_iter().collect();
        let place = self.place(&resources, anonymous);
        let when = match certainly || choices.chance(60) {
            true => format!(" when {}", boolean(choices, &place, 2)),
            false => String::new(),
        };
        let by_name = |named: &super::Named| named.resource.is_some() && super::mentions(&when, &named.name);
        let reads_resource = when.contains("resource.") || self.conditions.iter().any(by_name);
        self.rules.push(RuleModel { grants, permissions: perms.permissions, reads_resource, doors: perms.doors });
        when
    }

    /// Declares the permissions of anonymous callers. Later declarations depend on them.
    pub(super) fn open(&mut self, choices: &mut Choices<'_>) {
        self.line("permissions reading = *:read");
        for index in 0..choices.below(4) {
            self.roles.push(["reader", "writer", "\"org:admin\""][index].to_owned());
        }
        self.scopes = ["red", "write:all"][..choices.below(3)].iter().map(|name| (*name).to_owned()).collect();
        for _ in 0..choices.below(3) {
            let perms = self.perms(choices);
            self.anyone.extend(perms.permissions.iter().cloned());
            let text = perms.text.clone();
            let when = self.when(choices, perms, true, true, false);
            self.line(&format!("allow anyone {text}{when}"));
        }
    }

    pub(super) fn roles(&mut self, choices: &mut Choices<'_>) {
        for (index, role) in self.roles.clone().iter().enumerate() {
            let parents = choices.some(&self.roles[..index], 50);
            let extends = if parents.is_empty() { String::new() } else { format!(" extends {}", parents.join(", ")) };
            let grants = self.grants(choices);
            self.line(&format!("role {role}{extends} {{\n{grants}}}"));
        }
        for scope in self.scopes.clone() {
            let grants = self.grants(choices);
            self.line(&format!("scope \"{scope}\" {{\n{grants}}}"));
        }
    }

    fn grants(&mut self, choices: &mut Choices<'_>) -> String {
        let count = 1 + choices.below(3);
        let mut grants = String::new();
        for _ in 0..count {
            let perms = self.perms(choices);
            let text = perms.text.clone();
            let when = self.when(choices, perms, false, true, false);
            grants.push_str(&format!("  allow {text}{when}\n"));
        }
        grants
    }

    pub(super) fn top(&mut self, choices: &mut Choices<'_>) {
        for _ in 0..choices.below(3) {
            let perms = self.perms(choices);
            let text = perms.text.clone();
            let when = self.when(choices, perms, false, true, false);
            self.line(&format!("allow {text}{when}"));
        }
        for _ in 0..choices.below(3) {
            let perms = self.perms(choices);
            let text = perms.text.clone();
            let anonymous = perms.permissions.iter().any(|permission| self.anyone.contains(permission));
            let when = self.when(choices, perms, anonymous, false, true);
            let because = if choices.chance(30) { " because \"it is so\"" } else { "" };
            self.line(&format!("forbid {text}{when}{because}"));
        }
        if choices.chance(25) {
            self.reading_body(choices);
        }
    }

    /// A rule that reads `body`, of one permission: every door that requires it takes one.
    fn reading_body(&mut self, choices: &mut Choices<'_>) {
        let every: Vec<Permission> = self.every_permission().into_iter().collect();
        let permission = choices.one(&every).clone();
        let mut place = self.place(&[permission.0.as_str()], self.anyone.contains(&permission));
        super::input(&mut place, "body");
        let test = boolean(choices, &place, 2);
        let effect = *choices.one(&["allow", "forbid"]);
        if effect == "allow" && place.anonymous || !super::mentions(&test, "body") {
            return;
        }
        let rule = format!("{effect} {}:{} when {test}", permission.0, permission.1);
        let by_name = |named: &super::Named| named.resource.is_some() && super::mentions(&test, &named.name);
        let reads_resource = test.contains("resource.") || self.conditions.iter().any(by_name);
        let permissions = BTreeSet::from([permission.clone()]);
        self.rules.push(RuleModel { grants: effect == "allow", permissions, reads_resource, doors: false });
        self.reads_body = Some((permission, rule));
    }
}
