//! Cedar, with everything prepared: policies parsed and validated, entities closed, requests built.

use std::collections::HashMap;
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet, Request, Schema,
    ValidationMode, Validator,
};

use super::graph::Uid;
use super::{Question, Workload, World};

/// Cedar in one world.
pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
}

impl Cedar {
    /// Prepares a world. The schema makes the entities of the actions, and vouches for all others.
    pub fn new(workload: &Workload, world: &World) -> Self {
        let (schema, _) = Schema::from_cedarschema_str(workload.schema).expect("the schema is well-formed");
        let policies = PolicySet::from_str(workload.cedar).expect("the policies are well-formed");
        let validator = Validator::new(schema.clone());
        let validated = validator.validate(&policies, ValidationMode::Strict);
        assert!(validated.validation_passed_without_warnings(), "{validated}");
        let entities =
            Entities::from_json_value(world.graph.json(), Some(&schema)).expect("the entities fit the schema");
        Self { authorizer: Authorizer::new(), policies, entities }
    }

    /// The requests that ask these questions.
    pub fn requests(&self, world: &World, questions: &[Question]) -> Vec<Request> {
        let mut types = HashMap::new();
        let mut name = |uid: &Uid| {
            let kind = types.entry(uid.kind).or_insert_with(|| EntityTypeName::from_str(uid.kind).expect("a name"));
            EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(&uid.id))
        };
        let users: Vec<EntityUid> = world.graph.of("User").map(|user| name(&user.uid)).collect();
        let things: Vec<EntityUid> = world.things.iter().map(|(uid, _)| name(uid)).collect();
        let actions: Vec<EntityUid> =
            world.actions.iter().map(|action| name(&Uid::new("Action", action.cedar))).collect();
        let request = |question: &Question| {
            let (user, action) = (users[question.user].clone(), actions[question.action].clone());
            Request::new(user, action, things[question.thing].clone(), Context::empty(), None)
                .expect("without a schema, none is wrong")
        };
        questions.iter().map(request).collect()
    }

    /// True if it allows a request.
    pub fn allows(&self, request: &Request) -> bool {
        self.authorizer.is_authorized(request, &self.policies, &self.entities).decision() == Decision::Allow
    }

    /// True if it allows a request; panics where a policy failed on it.
    pub fn allows_without_errors(&self, request: &Request) -> bool {
        let response = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        let errors: Vec<String> = response.diagnostics().errors().map(ToString::to_string).collect();
        assert!(errors.is_empty(), "{request:?}: {errors:?}");
        response.decision() == Decision::Allow
    }
}
