//! Entities and what they lie in: made once, and told to both engines.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

/// An entity's name: `Document::"doc_3"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid {
    /// The kind of entity.
    pub kind: &'static str,
    /// Its id among those of its kind.
    pub id: String,
}

impl Uid {
    /// The entity of a kind and an id.
    pub fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// An attribute's value.
#[derive(Debug, Clone)]
pub enum Attribute {
    /// No entity: a text, a bool, a set of records.
    Plain(Value),
    /// An entity.
    Link(Uid),
    /// A set of entities.
    Links(Vec<Uid>),
}

/// An entity: its attributes, and what it lies in.
#[derive(Debug, Clone)]
pub struct Entity {
    /// Its name.
    pub uid: Uid,
    /// Its attributes, by name.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Its direct parents, which needn't be entities of the graph.
    pub parents: Vec<Uid>,
}

impl Entity {
    /// An entity without attributes.
    pub fn new(uid: Uid, parents: Vec<Uid>) -> Self {
        Self { uid, attributes: Vec::new(), parents }
    }

    /// With an attribute more.
    pub fn with(mut self, name: &'static str, value: Attribute) -> Self {
        self.attributes.push((name, value));
        self
    }

    /// The entity that an attribute names.
    pub fn link(&self, name: &str) -> &Uid {
        match self.attribute(name) {
            Attribute::Link(uid) => uid,
            other => panic!("`{name}` is one entity, not {other:?}"),
        }
    }

    /// The ids of the entities that an attribute names.
    pub fn ids(&self, name: &str) -> Vec<&str> {
        match self.attribute(name) {
            Attribute::Links(uids) => uids.iter().map(|uid| uid.id.as_str()).collect(),
            other => panic!("`{name}` is a set of entities, not {other:?}"),
        }
    }

    /// An attribute that is no entity.
    pub fn plain(&self, name: &str) -> &Value {
        match self.attribute(name) {
            Attribute::Plain(value) => value,
            other => panic!("`{name}` is plain, not {other:?}"),
        }
    }

    fn attribute(&self, name: &str) -> &Attribute {
        let found = self.attributes.iter().find(|(known, _)| *known == name);
        &found.unwrap_or_else(|| panic!("{:?} has an attribute `{name}`", self.uid)).1
    }
}

/// All entities of a world.
#[derive(Debug, Default)]
pub struct Graph {
    entities: Vec<Entity>,
    places: HashMap<Uid, usize>,
}

impl Graph {
    /// Adds an entity, whose name is new.
    pub fn add(&mut self, entity: Entity) {
        let earlier = self.places.insert(entity.uid.clone(), self.entities.len());
        assert!(earlier.is_none(), "{:?} stands once in the graph", entity.uid);
        self.entities.push(entity);
    }

    /// The entity of a name.
    pub fn get(&self, uid: &Uid) -> Option<&Entity> {
        self.places.get(uid).map(|place| &self.entities[*place])
    }

    /// The entities of a kind, in the order added.
    pub fn of(&self, kind: &str) -> impl Iterator<Item = &Entity> {
        self.entities.iter().filter(move |entity| entity.uid.kind == kind)
    }

    /// The ids of everything of some kinds that an entity lies in, directly or not. What isn't in the graph lies in nothing.
    pub fn above<'g>(&'g self, entity: &'g Entity, kinds: &[&str]) -> Vec<&'g str> {
        let mut found: BTreeSet<&'g Uid> = BTreeSet::new();
        let mut due: Vec<&Uid> = entity.parents.iter().collect();
        while let Some(uid) = due.pop() {
            if found.insert(uid) {
                due.extend(self.get(uid).into_iter().flat_map(|parent| &parent.parents));
            }
        }
        found.into_iter().filter(|uid| kinds.contains(&uid.kind)).map(|uid| uid.id.as_str()).collect()
    }

    /// Cedar's entities in JSON, with direct parents alone: what lies above them is Cedar's to find.
    pub fn json(&self) -> Value {
        let name = |uid: &Uid| json!({ "type": uid.kind, "id": uid.id });
        let link = |uid: &Uid| json!({ "__entity": name(uid) });
        let entity = |entity: &Entity| {
            let attributes = entity.attributes.iter().map(|(attribute, value)| {
                let value = match value {
                    Attribute::Plain(value) => value.clone(),
                    Attribute::Link(uid) => link(uid),
                    Attribute::Links(uids) => uids.iter().map(link).collect(),
                };
                ((*attribute).to_owned(), value)
            });
            let attributes: Map<String, Value> = attributes.collect();
            let parents: Vec<Value> = entity.parents.iter().map(name).collect();
            json!({ "uid": name(&entity.uid), "attrs": attributes, "parents": parents })
        };
        self.entities.iter().map(entity).collect()
    }
}
