//! Networks.

use ipnet::{IpNet, Ipv4Net};

/// The network as addresses are compared: as IPv4 where it is IPv4 inside IPv6 (RFC 4291 §2.5.5.2).
pub(crate) fn unmapped(network: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let IpNet::V6(v6) = network else { return network };
    let v4 = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(MAPPED_BITS));
    v4.and_then(|(address, length)| Ipv4Net::new(address, length).ok()).map_or(network, IpNet::V4)
}
