//! Tokens, and the callers that mappings make of them.

use super::types::{Attribute, Ty};
use super::{Model, attributes};
use crate::choices::Choices;

impl Model {
    pub(super) fn callers(&mut self, choices: &mut Choices<'_>) {
        // What stands in for a nullable would be a question of its own.
        self.user = attributes(choices, "", 5).into_iter().filter(|it| it.ty != Ty::Nullable).collect();
        let mappings = 1 + choices.below(2);
        self.tiers = choices.chance(40);
        let scoped = choices.chance(50);
        self.mappings = (0..mappings).map(|index| scoped && (index == 1 || choices.chance(70))).collect();
        self.line(if mappings == 1 { "secret FIRST_KEY" } else { "secret FIRST_KEY, SECOND_KEY" });
        if self.tiers {
            self.line("tier \"free\" { 10 per 1m }\ntier \"pro\" { 100 per 1m }");
        }
        // Which attributes come from an optional claim: in one mapping is enough to make them optional.
        let optional: Vec<Vec<bool>> = self.user.iter().map(|it| sources(it.optional, mappings, choices)).collect();
        for index in 0..mappings {
            self.token(index, &optional);
            self.mapping(index, &optional, choices);
        }
    }

    fn token(&mut self, index: usize, optional: &[Vec<bool>]) {
        let name = ["first", "second"][index];
        let claims: Vec<Attribute> = self
            .user
            .iter()
            .zip(optional)
            .map(|(attribute, optional)| Attribute { optional: optional[index], ..attribute.clone() })
            .collect();
        let written: Vec<String> = claims.iter().map(Attribute::declaration).collect();
        self.claims.push(claims);
        self.line(&format!(
            "token {name} {{ algorithm HS256 key {}_KEY issuer \"{name}\" audience \"api\" lifetime 15m claims {{ sub: string, \
             roles: [string], scope: string, tier?: string\n  {} }} }}",
            name.to_uppercase(),
            written.join("\n  "),
        ));
    }

    fn mapping(&mut self, index: usize, optional: &[Vec<bool>], choices: &mut Choices<'_>) {
        let mut entries = vec![
            if index == 0 { "id = claims.sub" } else { "id = \"second:\" + claims.sub" }.to_owned(),
            "roles = claims.roles".to_owned(),
        ];
        if self.mappings[index] {
            entries.push("scopes = claims.scope".to_owned());
        }
        if self.tiers {
            entries.push("tier = claims.tier".to_owned());
        }
        for (attribute, optional) in self.user.clone().iter().zip(optional) {
            let name = &attribute.name;
            let claim = match (attribute.optional, optional[index]) {
                (false, true) => format!("claims.{name} ?? {}", attribute.ty.literal(choices)),
                _ => format!("claims.{name}"),
            };
            entries.push(format!("{name} = {claim}"));
        }
        self.line(&format!("user from {} {{\n  {}\n}}", ["first", "second"][index], entries.join("\n  ")));
    }
}

/// True for each mapping whose claim is optional. The attribute is optional then, or has a default.
fn sources(optional: bool, mappings: usize, choices: &mut Choices<'_>) -> Vec<bool> {
    let mut sources: Vec<bool> = (0..mappings).map(|_| choices.chance(30)).collect();
    if optional && !sources.contains(&true) {
        sources[0] = true;
    }
    sources
}
