//! Reads the data that expressions name.

use http::{HeaderName, header};

use crate::collections::table::Id;
use crate::eval::attributes::Attributes;
use crate::eval::context::{Environment, InputState, RequestRef, ResourceRef};
use crate::eval::cookies;
use crate::eval::evaluate::{Evaluated, Pending};
use crate::eval::identity::Identity;
use crate::model::value::{Known, Value};
use crate::typed::{Attribute, ParameterType, PathSegment, Read, Resource, TypedPolicy};
use crate::values::json;
use crate::values::json::Provenance;
use crate::values::value_ref::{Items, ValueRef};

pub(crate) fn read<'a>(read: &Read, environment: &Environment<'a>) -> Evaluated<'a> {
    let context = environment.context;
    let policy = context.policy;
    Ok(match read {
        Read::Claim(slot) => context.claims.get(*slot).map_or(Known::Unknown, borrowed),
        Read::Account(id) => attribute(environment, None, read, context.account, id.row(), &policy.account[*id]),
        Read::UserId | Read::UserTier | Read::UserScopes | Read::UserToken | Read::UserAttribute(_) => {
            context.user.map_or(Known::Absent, |user| of_user(read, user, environment))
        }
        Read::ResourceId => match environment.resource {
            ResourceRef::None => Known::Absent,
            ResourceRef::Of { id, .. } => id.map_or(Known::Unknown, text),
        },
        Read::Resource(name) => match environment.resource {
            ResourceRef::None => Known::Absent,
            ResourceRef::Of { resource, attributes, .. } => {
                let declared = &policy.resources[resource];
                let slot = declared.slot(*name).and_then(|slot| Some((slot, declared.attribute(slot)?)));
                slot.map_or(Known::Absent, |(slot, declared)| {
                    attribute(environment, Some(resource), read, attributes, slot, declared)
                })
            }
        },
        Read::Context(id) => attribute(environment, None, read, context.host_context, id.row(), &policy.context[*id]),
        Read::ClientIp => context.client.map_or(Known::Unknown, |address| Known::Value(ValueRef::Ip(address))),
        Read::Now => context.now.map_or(Known::Unknown, |now| Known::Value(ValueRef::Timestamp(now))),
        Read::Query(name) => return input(environment, context.query, read, name),
        Read::Body(name) => return input(environment, context.body, read, name),
        Read::Sibling(name) => {
            let Some((declared, record)) = context.siblings else { return Ok(Known::Unknown) };
            let field = declared.iter().find(|field| field.name == *name);
            field.map_or(Known::Unknown, |field| {
                let json = record.get(name);
                cached(environment, None, read, || json::member(json, field, &policy.shapes, Provenance::Schema))
            })
        }
        Read::Method | Read::Path | Read::Host | Read::Origin | Read::Header(_) | Read::Cookie(_) | Read::Param(_) => {
            context.call.map_or(Known::Unknown, |call| of_call(read, call))
        }
    })
}

fn text(text: &str) -> Known<ValueRef<'_>> {
    Known::Value(ValueRef::text(text))
}

fn borrowed(known: &Known<Value>) -> Known<ValueRef<'_>> {
    match known {
        Known::Value(value) => Known::Value(ValueRef::of(value)),
        Known::Absent => Known::Absent,
        Known::Unknown => Known::Unknown,
    }
}

fn of_user<'a>(read: &Read, user: &'a Identity<'a>, environment: &Environment<'a>) -> Known<ValueRef<'a>> {
    let policy = environment.context.policy;
    match read {
        Read::UserId => text(&user.id),
        Read::UserTier => user.tier.as_deref().map_or(Known::Absent, text),
        Read::UserScopes => match &user.scopes {
            Some(scopes) => Known::Value(ValueRef::List(Items::Texts(scopes))),
            None => Known::Absent,
        },
        // A caller whom the host vouches for has no token.
        Read::UserToken => user.token.map_or(Known::Unknown, |token| text(&policy.tokens[token].name)),
        Read::UserAttribute(id) => {
            attribute(environment, None, read, Some(user.attributes()), id.row(), &policy.attributes[*id])
        }
        _ => Known::Unknown,
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
            report_missing(environment, resource, read);
            Known::Unknown
        }
        Some(Attributes::Slots(slots)) => slots.values.get(slot).map_or(Known::Unknown, borrowed),
        Some(Attributes::Json(record)) => {
            let json = record.get(&declared.name);
            match json::allocates(json, &declared.ty) {
                true => cached(environment, resource, read, || json::member(json, declared, shapes, Provenance::Host)),
                false => json::borrow_member(json, declared, shapes),
            }
        }
    }
}

