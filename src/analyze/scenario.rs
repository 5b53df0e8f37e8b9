//! Which requests are looked at: who calls, what is asked about, and behind which door; and what can be read there.

use jiff::Timestamp;

use crate::analyze::solver::domain::Room;
use crate::analyze::synthetic_request::{SyntheticRecord, SyntheticRequest, SyntheticResource};
use crate::collections::table::Id;
use crate::graph::DecisionGraph;
use crate::model::operator::Operator;
use crate::model::value::{Known, Value};
use crate::schemas::validate::validate_default;
use crate::typed::schemas::{InputType, Shape};
use crate::typed::{
    Attribute, BodyRule, Expr, Mapping, ParameterType, PathSegment, Read, Resource, Role, Route, Type, TypedPolicy,
};

/// Requests of one kind, all of which an analysis goes through.
pub(crate) struct Scenario<'p> {
    pub(crate) policy: &'p TypedPolicy,
    pub(crate) graph: &'p DecisionGraph,
    pub(crate) caller: Caller,
    /// What is asked about, by number.
    pub(crate) things: Vec<Thing>,
    /// The door; without one, nothing can be read of the request itself.
    pub(crate) route: Option<Id<Route>>,
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Nobody,
    /// On the host's word, so that no token says who it is.
    Vouched,
    /// By a token, out of which the mapping of this number makes them.
    Mapped(usize),
}

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Thing {
    None,
    /// Nobody said which one.
    Unnamed(Id<Resource>),
    Of(Id<Resource>),
    /// The one that a parameter of the path names.
    Named(Id<Resource>, String),
}

impl Thing {
    pub(crate) fn is_of(&self, kind: Id<Resource>) -> bool {
        match self {
            Self::None => false,
            Self::Unnamed(resource) | Self::Of(resource) | Self::Named(resource, _) => *resource == kind,
        }
    }
}

/// Which roles a caller can have.
pub(crate) enum Roles {
    /// Any.
    Any,
    These(Vec<Id<Role>>),
    /// Nobody can say which.
    Odd,
}

/// The time of made-up requests.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

