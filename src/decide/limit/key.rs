//! Which bucket: a limit's key for one request.

use std::fmt::Write;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::check::typed::{Expr, Limit, TypedPolicy};
use crate::decide::datum::Datum;
use crate::decide::evaluate::{Environment, coalesce, evaluate};

/// The id of the bucket: policy and limit, then for each part of the key which branch it came from and how long it
/// is, so that no user's id collides with an address, nor two parts with one. Nothing where a part is unknown.
pub(super) fn bucket<'p>(policy: &'p TypedPolicy, limit: &'p Limit, environment: &Environment<'p>) -> Option<String> {
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

fn text(value: &Datum<'_>, ipv6_prefix: u8) -> Option<String> {
    match value {
        Datum::Text(text) => Some(text.to_string()),
        Datum::Int(number) => Some(number.to_string()),
        Datum::Bool(value) => Some(value.to_string()),
        Datum::Ip(address) => Some(subnet(*address, ipv6_prefix)),
        Datum::Timestamp(time) => Some(time.to_string()),
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
