//! Lists of things to do, each with an owner, a team of readers and a team of editors.

use serde_json::{Value, json};

use super::graph::{Attribute, Entity, Graph, Uid};
use super::{Action, World, names, record, some};
use crate::random::Random;

const ACTIONS: &[Action] = &[
    Action { cedar: "CreateList", permission: "application:create_list", to: "Application" },
    Action { cedar: "GetLists", permission: "application:get_lists", to: "Application" },
    Action { cedar: "GetList", permission: "lists:get", to: "List" },
    Action { cedar: "UpdateList", permission: "lists:update", to: "List" },
    Action { cedar: "DeleteList", permission: "lists:delete", to: "List" },
    Action { cedar: "CreateTask", permission: "lists:create_task", to: "List" },
    Action { cedar: "UpdateTask", permission: "lists:update_task", to: "List" },
    Action { cedar: "DeleteTask", permission: "lists:delete_task", to: "List" },
    Action { cedar: "EditShares", permission: "lists:edit_shares", to: "List" },
];

/// The world of so many users, teams and lists each.
pub fn world(n: usize, seed: u64) -> World {
    let random = &mut Random::new(seed);
    let mut graph = Graph::default();
    let application = Uid::new("Application", "TinyTodo");
    graph.add(Entity::new(application.clone(), Vec::new()));
    let within = |mut parents: Vec<Uid>| {
        parents.push(application.clone());
        parents
    };
    for user in 0..n {
        let teams = names("Team", "team_", some(random, n));
        graph.add(Entity::new(Uid::new("User", format!("user_{user}")), within(teams)));
    }
    for team in 0..n {
        // Teams lie in earlier ones alone, so that none lies in itself.
        let teams = names("Team", "team_", some(random, team));
        graph.add(Entity::new(Uid::new("Team", format!("team_{team}")), within(teams)));
    }
    for list in 0..n {
        let mut one_of = |kind, prefix| Attribute::Link(Uid::new(kind, format!("{prefix}{}", random.below(n))));
        let name = format!("list_{list}");
        let entity = Entity::new(Uid::new("List", name.as_str()), within(Vec::new()))
            .with("owner", one_of("User", "user_"))
            .with("readers", one_of("Team", "team_"))
            .with("editors", one_of("Team", "team_"))
            .with("name", Attribute::Plain(Value::from(name)))
            .with("tasks", Attribute::Plain(tasks(random)));
        graph.add(entity);
    }
    let user = |graph: &Graph, user: &Entity| record([("teams", Value::from(graph.above(user, &["Team"])))]);
    let thing = |_: &Graph, thing: &Entity| match thing.uid.kind {
        "List" => record(["owner", "readers", "editors"].map(|name| (name, Value::from(thing.link(name).id.as_str())))),
        _ => record([]),
    };
    World::new(graph, ACTIONS, user, thing)
}

/// Up to fifty tasks, which no rule reads.
fn tasks(random: &mut Random) -> Value {
    let task = |random: &mut Random| {
        let state = if random.percent(50) { "Checked" } else { "Unchecked" };
        json!({ "id": random.below(1_000_000), "name": format!("task_{}", random.below(1_000_000)), "state": state })
    };
    (0..random.below(51)).map(|_| task(random)).collect()
}
