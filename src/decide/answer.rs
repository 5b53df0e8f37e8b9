//! What diagrams ask, answered from what is known.

use crate::graph::{Answers, Question};
use crate::model::outcome::Outcomes;
use crate::model::value::Known;

use super::datum::Datum;
use super::evaluate::{Environment, evaluate, truth};

impl Answers for Environment<'_> {
    fn answer(&self, question: Question<'_>) -> u32 {
        let (policy, user) = (self.around.policy, self.around.user);
        let of_user = |holds: bool| u32::from(holds);
        match question {
            Question::HasUser => of_user(user.is_some()),
            Question::Capped => of_user(user.is_some_and(|user| user.scopes.is_some())),
            Question::Roles(roles) => of_user(user.is_some_and(|user| policy.role_sets.has_any(roles, &user.roles))),
            Question::Scopes(scopes) => {
                of_user(user.is_some_and(|user| policy.scope_sets.has_any(scopes, &user.known_scopes)))
            }
            Question::Class(path, domain) => match evaluate(path, self) {
                Known::Value(Datum::List(_) | Datum::Record(_)) => domain.of_parts(),
                Known::Value(value) => domain.class(&value.key()),
                Known::Absent => domain.absent(),
                Known::Unknown => domain.unknown(),
            },
            Question::Opaque(expr) => {
                let outcomes = truth(expr, self);
                match (outcomes.may(Outcomes::FALSE), outcomes.may(Outcomes::TRUE)) {
                    (true, false) => 0,
                    (false, true) => 1,
                    (false, false) => 2,
                    (true, true) => 3,
                }
            }
        }
    }
}
