//! Portcullis in one world.

use jiff::Timestamp;
use portcullis::facts::Record;
use portcullis::permission::{PermissionId, Resource, Scene, SceneBuilder};
use portcullis::{Policy, Source, User};

use super::graph::Uid;
use super::{Question, Workload, World};

/// The compiled policy, and its permissions in the order of the world's actions.
pub struct Gate {
    policy: Policy,
    permissions: Vec<PermissionId>,
}

/// The users and things of a world, with every attribute resolved.
pub struct Prepared {
    scenes: Vec<Scene<'static>>,
    things: Vec<Resource<'static>>,
}

/// A question as a host has it at hand: the caller and the thing as they came from the database.
pub struct Asked<'w> {
    user: &'w User,
    permission: PermissionId,
    thing: &'w Record,
}

impl Gate {
    /// Compiles the policy, which has no warnings.
    pub fn new(workload: &Workload, world: &World) -> Self {
        let policy = Policy::compile(&[Source::new("workload.gate", workload.policy)]).expect("the policy compiles");
        assert_eq!(policy.warnings(), []);
        let permission = |name| policy.permission(name).expect("every action has its permission");
        let permissions = world.actions.iter().map(|action| permission(action.permission)).collect();
        Self { policy, permissions }
    }

    /// The questions, with facts as JSON.
    pub fn asked<'w>(&self, world: &'w World, questions: &[Question]) -> Vec<Asked<'w>> {
        let asked = |question: &Question| Asked {
            user: &world.users[question.user],
            permission: self.permissions[question.action],
            thing: &world.things[question.thing].1,
        };
        questions.iter().map(asked).collect()
    }

    /// True if the question is allowed.
    pub fn allows(&self, asked: &Asked<'_>) -> bool {
        let scene = self.scene(asked.user).build();
        self.policy.check(&scene, asked.permission, Some(&Resource::of(asked.thing))).is_allowed()
    }

    fn scene<'w>(&self, user: &'w User) -> SceneBuilder<'_, 'w> {
        self.policy.scene(Timestamp::UNIX_EPOCH).user(user)
    }

    /// A world's users and things, as Cedar's entities are: made before anything is asked.
    pub fn prepared(&self, world: &World) -> Prepared {
        let scenes = world.users.iter().map(|user| self.scene(user).prepare().into_owned());
        let kind = |uid: &Uid| {
            let about = world.actions.iter().find(|action| action.to == uid.kind).expect("something is done to it");
            about.permission.split_once(':').expect("a permission is a resource's").0
        };
        let thing = |(uid, record): &(Uid, Record)| self.policy.resource(kind(uid), record).expect("it is declared");
        Prepared { scenes: scenes.collect(), things: world.things.iter().map(thing).collect() }
    }

    /// True if the question of a prepared world is allowed.
    pub fn allows_prepared(&self, world: &Prepared, question: &Question) -> bool {
        let Question { user, action, thing } = *question;
        self.policy.check(&world.scenes[user], self.permissions[action], Some(&world.things[thing])).is_allowed()
    }
}
