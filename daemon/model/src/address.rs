//! Rules which addresses belong to the public internet, for code that connects on behalf of others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns whether an address belongs to the public internet (RFC 6890, as far as the ranges can reach a
/// private network). An IPv4 address within an IPv6 one decides for it.
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_global_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => is_global_v4(v4),
            // 2000::/3 is all that is assigned (RFC 4291). 2001:db8::/32 is for documentation (RFC 3849).
            None => {
                let [first, second, ..] = v6.segments();
                first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0xdb8)
            }
        },
    }
}

/// Returns whether an address is link-local, or one at which a cloud serves the credentials of a machine
/// as at 169.254.169.254: fd00:ec2::254, 100.100.100.200, 192.0.0.192.
#[must_use]
pub fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => serves_credentials(v4),
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || matches!(v6.segments(), [0xfd00, 0xec2, ..])
                || embedded(v6).is_some_and(serves_credentials)
        }
    }
}

fn serves_credentials(v4: Ipv4Addr) -> bool {
    v4.is_link_local() || matches!(v4.octets(), [100, 100, 100, 200] | [192, 0, 0, 192])
}

/// Returns the IPv4 address within an IPv6 one: IPv4-mapped and -compatible (RFC 4291), NAT64 (RFC
/// 6052), 6to4 (RFC 3056).
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] if high != 0 => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => v4(high, low),
        _ => None,
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_documentation()
        // Carrier-grade NAT (RFC 6598) and benchmarks (RFC 2544).
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        // Assigned to protocols (RFC 6890).
        || (a == 192 && b == 0 && c == 0)
        || a == 0
        || a >= 240)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_places_are_known_in_every_writing() {
        for bad in [
            "10.1.2.3",
            "127.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.168.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::",
            "2001:db8::1",
            "fec0::1",
        ] {
            assert!(!is_global(bad.parse().unwrap()), "{bad}");
        }
        for good in ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"] {
            assert!(is_global(good.parse().unwrap()), "{good}");
        }
        assert!(is_link_local("::ffff:169.254.169.254".parse().unwrap()));
    }
}
