//! The key of a limit for one request, which selects the bucket.

use std::fmt::Write;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::eval::context::Environment;
use crate::eval::evaluate::{coalesce, evaluate};
use crate::typed::{Expr, Limit, TypedPolicy};
use crate::values::value_ref::ValueRef;

/// The parts of a key, each after a slash.
pub(crate) struct BucketKey(String);

impl BucketKey {
    /// The key of a request; `None` if a part is unknown. Each part has its branch and its length, so that no user's id
    /// collides with an address, nor two parts with one.
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

    /// The id of the bucket that counts running requests. It differs from every rate's bucket, as no part begins like it.
    pub(crate) fn slots_bucket(&self, policy: &TypedPolicy, limit: &Limit) -> String {
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

/// An IPv4 address, also if it is mapped into IPv6 (RFC 4291 §2.5.5.2), or the subnet of an IPv6 address.
fn subnet(address: IpAddr, ipv6_prefix: u8) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        address @ IpAddr::V6(_) => {
            IpNet::new(address, ipv6_prefix).map_or_else(|_| address.to_string(), |net| net.trunc().to_string())
        }
    }
}
