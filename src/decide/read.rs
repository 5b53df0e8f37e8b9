//! What expressions read: from the caller, the thing, the context, the request and its input.

use http::header;

use crate::check::attribute;
use crate::check::typed::{Attribute, ParameterType, PathSegment, Read, Resource, Type, TypedPolicy};
use crate::model::table::Id;
use crate::model::value::{Known, Value};

use super::authenticate::Identity;
use super::cookie;
use super::evaluate::{Call, Environment, Given, Pending, Seen, Thing};
use super::fact;

/// The value of what an expression reads.
pub(super) fn read(read: &Read, environment: &Environment<'_>) -> Seen {
    let policy = environment.around.policy;
    let text = |text: &str| Known::Value(Value::String(text.to_owned()));
    let of_user = |get: &dyn Fn(&Identity) -> Known<Value>| environment.around.user.map_or(Known::Absent, get);
    Ok(match read {
        Read::Claim(slot) => environment.around.claims.get(*slot).cloned().unwrap_or(Known::Unknown),
        // Nothing is issued yet.
        Read::Account(_) => Known::Unknown,
        Read::UserId => of_user(&|user| text(&user.id)),
        Read::UserTier => of_user(&|user| user.tier.as_deref().map_or(Known::Absent, text)),
        Read::UserScopes => of_user(&|user| match &user.scopes {
            Some(scopes) => Known::Value(Value::List(scopes.iter().cloned().map(Value::String).collect())),
            None => Known::Absent,
        }),
        // Somebody whom the host vouches for came by no token.
        Read::UserToken => of_user(&|user| user.token.map_or(Known::Unknown, |token| text(&policy.tokens[token].name))),
        Read::UserAttribute(slot) => {
            of_user(&|user| user.attributes.get(slot.row()).cloned().unwrap_or(Known::Unknown))
        }
        Read::ResourceId => match environment.thing {
            Thing::None => Known::Absent,
            Thing::Of { id, .. } => id.map_or(Known::Unknown, text),
        },
        Read::Resource(name) => match environment.thing {
            Thing::None => Known::Absent,
            Thing::Of { resource, attributes, .. } => match policy.resources[resource].attributes.get(name) {
                Some(attribute) => cached(environment, Some(resource), read, attribute, || {
                    fact::of_record(attributes, attribute, &policy.shapes)
                }),
                None => Known::Absent,
            },
        },
        Read::Context(id) => {
            let attribute = &policy.context[*id];
            cached(environment, None, read, attribute, || {
                fact::of_record(environment.around.context, attribute, &policy.shapes)
            })
        }
        Read::ClientIp => environment.around.client.map_or(Known::Unknown, |address| Known::Value(Value::Ip(address))),
        Read::Now => environment.around.now.map_or(Known::Unknown, |now| Known::Value(Value::Timestamp(now))),
        Read::Query(name) => return input(environment, environment.around.query, read, name),
        Read::Body(name) => return input(environment, environment.around.body, read, name),
        Read::Sibling(name) => match environment.around.siblings {
            Some((declared, given)) => {
                let field = declared.iter().find(|field| field.name == *name);
                field.map_or(Known::Unknown, |field| {
                    cached(environment, None, read, field, || fact::of_input(given.get(name), field, &policy.shapes))
                })
            }
            None => Known::Unknown,
        },
        Read::Method | Read::Path | Read::Host | Read::Origin | Read::Header(_) | Read::Cookie(_) | Read::Param(_) => {
            environment.around.call.map_or(Known::Unknown, |call| of_call(read, call))
        }
    })
}

fn input(environment: &Environment<'_>, given: Given<'_>, read: &Read, name: &str) -> Seen {
    match given {
        Given::Unknown => Ok(Known::Unknown),
        Given::Pending => Err(Pending),
        Given::Json(shape, json) => {
            let shapes = &environment.around.policy.shapes;
            let Some(field) = shapes[shape].fields.iter().find(|field| field.name == name) else {
                return Ok(Known::Unknown);
            };
            let field = attribute(field);
            Ok(cached(environment, None, read, &field, || fact::of_input(json.get(name), &field, shapes)))
        }
    }
}

