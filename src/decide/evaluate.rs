//! Expressions against what is known. Total: what can't be said is *unknown*.

use std::net::IpAddr;

use crate::check::typed::{Expr, Read};
use crate::model::value::{Known, Value};

use super::authenticate::Identity;

/// What an expression can read.
#[derive(Clone, Copy)]
pub(super) struct Environment<'a> {
    /// A token's declared claims.
    pub(super) claims: &'a [Known<Value>],
    /// The caller, if there is one.
    pub(super) user: Option<&'a Identity>,
    /// The client's address, if it is known.
    pub(super) client: Option<IpAddr>,
}

/// The value of an expression.
pub(super) fn evaluate(expr: &Expr, environment: Environment<'_>) -> Known<Value> {
    match expr {
        Expr::Constant(value) => Known::Value(value.clone()),
        Expr::Read(read) => self::read(*read, environment),
        Expr::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                match evaluate(item, environment) {
                    Known::Value(value) => list.push(value),
                    Known::Absent | Known::Unknown => return Known::Unknown,
                }
            }
            Known::Value(Value::List(list))
        }
        Expr::Coalesce(operands) => coalesce(operands, environment).1,
        Expr::Concat(left, right) => match (evaluate(left, environment), evaluate(right, environment)) {
            (Known::Value(Value::String(left)), Known::Value(Value::String(right))) => {
                Known::Value(Value::String(left + &right))
            }
            _ => Known::Unknown,
        },
    }
}

/// The first operand that isn't absent, and which one it was.
pub(super) fn coalesce(operands: &[Expr], environment: Environment<'_>) -> (usize, Known<Value>) {
    for (branch, operand) in operands.iter().enumerate() {
        match evaluate(operand, environment) {
            Known::Absent => {}
            known => return (branch, known),
        }
    }
    (operands.len(), Known::Absent)
}

fn read(read: Read, environment: Environment<'_>) -> Known<Value> {
    let of_user = |get: fn(&Identity) -> Known<Value>| environment.user.map_or(Known::Absent, get);
    match read {
        Read::Claim(slot) => environment.claims.get(slot).cloned().unwrap_or(Known::Unknown),
        Read::UserId => of_user(|user| Known::Value(Value::String(user.id.clone()))),
        Read::UserTier => of_user(|user| match &user.tier {
            Some(tier) => Known::Value(Value::String(tier.clone())),
            None => Known::Absent,
        }),
        Read::UserAttribute(slot) => environment
            .user
            .map_or(Known::Absent, |user| user.attributes.get(slot.row()).cloned().unwrap_or(Known::Unknown)),
        Read::ClientIp => environment.client.map_or(Known::Unknown, |address| Known::Value(Value::Ip(address))),
    }
}
