//! Which bucket: a limit's key for one request.

use std::fmt::Write;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::check::typed::{Expr, Limit, TypedPolicy};
use crate::decide::evaluate::{Environment, coalesce, evaluate};
use crate::model::value::Value;

/// The id of the bucket: policy and limit, then for each part of the key which branch it came from and how long it
/// is, so that no user's id collides with an address, nor two parts with one. Nothing where a part is unknown.
pub(super) fn bucket(policy: &TypedPolicy, limit: &Limit, environment: &Environment<'_>) -> Option<String> {
    let mut id = format!("{}/{}", policy.name, limit.name);
    for part in &limit.key {
        let (branch, value) = match part {
            Expr::Coalesce(operands) => coalesce(operands, environment),
            _ => (0, evaluate(part, environment)),
        };
        let text = text(&value.value()?, limit.ipv6_prefix)?;
        let _ = write!(id, "/{branch}:{}:{text}", text.len());
    }
    Some(id)
}

fn text(value: &Value, ipv6_prefix: u8) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Ip(address) => Some(subnet(*address, ipv6_prefix)),
        Value::Timestamp(time) => Some(time.to_string()),
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
