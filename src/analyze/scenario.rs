//! Scenarios: the requests of one kind of caller, about certain resources, at a certain door; and the domains of their reads.

use jiff::Timestamp;

use crate::analyze::solver::domain::Domain;
use crate::analyze::synthetic_request::{SyntheticRecord, SyntheticRequest, SyntheticResource};
use crate::collections::table::Id;
use crate::graph::DecisionGraph;
use crate::model::operator::Operator;
use crate::model::value::{Known, Value};
use crate::schemas::validate::validate_default;
use crate::typed::schemas::{InputType, Shape};
use crate::typed::{
    BodyRule, Expr, Mapping, ParameterType, PathSegment, Read, Resource, Role, Route, Type, TypedPolicy,
};

/// All requests of one kind.
pub(crate) struct Scenario<'p> {
    pub(crate) policy: &'p TypedPolicy,
    pub(crate) graph: &'p DecisionGraph,
    pub(crate) caller: Caller,
    /// The resources that conditions are about, by number.
    pub(crate) instances: Vec<Instance>,
    /// Without a door, the method, the path and other parts of the request are unknown.
    pub(crate) route: Option<Id<Route>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Nobody,
    /// A caller that the host vouches for, without a token.
    Vouched,
    /// A caller with a token, mapped by the mapping of this number.
    Mapped(usize),
}

/// A resource that conditions are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Instance {
    None,
    /// Without an id and attributes.
    Unnamed(Id<Resource>),
    Of(Id<Resource>),
    /// Named by a parameter of the path.
    Named(Id<Resource>, String),
}

impl Instance {
    pub(crate) fn is_of(&self, kind: Id<Resource>) -> bool {
        match self {
            Self::None => false,
            Self::Unnamed(resource) | Self::Of(resource) | Self::Named(resource, _) => *resource == kind,
        }
    }
}

/// The roles that a caller can have.
pub(crate) enum RoleDomain {
    Any,
    Exactly(Vec<Id<Role>>),
    Unknown,
}