/// A value that takes time to make is made once.
fn cached(
    environment: &Environment<'_>,
    resource: Option<Id<Resource>>,
    read: &Read,
    attribute: &Attribute,
    make: impl FnOnce() -> Known<Value>,
) -> Known<Value> {
    let composite = |ty: &Type| matches!(ty, Type::List(_) | Type::Record(_) | Type::Shape(_));
    let takes_time = match &attribute.ty {
        Type::Nullable(inner) => composite(inner),
        ty => composite(ty),
    };
    match environment.around.cache.filter(|_| takes_time) {
        Some(cache) => cache.or_make(resource, read, make),
        None => make(),
    }
}

/// Of headers that stand twice, two readers could read different ones: they are unknown.
fn of_call(read: &Read, call: Call<'_>) -> Known<Value> {
    let text = |text: &str| Known::Value(Value::String(text.to_owned()));
    let single = |name: &http::HeaderName| {
        let mut lines = call.headers.get_all(name).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Known::Absent,
            (Some(line), None) => line.to_str().map_or(Known::Unknown, text),
            (Some(_), Some(_)) => Known::Unknown,
        }
    };
    match read {
        Read::Method => text(call.method.as_str()),
        Read::Path => text(call.path),
        Read::Host => call.authority.map_or(Known::Unknown, text),
        Read::Origin => single(&header::ORIGIN),
        Read::Header(name) => single(name),
        Read::Cookie(name) => match cookie::find(name, call.headers) {
            Ok(Some(value)) => Known::Value(Value::String(value.into_owned())),
            Ok(None) => Known::Absent,
            Err(_) => Known::Unknown,
        },
        Read::Param(name) => param(name, call),
        _ => Known::Unknown,
    }
}

fn param(name: &str, call: Call<'_>) -> Known<Value> {
    let Some(given) = call.params.get(name) else { return Known::Unknown };
    let number = call.route.path.iter().any(
        |segment| matches!(segment, PathSegment::Parameter { name: known, ty: ParameterType::Int } if known == name),
    );
    match number {
        true => given.parse().map_or(Known::Unknown, |value| Known::Value(Value::Int(value))),
        false => Known::Value(Value::String(given.to_owned())),
    }
}

/// What is read, as it is written in policies.
pub(super) fn name_of(read: &Read, policy: &TypedPolicy) -> String {
    match read {
        Read::Claim(slot) => format!("claim {slot}"),
        Read::Account(name) => format!("account.{name}"),
        Read::UserId => "user.id".to_owned(),
        Read::UserTier => "user.tier".to_owned(),
        Read::UserScopes => "user.scopes".to_owned(),
        Read::UserToken => "user.token".to_owned(),
        Read::UserAttribute(id) => format!("user.{}", policy.attributes[*id].name),
        Read::ResourceId => "resource.id".to_owned(),
        Read::Resource(name) => format!("resource.{name}"),
        Read::Context(id) => format!("context.{}", policy.context[*id].name),
        Read::Method => "request.method".to_owned(),
        Read::Path => "request.path".to_owned(),
        Read::Host => "request.host".to_owned(),
        Read::Origin => "request.origin".to_owned(),
        Read::Header(name) => format!("request.header(\"{name}\")"),
        Read::Cookie(name) => format!("request.cookie(\"{name}\")"),
        Read::Param(name) => format!("params.{name}"),
        Read::Query(name) => format!("query.{name}"),
        Read::Body(name) => format!("body.{name}"),
        Read::Sibling(name) => name.clone(),
        Read::ClientIp => "client.ip".to_owned(),
        Read::Now => "now".to_owned(),
    }
}
