//! Documents in folders, owners, and views for users and groups.

use serde_json::Value;

use super::graph::{Attribute, Entity, Graph, Uid};
use super::{Action, World, names, record, some};
use crate::random::Random;

const ACTIONS: &[Action] = &[
    Action { cedar: "read", permission: "documents:read", to: "Document" },
    Action { cedar: "write", permission: "documents:write", to: "Document" },
    Action { cedar: "share", permission: "documents:share", to: "Document" },
    Action { cedar: "changeOwner", permission: "documents:change_owner", to: "Document" },
    Action { cedar: "createDocument", permission: "folders:create_document", to: "Folder" },
];

/// The published workload: what may be viewed bears the views `User 3` and `Group 3`, and nobody has these, since the user's is called
/// `User user_3`. So no view ever grants anything.
pub fn faithful(n: usize, seed: u64) -> World {
    world(n, seed, ["User ", "Group "])
}

/// The intended workload: what may be viewed bears the views that users have.
pub fn mended(n: usize, seed: u64) -> World {
    world(n, seed, ["User user_", "Group group_"])
}

fn world(n: usize, seed: u64, views: [&str; 2]) -> World {
    let random = &mut Random::new(seed);
    let mut graph = Graph::default();
    let mut members = vec![Vec::new(); n];
    for user in 0..n {
        let groups = some(random, n);
        groups.iter().for_each(|group| members[*group].push(user));
        let view = Uid::new("View", format!("User user_{user}"));
        let entity = Entity::new(Uid::new("User", format!("user_{user}")), names("Group", "group_", groups))
            .with("view", Attribute::Link(view.clone()))
            .with("ownedDocuments", Attribute::Links(names("Document", "doc_", some(random, n))))
            .with("ownedFolders", Attribute::Links(names("Folder", "folder_", some(random, n))));
        graph.add(entity);
        graph.add(Entity::new(view, Vec::new()));
    }
    for (group, members) in members.into_iter().enumerate() {
        graph.add(Entity::new(Uid::new("Group", format!("group_{group}")), Vec::new()));
        // A group's view lies in those of its members, so that what bears it bears theirs.
        graph.add(Entity::new(Uid::new("View", format!("Group group_{group}")), names("View", "User user_", members)));
    }
    for document in 0..n {
        let parents = places(random, n, n, views);
        let public = Attribute::Plain(Value::from(random.percent(50)));
        graph.add(Entity::new(Uid::new("Document", format!("doc_{document}")), parents).with("public", public));
    }
    for folder in 0..n {
        // Folders lie in earlier ones alone, so that none lies in itself.
        let parents = places(random, folder, n, views);
        graph.add(Entity::new(Uid::new("Folder", format!("folder_{folder}")), parents));
    }
    let user = |_: &Graph, user: &Entity| {
        record([
            ("view", Value::from(user.link("view").id.as_str())),
            ("owned_documents", Value::from(user.ids("ownedDocuments"))),
            ("owned_folders", Value::from(user.ids("ownedFolders"))),
        ])
    };
    let thing = |graph: &Graph, thing: &Entity| match thing.uid.kind {
        "Document" => record([
            ("public", thing.plain("public").clone()),
            ("folders", Value::from(graph.above(thing, &["Folder"]))),
            ("views", Value::from(graph.above(thing, &["View"]))),
        ]),
        _ => record([]),
    };
    World::new(graph, ACTIONS, user, thing)
}

/// The folders that something lies in, of the first `folders`, and the views that it bears.
fn places(random: &mut Random, folders: usize, n: usize, [users, groups]: [&str; 2]) -> Vec<Uid> {
    let mut parents = names("Folder", "folder_", some(random, folders));
    parents.extend(names("View", users, some(random, n)));
    parents.extend(names("View", groups, some(random, n)));
    parents
}
