//! What expressions read: from the caller, the thing, the context, the request and its input.

use http::header;

use crate::collections::table::Id;
use crate::eval::attributes::Attributes;
use crate::eval::evaluate::{Environment, Evaluated, InputState, Pending, RequestRef, ResourceRef};
use crate::eval::identity::Identity;
use crate::eval::value_ref::{Items, ValueRef};
use crate::eval::{cookies, facts};
use crate::model::value::{Known, Value};
use crate::typed::{Attribute, ParameterType, PathSegment, Read, Resource, TypedPolicy};

/// The value of what an expression reads.
pub(crate) fn read<'a>(read: &Read, environment: &Environment<'a>) -> Evaluated<'a> {
    let policy = environment.context.policy;
    let context = &environment.context;
    let text = |text: &'a str| Known::Value(ValueRef::text(text));
    let of_user = |get: &dyn Fn(&'a Identity<'a>) -> Known<ValueRef<'a>>| context.user.map_or(Known::Absent, get);
    Ok(match read {
        Read::Claim(slot) => context.claims.get(*slot).map_or(Known::Unknown, known),
        Read::Account(id) => attribute(environment, None, read, context.account, id.row(), &policy.account[*id]),
        Read::UserId => of_user(&|user| text(&user.id)),
        Read::UserTier => of_user(&|user| user.tier.as_deref().map_or(Known::Absent, text)),
        Read::UserScopes => of_user(&|user| match &user.scopes {
            Some(scopes) => Known::Value(ValueRef::List(Items::Texts(scopes))),
            None => Known::Absent,
        }),
        // Somebody whom the host vouches for came by no token.
        Read::UserToken => of_user(&|user| user.token.map_or(Known::Unknown, |token| text(&policy.tokens[token].name))),
        Read::UserAttribute(id) => of_user(&|user| {
            attribute(environment, None, read, Some(user.attributes()), id.row(), &policy.attributes[*id])
        }),
        Read::ResourceId => match environment.thing {
            ResourceRef::None => Known::Absent,
            ResourceRef::Of { id, .. } => id.map_or(Known::Unknown, text),
        },
        Read::Resource(name) => match environment.thing {
            ResourceRef::None => Known::Absent,
            ResourceRef::Of { resource, attributes, .. } => {
                let declared = &policy.resources[resource];
                let slot = declared.slot(*name).and_then(|slot| Some((slot, declared.attribute(slot)?)));
                slot.map_or(Known::Absent, |(slot, declared)| {
                    attribute(environment, Some(resource), read, attributes, slot, declared)
                })
            }
        },
        Read::Context(id) => attribute(environment, None, read, context.context, id.row(), &policy.context[*id]),
        Read::ClientIp => context.client.map_or(Known::Unknown, |address| Known::Value(ValueRef::Ip(address))),
        Read::Now => context.now.map_or(Known::Unknown, |now| Known::Value(ValueRef::Timestamp(now))),
        Read::Query(name) => return input(environment, context.query, read, name),
        Read::Body(name) => return input(environment, context.body, read, name),
        Read::Sibling(name) => match context.siblings {
            Some((declared, given)) => {
                let field = declared.iter().find(|field| field.name == *name);
                field.map_or(Known::Unknown, |field| {
                    kept(environment, None, read, || facts::of_input(given.get(name), field, &policy.shapes))
                })
            }
            None => Known::Unknown,
        },
        Read::Method | Read::Path | Read::Host | Read::Origin | Read::Header(_) | Read::Cookie(_) | Read::Param(_) => {
            context.call.map_or(Known::Unknown, |call| of_call(read, call))
        }
    })
}

fn known(known: &Known<Value>) -> Known<ValueRef<'_>> {
    match known {
        Known::Value(value) => Known::Value(ValueRef::of(value)),
        Known::Absent => Known::Absent,
        Known::Unknown => Known::Unknown,
    }
}

