//! Answers the questions that decision diagrams ask.

use crate::collections::id_set::IdSet;
use crate::eval::attributes::{Attributes, Slots};
use crate::eval::context::{Environment, ResourceRef};
use crate::eval::evaluate::{evaluate, truth};
use crate::graph::{Assignment, Logic, Partition, Plan, Variable, VariableGroup};
use crate::model::operator::Operator;
use crate::model::truth::Truths;
use crate::model::value::{Known, Value};
use crate::typed::{Expr, Read, Role, Scope};
use crate::values::value_ref::ValueRef;

/// True if the plan comes out as *yes*.
pub(crate) fn satisfies(logic: &Logic, plan: Plan, environment: &Environment<'_>) -> bool {
    let slots = |attributes| match attributes {
        Some(Attributes::Slots(slots)) => Some(slots),
        Some(Attributes::Json(_)) | None => None,
    };
    let answers = EnvironmentAnswers {
        environment,
        user: slots(environment.context.user.map(|user| user.attributes())),
        context: slots(environment.context.host_context),
        resource: match environment.resource {
            ResourceRef::Of { attributes, .. } => slots(attributes),
            ResourceRef::None => None,
        },
    };
    logic.holds(plan, &answers)
}

pub(crate) fn answer(variable: Variable<'_>, environment: &Environment<'_>) -> u32 {
    EnvironmentAnswers { environment, user: None, context: None, resource: None }.class(variable)
}

/// Answers from an environment, and from those of its attributes that are converted already.
struct EnvironmentAnswers<'e> {
    environment: &'e Environment<'e>,
    user: Option<&'e Slots>,
    context: Option<&'e Slots>,
    resource: Option<&'e Slots>,
}

impl Assignment for EnvironmentAnswers<'_> {
    #[inline]
    fn has_user(&self) -> bool {
        self.environment.context.user.is_some()
    }

    #[inline]
    fn is_capped(&self) -> bool {
        self.environment.context.user.is_some_and(|user| user.scopes.is_some())
    }

    #[inline]
    fn has_role(&self, roles: IdSet<Role>) -> bool {
        let context = self.environment.context;
        context.user.is_some_and(|user| context.policy.role_sets.has_any(roles, &user.roles))
    }

    #[inline]
    fn has_scope(&self, scopes: IdSet<Scope>) -> bool {
        let context = self.environment.context;
        context.user.is_some_and(|user| context.policy.scope_sets.has_any(scopes, &user.known_scopes))
    }

    fn class(&self, variable: Variable<'_>) -> u32 {
        let environment = self.environment;
        match variable {
            Variable::HasUser => u32::from(self.has_user()),
            Variable::Capped => u32::from(self.is_capped()),
            Variable::Roles(roles) => u32::from(self.has_role(roles)),
            Variable::Scopes(scopes) => u32::from(self.has_scope(scopes)),
            Variable::Attribute(path, partition) => class_of(path, partition, environment),
            Variable::Opaque(expr) => match self.compare_slots(expr) {
                Some(holds) => u32::from(holds),
                None => {
                    let outcomes = truth(expr, environment);
                    match (outcomes.may(Truths::FALSE), outcomes.may(Truths::TRUE)) {
                        (true, false) => 0,
                        (false, true) => 1,
                        (false, false) => 2,
                        (true, true) => 3,
                    }
                }
            },
        }
    }

    #[inline]
    fn cached_class(&self, group: VariableGroup, row: u32) -> Option<u32> {
        let slots = match group {
            VariableGroup::User => self.user,
            VariableGroup::Context => self.context,
            VariableGroup::Resource => self.resource,
            VariableGroup::Request | VariableGroup::Input => None,
        };
        slots.and_then(|slots| slots.classes.get(row as usize)).copied()
    }
}

impl<'e> EnvironmentAnswers<'e> {
    /// A fast path for the most frequent comparisons, between converted attributes.
    fn compare_slots(&self, expr: &Expr) -> Option<bool> {
        let Expr::Binary(operator, left, right) = expr else { return None };
        let (Expr::Read(left), Expr::Read(right)) = (&**left, &**right) else { return None };
        match (operator, self.slot(left)?, self.slot(right)?) {
            (Operator::Equal, Slot::Text(left), Slot::Text(right)) => Some(left == right),
            (Operator::Contains, Slot::Value(Value::List(list)), Slot::Text(text)) => Some(list.holds_text(text)),
            (Operator::Intersects, Slot::Value(Value::List(left)), Slot::Value(Value::List(right))) => {
                Some(left.meets(right))
            }
            _ => None,
        }
    }

    /// The value of a read, if it is converted already.
    fn slot(&self, read: &Read) -> Option<Slot<'e>> {
        let context = self.environment.context;
        let known = match read {
            Read::UserId => return context.user.map(|user| Slot::Text(&user.id)),
            Read::ResourceId => match self.environment.resource {
                ResourceRef::Of { id: Some(id), .. } => return Some(Slot::Text(id)),
                ResourceRef::Of { id: None, .. } | ResourceRef::None => return None,
            },
            Read::UserAttribute(id) => self.user?.values.get(id.row()),
            Read::Context(id) => self.context?.values.get(id.row()),
            Read::Resource(name) => match self.environment.resource {
                ResourceRef::Of { resource, .. } => {
                    self.resource?.values.get(context.policy.resources[resource].slot(*name)?)
                }
                ResourceRef::None => None,
            },
            _ => None,
        };
        match known? {
            Known::Value(Value::String(text)) => Some(Slot::Text(text)),
            Known::Value(value) => Some(Slot::Value(value)),
            Known::Absent | Known::Unknown => None,
        }
    }
}

/// A converted value.
enum Slot<'e> {
    Text(&'e str),
    Value(&'e Value),
}

/// The class of an attribute's value.
pub(crate) fn class_of(path: &Expr, partition: &Partition, environment: &Environment<'_>) -> u32 {
    match evaluate(path, environment) {
        Known::Value(ValueRef::List(_) | ValueRef::Record(_)) => partition.composite(),
        Known::Value(value) => partition.class(&value.key()),
        Known::Absent => partition.absent(),
        Known::Unknown => partition.unknown(),
    }
}