/// The time of synthetic requests.
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

    /// A request of this kind without values.
    pub(crate) fn request(&self) -> SyntheticRequest<'p> {
        let instance = |instance: &Instance| match instance {
            Instance::None => SyntheticResource::None,
            Instance::Unnamed(resource) => SyntheticResource::Of(*resource, None),
            Instance::Of(resource) => SyntheticResource::Of(*resource, Some(SyntheticRecord::default())),
            Instance::Named(resource, parameter) => {
                SyntheticResource::Of(*resource, Some(SyntheticRecord::named(parameter)))
            }
        };
        let request =
            SyntheticRequest::new(self.policy, NOW, self.instances.iter().map(instance).collect(), self.route());
        if self.has_user() { request.with_caller(self.mapping().map(|mapping| mapping.token)) } else { request }
    }

    /// The read that always has the same value: the parameter for the id of the resource that it names.
    pub(crate) fn same_as(&self, instance: usize, read: &Read) -> Option<Read> {
        match (read, self.instances.get(instance)) {
            (Read::ResourceId, Some(Instance::Named(_, parameter))) => Some(Read::Param(parameter.clone())),
            (Read::Header(name), _) if *name == http::header::ORIGIN => Some(Read::Origin),
            _ => None,
        }
    }

    pub(crate) fn roles(&self) -> RoleDomain {
        let Some(mapping) = self.mapping() else {
            return if self.has_user() { RoleDomain::Any } else { RoleDomain::Exactly(Vec::new()) };
        };
        match &mapping.roles {
            None => RoleDomain::Exactly(Vec::new()),
            Some(Expr::Read(Read::Claim(_))) => RoleDomain::Any,
            Some(expr) => match texts(expr) {
                Some(names) => {
                    RoleDomain::Exactly(names.iter().filter_map(|name| self.policy.role_names.find(name)).collect())
                }
                None => RoleDomain::Unknown,
            },
        }
    }

    pub(crate) fn domain(&self, instance: usize, read: &Read) -> Domain<'p> {
        match read {
            Read::UserId | Read::UserTier | Read::UserScopes | Read::UserToken | Read::UserAttribute(_) => {
                if self.has_user() { self.user_domain(read) } else { Domain::absent() }
            }
            Read::Context(id) => Domain::declared(&self.policy.context[*id]),
            Read::ClientIp => Domain::of(Type::Ip).or_unknown(),
            Read::Now => Domain::of(Type::Timestamp),
            Read::ResourceId | Read::Resource(_) => self.resource_domain(instance, read),
            Read::Claim(_) | Read::Account(_) | Read::Sibling(_) => Domain::unknown(),
            _ => self.route().map_or_else(Domain::unknown, |route| self.request_domain(route, read)),
        }
    }

    fn resource_domain(&self, instance: usize, read: &Read) -> Domain<'p> {
        let resource = match self.instances.get(instance) {
            None | Some(Instance::None) => return Domain::absent(),
            Some(Instance::Unnamed(resource)) => (*resource, false),
            Some(Instance::Of(resource) | Instance::Named(resource, _)) => (*resource, true),
        };
        match (resource, read) {
            ((_, true), Read::ResourceId) => Domain::of(Type::String),
            ((_, false), Read::ResourceId) => Domain::unknown(),
            ((resource, named), Read::Resource(name)) => {
                let declared = &self.policy.resources[resource];
                match declared.slot(*name).and_then(|slot| declared.attribute(slot)) {
                    None => Domain::absent(),
                    Some(_) if !named => Domain::unknown(),
                    Some(attribute) => Domain::declared(attribute),
                }
            }
            _ => Domain::unknown(),
        }
    }

    fn user_domain(&self, read: &Read) -> Domain<'p> {
        let policy = self.policy;
        let Some(mapping) = self.mapping() else {
            return match read {
                Read::UserId => Domain::of(Type::String),
                Read::UserTier => self.tier_domain().or_absent(),
                Read::UserScopes => Domain::of(Type::List(Box::new(Type::String))).or_absent(),
                Read::UserAttribute(id) => Domain::declared(&policy.attributes[*id]),
                _ => Domain::unknown(),
            };
        };
        match read {
            Read::UserId => self.mapped_domain(&mapping.id, mapping, &Type::String),
            Read::UserTier => match &mapping.tier {
                None => Domain::absent(),
                Some(Expr::Constant(Value::String(tier))) => Domain::only(Value::String(tier.clone())),
                // A tier that the policy doesn't know counts as absent.
                Some(_) => self.tier_domain().or_absent(),
            },
            Read::UserScopes => match &mapping.scopes {
                None => Domain::absent(),
                Some(Expr::Read(_)) => Domain::of(Type::List(Box::new(Type::String))),
                Some(expr) => match texts(expr) {
                    Some(names) => {
                        let words = names.iter().flat_map(|name| name.split_ascii_whitespace());
                        Domain::only(Value::List(words.map(|word| Value::String(word.to_owned())).collect()))
                    }
                    None => Domain::of(Type::List(Box::new(Type::String))),
                },
            },
            Read::UserAttribute(id) => {
                let ty = &policy.attributes[*id].ty;
                let expr = mapping.attributes.get(id.row());
                expr.map_or_else(Domain::unknown, |expr| self.mapped_domain(expr, mapping, ty))
            }
            _ => Domain::only(Value::String(policy.tokens[mapping.token].name.clone())),
        }
    }

    /// The domain of an expression over claims.
    fn mapped_domain(&self, expr: &Expr, mapping: &Mapping, ty: &Type) -> Domain<'p> {
        let claims = &self.policy.tokens[mapping.token].claims;
        match expr {
            Expr::Constant(value) => Domain::only(value.clone()),
            Expr::Read(Read::Claim(slot)) => match claims.get(*slot) {
                Some(claim) if claim.optional => Domain::of(ty.clone()).or_absent(),
                _ => Domain::of(ty.clone()),
            },
            Expr::Coalesce(operands) => match operands.as_slice() {
                [Expr::Read(Read::Claim(_)), Expr::Constant(_)] => Domain::of(ty.clone()),
                _ => Domain::of(ty.clone()).or_absent(),
            },
            Expr::Binary(Operator::Add, prefix, claim) => match (&**prefix, &**claim) {
                (Expr::Constant(Value::String(prefix)), Expr::Read(Read::Claim(_))) => {
                    Domain::of(Type::String).with_prefix(prefix.clone())
                }
                _ => Domain::of(ty.clone()).or_absent(),
            },
            _ => Domain::of(ty.clone()).or_absent(),
        }
    }

    fn tier_domain(&self) -> Domain<'p> {
        Domain::of(Type::Enum(self.policy.tiers.iter().map(|tier| tier.name.clone()).collect()))
    }

    fn request_domain(&self, route: &'p Route, read: &Read) -> Domain<'p> {
        match read {
            Read::Method => {
                let method = Value::String(route.method.as_str().to_owned());
                let has_own = |other: &Route| other.method == http::Method::HEAD && other.path == route.path;
                let heads = route.method == http::Method::GET && !self.policy.routes.iter().any(has_own);
                let also = heads.then(|| Value::String("HEAD".to_owned()));
                Domain::among(std::iter::once(method).chain(also).map(Known::Value).collect())
            }
            Read::Host => Domain::of(Type::String).or_unknown(),
            Read::Origin => Domain::of(Type::String).or_absent().or_unknown(),
            Read::Header(_) | Read::Cookie(_) => Domain::of(Type::String).or_absent().or_unknown(),
            Read::Param(name) => parameter_domain(route, name),
            Read::Query(name) => self.input_domain(route.query, name),
            Read::Body(name) => match route.body {
                BodyRule::Shape(shape) => self.input_domain(Some(shape), name),
                BodyRule::Empty | BodyRule::Raw | BodyRule::Token(_) => Domain::unknown(),
            },
            _ => Domain::unknown(),
        }
    }

    fn input_domain(&self, shape: Option<Id<Shape>>, name: &str) -> Domain<'p> {
        let field = shape.and_then(|shape| self.policy.shapes[shape].fields.iter().find(|field| field.name == name));
        match field {
            Some(field) => Domain::declared(&field.attribute()).with_rules(&field.ty),
            None => Domain::unknown(),
        }
    }

    /// True if input passes the rules of its schema.
    pub(crate) fn is_valid_json(&self, rules: &InputType, json: &serde_json::Value) -> bool {
        validate_default(&self.policy.shapes, rules, json).is_ok()
    }

    /// True if a value passes the rules of its schema unchanged.
    pub(crate) fn is_valid(&self, rules: &InputType, value: &Value) -> bool {
        let Ok(json) = serde_json::to_value(value) else { return false };
        validate_default(&self.policy.shapes, rules, &json).is_ok_and(|validated| validated.value == json)
    }
}

fn parameter_domain<'p>(route: &Route, name: &str) -> Domain<'p> {
    let ty = route.path.iter().find_map(|segment| match segment {
        PathSegment::Parameter { name: known, ty } if known == name => Some(*ty),
        PathSegment::Rest(known) if known == name => Some(ParameterType::Any),
        _ => None,
    });
    match ty {
        Some(ParameterType::Int) => Domain::of(Type::Int),
        Some(ParameterType::Any) => Domain::of(Type::String),
        Some(ParameterType::Uuid) => Domain { uuids: true, ..Domain::of(Type::String) },
        None => Domain::unknown(),
    }
}

/// The strings of a constant expression.
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
