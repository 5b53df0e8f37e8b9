//! Repositories, organisations, teams, and a grant for each permission on each.

use serde_json::{Value, json};

use super::graph::{Attribute, Entity, Graph, Uid};
use super::{Action, World, names, record, some};
use crate::random::Random;

const ACTIONS: &[Action] = &[
    Action { cedar: "read", permission: "repositories:read", to: "Repository" },
    Action { cedar: "triage", permission: "repositories:triage", to: "Repository" },
    Action { cedar: "write", permission: "repositories:write", to: "Repository" },
    Action { cedar: "maintain", permission: "repositories:maintain", to: "Repository" },
    Action { cedar: "admin", permission: "repositories:admin", to: "Repository" },
];

const OF_REPOSITORIES: [&str; 5] = ["readers", "triagers", "writers", "maintainers", "admins"];
const OF_ORGANISATIONS: [&str; 3] = ["readers", "writers", "admins"];

/// The world of so many repositories, users, teams and organisations each.
pub fn world(n: usize, seed: u64) -> World {
    let random = &mut Random::new(seed);
    let mut graph = Graph::default();
    for organisation in 0..n {
        let parents = org_grants(random, n);
        add(
            &mut graph,
            Entity::new(Uid::new("Organization", format!("org_{organisation}")), parents),
            "OrgPermission",
            &OF_ORGANISATIONS,
        );
    }
    for repository in 0..n {
        let owner = Attribute::Link(Uid::new("Organization", format!("org_{}", random.below(n))));
        let entity = Entity::new(Uid::new("Repository", format!("repo_{repository}")), Vec::new()).with("owner", owner);
        add(&mut graph, entity, "RepoPermission", &OF_REPOSITORIES);
    }
    for team in 0..n {
        // Teams lie in earlier ones alone, so that none lies in itself.
        let mut parents = names("Team", "team_", some(random, team));
        parents.extend(repo_grants(random, n));
        graph.add(Entity::new(Uid::new("Team", format!("team_{team}")), parents));
    }
    for user in 0..n {
        let mut parents = repo_grants(random, n);
        parents.extend(names("Team", "team_", some(random, n)));
        parents.extend(names("Organization", "org_", some(random, n)));
        parents.extend(org_grants(random, n));
        graph.add(Entity::new(Uid::new("User", format!("user_{user}")), parents));
    }
    let user = |graph: &Graph, user: &Entity| {
        record([("grants", Value::from(graph.above(user, &["OrgPermission", "RepoPermission"])))])
    };
    let thing = |graph: &Graph, repository: &Entity| {
        let grant = |entity: &Entity, name: &str| Value::from(entity.link(name).id.as_str());
        let owner = graph.get(repository.link("owner")).expect("organisations are in the graph");
        let mut facts = record(OF_REPOSITORIES.map(|name| (name, grant(repository, name))));
        let owner = OF_ORGANISATIONS.map(|name| (name, grant(owner, name)));
        facts.insert("owner".to_owned(), json!(record(owner)));
        facts
    };
    World::new(graph, ACTIONS, user, thing)
}

/// Adds an entity with a grant for each permission on it.
fn add(graph: &mut Graph, mut entity: Entity, kind: &'static str, permissions: &[&'static str]) {
    for permission in permissions {
        let grant = Uid::new(kind, format!("{}_{permission}", entity.uid.id));
        graph.add(Entity::new(grant.clone(), Vec::new()));
        entity = entity.with(permission, Attribute::Link(grant));
    }
    graph.add(entity);
}

/// One grant each on some repositories.
fn repo_grants(random: &mut Random, n: usize) -> Vec<Uid> {
    let some = some(random, n);
    some.iter()
        .map(|place| Uid::new("RepoPermission", format!("repo_{place}_{}", random.pick(&OF_REPOSITORIES))))
        .collect()
}

/// One grant each on some organisations.
fn org_grants(random: &mut Random, n: usize) -> Vec<Uid> {
    let some = some(random, n);
    some.iter()
        .map(|place| Uid::new("OrgPermission", format!("org_{place}_{}", random.pick(&OF_ORGANISATIONS))))
        .collect()
}
