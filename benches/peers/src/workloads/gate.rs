//! Portcullis in one world.

use jiff::Timestamp;
use portcullis::{PermissionId, Policy, Record, Scene, Source, User, Verdict};

use super::{Question, Workload, World};

/// The compiled policy, and its permissions in the order of the world's actions.
pub struct Gate {
    policy: Policy,
    permissions: Vec<PermissionId>,
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

    /// What is asked, with facts as JSON.
    pub fn asked<'w>(&self, world: &'w World, questions: &[Question]) -> Vec<Asked<'w>> {
        let asked = |question: &Question| Asked {
            user: &world.users[question.user],
            permission: self.permissions[question.action],
            thing: &world.things[question.thing].1,
        };
        questions.iter().map(asked).collect()
    }

    /// Whether it allows what is asked.
    pub fn allows(&self, asked: &Asked<'_>) -> bool {
        let scene = Scene { user: Some(asked.user), context: None, client: None, now: Timestamp::UNIX_EPOCH };
        self.policy.check(&scene, asked.permission, Some(asked.thing)).verdict == Verdict::Allow
    }
}