impl<'p> Scenario<'p> {
    pub(crate) fn route(&self) -> Option<&'p Route> {
        self.route.map(|route| &self.policy.routes[route])
    }

    fn mapping(&self) -> Option<&'p Mapping> {
        match self.caller {
            Caller::Mapped(at) => self.policy.mappings.get(at),
            Caller::Nobody | Caller::Vouched => None,
        }
    }

    pub(crate) fn has_user(&self) -> bool {
        self.caller != Caller::Nobody
    }

    /// A request of this kind of which nothing is known yet.
    pub(crate) fn trial(&self) -> SyntheticRequest<'p> {
        let thing = |thing: &Thing| match thing {
            Thing::None => SyntheticResource::None,
            Thing::Unnamed(resource) => SyntheticResource::Of(*resource, None),
            Thing::Of(resource) => SyntheticResource::Of(*resource, Some(SyntheticRecord::default())),
            Thing::Named(resource, parameter) => {
                SyntheticResource::Of(*resource, Some(SyntheticRecord::named(parameter)))
            }
        };
        let trial = SyntheticRequest::new(self.policy, NOW, self.things.iter().map(thing).collect(), self.route());
        if self.has_user() { trial.with_caller(self.mapping().map(|mapping| mapping.token)) } else { trial }
    }

    /// What a read stands for: the id of a thing that a parameter names is that parameter.
    pub(crate) fn same_as(&self, thing: usize, read: &Read) -> Option<Read> {
        match (read, self.things.get(thing)) {
            (Read::ResourceId, Some(Thing::Named(_, parameter))) => Some(Read::Param(parameter.clone())),
            (Read::Header(name), _) if *name == http::header::ORIGIN => Some(Read::Origin),
            _ => None,
        }
    }

    /// The caller's roles.
    pub(crate) fn roles(&self) -> Roles {
        let Some(mapping) = self.mapping() else {
            return if self.has_user() { Roles::Any } else { Roles::These(Vec::new()) };
        };
        match &mapping.roles {
            None => Roles::These(Vec::new()),
            Some(Expr::Read(Read::Claim(_))) => Roles::Any,
            Some(expr) => match texts(expr) {
                Some(names) => {
                    Roles::These(names.iter().filter_map(|name| self.policy.role_names.find(name)).collect())
                }
                None => Roles::Odd,
            },
        }
    }

    /// What a read can give.
    pub(crate) fn room(&self, thing: usize, read: &Read) -> Room<'p> {
        match read {
            Read::UserId | Read::UserTier | Read::UserScopes | Read::UserToken | Read::UserAttribute(_) => {
                if self.has_user() { self.of_user(read) } else { Room::absent() }
            }
            Read::Context(id) => Room::declared(&self.policy.context[*id]),
            Read::ClientIp => Room::of(Type::Ip).or_unknown(),
            Read::Now => Room::of(Type::Timestamp),
            Read::ResourceId | Read::Resource(_) => self.of_thing(thing, read),
            Read::Claim(_) | Read::Account(_) | Read::Sibling(_) => Room::unknown(),
            _ => self.route().map_or_else(Room::unknown, |route| self.of_call(route, read)),
        }
    }

    fn of_thing(&self, thing: usize, read: &Read) -> Room<'p> {
        let resource = match self.things.get(thing) {
            None | Some(Thing::None) => return Room::absent(),
            Some(Thing::Unnamed(resource)) => (*resource, false),
            Some(Thing::Of(resource) | Thing::Named(resource, _)) => (*resource, true),
        };
        match (resource, read) {
            ((_, true), Read::ResourceId) => Room::of(Type::String),
            ((_, false), Read::ResourceId) => Room::unknown(),
            ((resource, named), Read::Resource(name)) => {
                let declared = &self.policy.resources[resource];
                match declared.slot(*name).and_then(|slot| declared.attribute(slot)) {
                    None => Room::absent(),
                    Some(_) if !named => Room::unknown(),
                    Some(attribute) => Room::declared(attribute),
                }
            }
            _ => Room::unknown(),
        }
    }

    fn of_user(&self, read: &Read) -> Room<'p> {
        let policy = self.policy;
        let Some(mapping) = self.mapping() else {
            return match read {
                Read::UserId => Room::of(Type::String),
                Read::UserTier => self.tiers().or_absent(),
                Read::UserScopes => Room::of(Type::List(Box::new(Type::String))).or_absent(),
                Read::UserAttribute(id) => Room::declared(&policy.attributes[*id]),
                _ => Room::unknown(),
            };
        };
        match read {
            Read::UserId => self.made(&mapping.id, mapping, &Type::String),
            Read::UserTier => match &mapping.tier {
                None => Room::absent(),
                Some(Expr::Constant(Value::String(tier))) => Room::only(Value::String(tier.clone())),
                // A tier that the policy doesn't know counts as absent.
                Some(_) => self.tiers().or_absent(),
            },
            Read::UserScopes => match &mapping.scopes {
                None => Room::absent(),
                Some(Expr::Read(_)) => Room::of(Type::List(Box::new(Type::String))),
                Some(expr) => match texts(expr) {
                    Some(names) => {
                        let words = names.iter().flat_map(|name| name.split_ascii_whitespace());
                        Room::only(Value::List(words.map(|word| Value::String(word.to_owned())).collect()))
                    }
                    None => Room::of(Type::List(Box::new(Type::String))),
                },
            },
            Read::UserAttribute(id) => {
                let ty = &policy.attributes[*id].ty;
                let expr = mapping.attributes.get(id.row());
                expr.map_or_else(Room::unknown, |expr| self.made(expr, mapping, ty))
            }
            _ => Room::only(Value::String(policy.tokens[mapping.token].name.clone())),
        }
    }

    /// What a mapping can make of claims.
    fn made(&self, expr: &Expr, mapping: &Mapping, ty: &Type) -> Room<'p> {
        let claims = &self.policy.tokens[mapping.token].claims;
        match expr {
            Expr::Constant(value) => Room::only(value.clone()),
            Expr::Read(Read::Claim(slot)) => match claims.get(*slot) {
                Some(claim) if claim.optional => Room::of(ty.clone()).or_absent(),
                _ => Room::of(ty.clone()),
            },
            Expr::Coalesce(operands) => match operands.as_slice() {
                [Expr::Read(Read::Claim(_)), Expr::Constant(_)] => Room::of(ty.clone()),
                _ => Room::of(ty.clone()).or_absent(),
            },
            Expr::Binary(Operator::Add, prefix, claim) => match (&**prefix, &**claim) {
                (Expr::Constant(Value::String(prefix)), Expr::Read(Read::Claim(_))) => {
                    Room::of(Type::String).beginning(prefix.clone())
                }
                _ => Room::of(ty.clone()).or_absent(),
            },
            _ => Room::of(ty.clone()).or_absent(),
        }
    }

    fn tiers(&self) -> Room<'p> {
        Room::of(Type::Enum(self.policy.tiers.iter().map(|tier| tier.name.clone()).collect()))
    }

    fn of_call(&self, route: &'p Route, read: &Read) -> Room<'p> {
        match read {
            Read::Method => {
                let method = Value::String(route.method.as_str().to_owned());
                let has_own = |other: &Route| other.method == http::Method::HEAD && other.path == route.path;
                let heads = route.method == http::Method::GET && !self.policy.routes.iter().any(has_own);
                let also = heads.then(|| Value::String("HEAD".to_owned()));
                Room::among(std::iter::once(method).chain(also).map(Known::Value).collect())
            }
            Read::Host => Room::of(Type::String).or_unknown(),
            Read::Origin => Room::of(Type::String).or_absent().or_unknown(),
            Read::Header(_) | Read::Cookie(_) => Room::of(Type::String).or_absent().or_unknown(),
            Read::Param(name) => parameter(route, name),
            Read::Query(name) => self.of_input(route.query, name),
            Read::Body(name) => match route.body {
                BodyRule::Shape(shape) => self.of_input(Some(shape), name),
                BodyRule::Empty | BodyRule::Raw | BodyRule::Token(_) => Room::unknown(),
            },
            _ => Room::unknown(),
        }
    }

    fn of_input(&self, shape: Option<Id<Shape>>, name: &str) -> Room<'p> {
        let field = shape.and_then(|shape| self.policy.shapes[shape].fields.iter().find(|field| field.name == name));
        match field {
            Some(field) => Room::declared(&field.attribute()).ruled(&field.ty),
            None => Room::unknown(),
        }
    }

    /// Whether input passes the rules of its schema.
    pub(crate) fn is_valid_json(&self, rules: &InputType, json: &serde_json::Value) -> bool {
        validate_default(&self.policy.shapes, rules, json).is_ok()
    }

    /// Whether a value passes the rules of its schema as it stands.
    pub(crate) fn is_valid(&self, rules: &InputType, value: &Value) -> bool {
        let Ok(json) = serde_json::to_value(value) else { return false };
        validate_default(&self.policy.shapes, rules, &json).is_ok_and(|validated| validated.value == json)
    }

    /// The fields of a type, and which of them a path names.
    pub(crate) fn field(&self, ty: &Type, name: &str) -> Option<Attribute> {
        let ty = if let Type::Nullable(inner) = ty { inner } else { ty };
        ty.field(name, &self.policy.shapes)
    }
}

fn parameter<'p>(route: &Route, name: &str) -> Room<'p> {
    let ty = route.path.iter().find_map(|segment| match segment {
        PathSegment::Parameter { name: known, ty } if known == name => Some(*ty),
        PathSegment::Rest(known) if known == name => Some(ParameterType::Any),
        _ => None,
    });
    match ty {
        Some(ParameterType::Int) => Room::of(Type::Int),
        Some(ParameterType::Any) => Room::of(Type::String),
        Some(ParameterType::Uuid) => Room::of(Type::String).uuids(),
        None => Room::unknown(),
    }
}

/// Texts that are written out.
fn texts(expr: &Expr) -> Option<Vec<String>> {
    let text = |value: &Value| if let Value::String(text) = value { Some(text.clone()) } else { None };
    match expr {
        Expr::Constant(Value::List(items)) => items.iter().map(text).collect(),
        Expr::Constant(value) => Some(vec![text(value)?]),
        Expr::List(items) => {
            items.iter().map(|item| if let Expr::Constant(value) = item { text(value) } else { None }).collect()
        }
        _ => None,
    }
}
