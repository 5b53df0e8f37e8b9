//! (C): the three workloads of Cedar's paper (Cutler et al., *Cedar*, OOPSLA 2024), from its public benchmark
//! `cedar-policy/cedar-examples`, `oopsla2024-benchmarks`. The models are theirs; policies, generators and adapters are our own.
//!
//! A world is one random graph of entities. Cedar gets it as it stands and finds for itself what lies above what; we get
//! what a host would supply: the same graph, followed to its end, as lists. Both are asked the same questions.

pub mod cedar;
pub mod gate;
pub mod gdrive;
pub mod github;
pub mod graph;
pub mod time;
pub mod tinytodo;

use portcullis::User;
use portcullis::facts::Record;
use serde_json::Value;

use crate::random::Random;

use graph::{Entity, Graph, Uid};

/// The percentage of possible connections between entities that exist, as in the paper.
const CONNECTED: usize = 5;

/// A workload: its policy in both languages, and the worlds that it is asked about.
pub struct Workload {
    /// Its name in the output.
    pub name: &'static str,
    /// Our policy.
    pub policy: &'static str,
    /// Cedar's.
    pub cedar: &'static str,
    /// The schema of Cedar's entities.
    pub schema: &'static str,
    /// The world of so many entities of a kind, by its seed.
    pub world: fn(usize, u64) -> World,
}

/// All of them, `gdrive` in both ways.
pub const ALL: [Workload; 4] = [
    Workload { name: "gdrive, faithful", world: gdrive::faithful, ..GDRIVE },
    Workload { name: "gdrive, mended", world: gdrive::mended, ..GDRIVE },
    Workload {
        name: "github",
        policy: include_str!("../../../../policies/workloads/github.gate"),
        cedar: include_str!("github.cedar"),
        schema: include_str!("github.cedarschema"),
        world: github::world,
    },
    Workload {
        name: "tinytodo",
        policy: include_str!("../../../../policies/workloads/tinytodo.gate"),
        cedar: include_str!("tinytodo.cedar"),
        schema: include_str!("tinytodo.cedarschema"),
        world: tinytodo::world,
    },
];

const GDRIVE: Workload = Workload {
    name: "gdrive",
    policy: include_str!("../../../../policies/workloads/gdrive.gate"),
    cedar: include_str!("gdrive.cedar"),
    schema: include_str!("gdrive.cedarschema"),
    world: gdrive::mended,
};

/// An action, by its names in both languages.
#[derive(Debug, Clone, Copy)]
pub struct Action {
    /// The id of Cedar's `Action`.
    pub cedar: &'static str,
    /// Our permission.
    pub permission: &'static str,
    /// The kind of entity that it is done to.
    pub to: &'static str,
}

/// One random graph, and what a host knows by it.
pub struct World {
    /// The entities.
    pub graph: Graph,
    /// The actions.
    pub actions: &'static [Action],
    /// Everyone who asks: the entities of the kind `User`, in their order.
    pub users: Vec<User>,
    /// Everything that is asked about, with its attributes.
    pub things: Vec<(Uid, Record)>,
}

/// May this user do this to that? Each is a place in the world's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The user.
    pub user: usize,
    /// The action.
    pub action: usize,
    /// To which thing.
    pub thing: usize,
}

impl World {
    /// The world of a graph: `user` and `thing` are what a host tells of each.
    fn new(
        graph: Graph,
        actions: &'static [Action],
        user: impl Fn(&Graph, &Entity) -> Record,
        thing: impl Fn(&Graph, &Entity) -> Record,
    ) -> Self {
        let told =
            |entity: &Entity| User { id: entity.uid.id.clone(), attributes: user(&graph, entity), ..User::default() };
        let users = graph.of("User").map(told).collect();
        let mut kinds: Vec<&str> = actions.iter().map(|action| action.to).collect();
        kinds.dedup();
        let entities = kinds.iter().flat_map(|kind| graph.of(kind));
        let told = |entity: &Entity| {
            let mut record = thing(&graph, entity);
            record.insert("id".to_owned(), Value::from(entity.uid.id.as_str()));
            (entity.uid.clone(), record)
        };
        let things = entities.map(told).collect();
        Self { graph, actions, users, things }
    }

    /// Questions as the paper asks them: any action, by any user, to anything that it can be done to.
    pub fn questions(&self, count: usize, seed: u64) -> Vec<Question> {
        let things: Vec<Vec<usize>> = self.actions.iter().map(|action| self.things_of(action).collect()).collect();
        let mut random = Random::new(seed);
        let question = |_| {
            let action = random.below(self.actions.len());
            Question { user: random.below(self.users.len()), action, thing: *random.pick(&things[action]) }
        };
        (0..count).map(question).collect()
    }

    /// Every question that there is.
    pub fn every_question(&self) -> Vec<Question> {
        let pairs = self.actions.iter().enumerate();
        let pairs = pairs.flat_map(|(action, declared)| self.things_of(declared).map(move |thing| (action, thing)));
        pairs
            .flat_map(|(action, thing)| (0..self.users.len()).map(move |user| Question { user, action, thing }))
            .collect()
    }

    fn things_of(&self, action: &Action) -> impl Iterator<Item = usize> {
        self.things.iter().enumerate().filter(|(_, (uid, _))| uid.kind == action.to).map(|(place, _)| place)
    }
}

/// Some of the first so many entities of a kind: those that another is connected to.
fn some(random: &mut Random, n: usize) -> Vec<usize> {
    (0..n).filter(|_| random.percent(CONNECTED)).collect()
}

fn names(kind: &'static str, prefix: &str, places: impl IntoIterator<Item = usize>) -> Vec<Uid> {
    places.into_iter().map(|place| Uid::new(kind, format!("{prefix}{place}"))).collect()
}

fn record<const N: usize>(attributes: [(&str, Value); N]) -> Record {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