fn attribute<'a>(
    environment: &Environment<'a>,
    resource: Option<Id<Resource>>,
    read: &Read,
    attributes: Option<Attributes<'a>>,
    slot: usize,
    declared: &'a Attribute,
) -> Known<ValueRef<'a>> {
    let shapes = &environment.context.policy.shapes;
    match attributes {
        None => {
            want(environment, resource, read);
            Known::Unknown
        }
        Some(Attributes::Slots(slots)) => slots.values.get(slot).map_or(Known::Unknown, known),
        Some(Attributes::Json(record)) => {
            let json = record.get(&declared.name);
            match facts::is_made(json, &declared.ty) {
                true => kept(environment, resource, read, || facts::made(json, declared, shapes)),
                false => facts::given(json, declared, shapes),
            }
        }
    }
}

/// Nobody said: where the host can be asked, it will be.
fn want(environment: &Environment<'_>, resource: Option<Id<Resource>>, read: &Read) {
    let Some(missing) = environment.context.missing else { return };
    match (read, resource, environment.thing) {
        (Read::Context(_), ..) => missing.context(),
        (Read::Resource(_), Some(kind), ResourceRef::Of { id: Some(id), .. }) => {
            missing.resource(&environment.context.policy.resources[kind].name, id);
        }
        _ => {}
    }
}

fn input<'a>(environment: &Environment<'a>, given: InputState<'a>, read: &Read, name: &str) -> Evaluated<'a> {
    match given {
        InputState::Unknown => Ok(Known::Unknown),
        InputState::Pending => Err(Pending),
        InputState::Json(shape, json) => {
            let shapes = &environment.context.policy.shapes;
            let Some(field) = shapes[shape].fields.iter().find(|field| field.name == name) else {
                return Ok(Known::Unknown);
            };
            let field = field.attribute();
            Ok(kept(environment, None, read, || facts::of_input(json.get(name), &field, shapes)))
        }
    }
}

/// A value that takes time to make is made once.
fn kept<'a>(
    environment: &Environment<'a>,
    resource: Option<Id<Resource>>,
    read: &Read,
    make: impl FnOnce() -> Known<Value>,
) -> Known<ValueRef<'a>> {
    let made = match environment.context.cache {
        Some(cache) => cache.or_make(resource, read, make),
        None => make(),
    };
    match made {
        Known::Value(value) => Known::Value(ValueRef::owned(value)),
        Known::Absent => Known::Absent,
        Known::Unknown => Known::Unknown,
    }
}

/// Of headers that stand twice, two readers could read different ones: they are unknown.
fn of_call<'a>(read: &Read, call: RequestRef<'a>) -> Known<ValueRef<'a>> {
    let text = |text: &'a str| Known::Value(ValueRef::text(text));
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
        Read::Cookie(name) => match cookies::find(name, call.headers) {
            Ok(Some(value)) => Known::Value(ValueRef::Text(value)),
            Ok(None) => Known::Absent,
            Err(_) => Known::Unknown,
        },
        Read::Param(name) => param(name, call),
        _ => Known::Unknown,
    }
}

fn param<'a>(name: &str, call: RequestRef<'a>) -> Known<ValueRef<'a>> {
    let Some(given) = call.params.get(name) else { return Known::Unknown };
    let number = call.route.path.iter().any(
        |segment| matches!(segment, PathSegment::Parameter { name: known, ty: ParameterType::Int } if known == name),
    );
    match number {
        true => given.parse().map_or(Known::Unknown, |value| Known::Value(ValueRef::Int(value))),
        false => Known::Value(ValueRef::text(given)),
    }
}

/// What is read, as it is written in policies.
pub(crate) fn name_of(read: &Read, policy: &TypedPolicy) -> String {
    match read {
        Read::Claim(slot) => format!("claim {slot}"),
        Read::Account(id) => format!("account.{}", policy.account[*id].name),
        Read::UserId => "user.id".to_owned(),
        Read::UserTier => "user.tier".to_owned(),
        Read::UserScopes => "user.scopes".to_owned(),
        Read::UserToken => "user.token".to_owned(),
        Read::UserAttribute(id) => format!("user.{}", policy.attributes[*id].name),
        Read::ResourceId => "resource.id".to_owned(),
        Read::Resource(name) => format!("resource.{}", policy.attribute_names[*name]),
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