fn report_missing(environment: &Environment<'_>, resource: Option<Id<Resource>>, read: &Read) {
    let Some(missing) = environment.context.missing else { return };
    match (read, resource, environment.resource) {
        (Read::Context(_), ..) => missing.context(),
        (Read::Resource(_), Some(kind), ResourceRef::Of { id: Some(id), .. }) => {
            missing.resource(&environment.context.policy.resources[kind].name, id);
        }
        _ => {}
    }
}

fn input<'a>(environment: &Environment<'a>, state: InputState<'a>, read: &Read, name: &str) -> Evaluated<'a> {
    let (shape, json) = match state {
        InputState::Unknown => return Ok(Known::Unknown),
        InputState::Pending => return Err(Pending),
        InputState::Json(shape, json) => (shape, json),
    };
    let shapes = &environment.context.policy.shapes;
    let field = shapes[shape].fields.iter().find(|field| field.name == name);
    Ok(field.map_or(Known::Unknown, |field| {
        let convert = || json::member(json.get(name), &field.attribute(), shapes, Provenance::Schema);
        cached(environment, None, read, convert)
    }))
}

/// Converts a list or a record, once if there is a cache.
fn cached<'a>(
    environment: &Environment<'a>,
    resource: Option<Id<Resource>>,
    read: &Read,
    convert: impl FnOnce() -> Known<Value>,
) -> Known<ValueRef<'a>> {
    let converted = match environment.context.cache {
        Some(cache) => cache.get_or_insert_with(resource, read, convert),
        None => convert(),
    };
    match converted {
        Known::Value(value) => Known::Value(ValueRef::owned(value)),
        Known::Absent => Known::Absent,
        Known::Unknown => Known::Unknown,
    }
}

fn of_call<'a>(read: &Read, call: RequestRef<'a>) -> Known<ValueRef<'a>> {
    match read {
        Read::Method => text(call.method.as_str()),
        Read::Path => text(call.path),
        Read::Host => call.authority.map_or(Known::Unknown, text),
        Read::Origin => header(&header::ORIGIN, call),
        Read::Header(name) => header(name, call),
        Read::Cookie(name) => match cookies::find(name, call.headers) {
            Ok(Some(value)) => Known::Value(ValueRef::Text(value)),
            Ok(None) => Known::Absent,
            Err(_) => Known::Unknown,
        },
        Read::Param(name) => param(name, call),
        _ => Known::Unknown,
    }
}

/// A header on several lines is unknown, as two readers could read different ones.
fn header<'a>(name: &HeaderName, call: RequestRef<'a>) -> Known<ValueRef<'a>> {
    let mut lines = call.headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Known::Absent,
        (Some(line), None) => line.to_str().map_or(Known::Unknown, text),
        (Some(_), Some(_)) => Known::Unknown,
    }
}

fn param<'a>(name: &str, call: RequestRef<'a>) -> Known<ValueRef<'a>> {
    let Some(given) = call.params.get(name) else { return Known::Unknown };
    let is_int = call.route.path.iter().any(
        |segment| matches!(segment, PathSegment::Parameter { name: known, ty: ParameterType::Int } if known == name),
    );
    match is_int {
        true => given.parse().map_or(Known::Unknown, |value| Known::Value(ValueRef::Int(value))),
        false => text(given),
    }
}

/// The text of a read in policies.
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
