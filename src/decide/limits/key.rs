//! Which bucket: a limit's key for one request.

use std::fmt::Write;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::eval::context::Environment;
use crate::eval::evaluate::{coalesce, evaluate};
use crate::typed::{Expr, Limit, TypedPolicy};
use crate::values::value_ref::ValueRef;

/// The parts of a key, each behind a slash.
pub(crate) struct Key(String);

impl Key {
    /// For each part, which branch it came from and how long it is, so that no user's id collides with an address, nor two
    /// parts with one. Nothing where a part is unknown.
    pub(crate) fn of<'p>(limit: &'p Limit, environment: &Environment<'p>) -> Option<Self> {
        let mut parts = String::new();
        for part in &limit.key {
            let (branch, value) = match part {
                Expr::Coalesce(operands) => coalesce(operands, environment),
                _ => (0, evaluate(part, environment)),
            };
            let text = text(&value.value()?, limit.ipv6_prefix)?;
            let _ = write!(parts, "/{branch}:{}:{text}", text.len());
        }
        Some(Self(parts))
    }

    /// The id of the limit's bucket.
    pub(crate) fn bucket(&self, policy: &TypedPolicy, limit: &Limit) -> String {
        format!("{}/{}{}", policy.name, limit.name, self.0)
    }

    /// The id of what counts the requests that run: no part of a key begins as it does.
    pub(crate) fn bucket_of_slots(&self, policy: &TypedPolicy, limit: &Limit) -> String {
        format!("{}/{}/concurrency{}", policy.name, limit.name, self.0)
    }
}

fn text(value: &ValueRef<'_>, ipv6_prefix: u8) -> Option<String> {
    match value {
        ValueRef::Text(text) => Some(text.to_string()),
        ValueRef::Int(number) => Some(number.to_string()),
        ValueRef::Bool(value) => Some(value.to_string()),
        ValueRef::Ip(address) => Some(subnet(*address, ipv6_prefix)),
        ValueRef::Timestamp(time) => Some(time.to_string()),
        _ => None,
    }
}

/// An IPv4 address, also where it comes as an IPv6 one (RFC 4291 §2.5.5.2); of an IPv6 address, its subnet.
fn subnet(address: IpAddr, ipv6_prefix: u8) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        address @ IpAddr::V6(_) => {
            IpNet::new(address, ipv6_prefix).map_or_else(|_| address.to_string(), |net| net.trunc().to_string())
        }
    }
}
