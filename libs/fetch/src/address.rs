//! Which addresses a request to somebody else's server may never reach (server-side request forgery).
//!
//! Sources: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its successors), and the forms
//! by which an IPv6 address carries an IPv4 one, each judged by what it carries:
//! IPv4-mapped and IPv4-compatible (RFC 4291 section 2.5.5), IPv4-translated (RFC 2765), NAT64 (RFC 6052),
//! 6to4 (RFC 3056), Teredo (RFC 4380) and ISATAP (RFC 5214).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::net::IpNet;

/// Whether nothing may be fetched from this address, unless one of the `allow` ranges names it.
///
/// Forbidden are: unspecified and "this network", loopback, private, shared (carrier-grade NAT), link-local (with
/// the metadata address 169.254.169.254), unique-local, site-local, multicast, broadcast, reserved, documentation, benchmarking,
/// and every IPv6 form that carries such an IPv4 address. An allowed range counts for the address itself and for the
/// forms that carry it. For IPv6 the rule is the other way round: only global unicast (2000::/3) less its special
/// ranges is open, so that a range assigned in future is closed until somebody looks at it.
pub fn is_forbidden(ip: IpAddr, allow: &[IpNet]) -> bool {
    if allow.iter().any(|net| net.contains(ip)) {
        return false;
    }
    match ip {
        IpAddr::V4(v4) => forbidden_v4(v4),
        IpAddr::V6(v6) => forbidden_v6(v6, allow),
    }
}

/// IPv4 ranges that are no one's public server, as (base, prefix length).
const CLOSED_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),        // this network, RFC 791
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // shared address space, RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback, RFC 1122
    (Ipv4Addr::new(168, 63, 129, 16), 32), // a cloud's host services, reachable only from inside its machines
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local, RFC 3927; instance metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private, RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // protocol assignments, RFC 6890
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation, RFC 5737
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relay anycast, RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private, RFC 1918
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarking, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation, RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation, RFC 5737
    (Ipv4Addr::new(224, 0, 0, 0), 4),      // multicast, RFC 5771
    (Ipv4Addr::new(240, 0, 0, 0), 4),      // reserved and broadcast, RFC 1112, RFC 919
];

fn forbidden_v4(ip: Ipv4Addr) -> bool {
    CLOSED_V4.iter().any(|&(base, prefix)| {
        let shift = 32 - u32::from(prefix);
        ip.to_bits() >> shift == base.to_bits() >> shift
    })
}

/// Ranges within 2000::/3 that are closed, as (base, prefix length).
const CLOSED_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0x2, 0, 0, 0, 0, 0, 0), 48), // benchmarking, RFC 5180
    (Ipv6Addr::new(0x2001, 0x10, 0, 0, 0, 0, 0, 0), 28), // ORCHID, RFC 4843
    (Ipv6Addr::new(0x2001, 0x20, 0, 0, 0, 0, 0, 0), 28), // ORCHIDv2, RFC 7343
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation, RFC 3849
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),   // documentation, RFC 9637
];

fn forbidden_v6(ip: Ipv6Addr, allow: &[IpNet]) -> bool {
    let carried = embedded(ip);
    if !carried.is_empty() {
        return carried.iter().any(|&v4| is_forbidden(IpAddr::V4(v4), allow));
    }
    if ip.segments()[0] & 0xe000 != 0x2000 {
        return true;
    }
    CLOSED_V6.iter().any(|&(base, prefix)| {
        let shift = 128 - u32::from(prefix);
        ip.to_bits() >> shift == base.to_bits() >> shift
    })
}

/// The IPv4 addresses that an IPv6 address carries; empty where it carries none.
///
/// `::` and `::1` are left to the rule for IPv6: they are addresses of their own, not carriers of 0.0.0.0 and 0.0.0.1.
fn embedded(ip: Ipv6Addr) -> Vec<Ipv4Addr> {
    let s = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Vec::new(),
        // IPv4-compatible, IPv4-mapped, IPv4-translated.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => {
            vec![v4(high, low)]
        }
        // NAT64, well-known prefix. The local-use prefix 64:ff9b:1::/48 lies outside 2000::/3 and stays closed as a whole:
        // where in it the IPv4 address stands is for each network to choose (RFC 8215).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => vec![v4(high, low)],
        // 6to4: the router's address.
        [0x2002, high, low, ..] => vec![v4(high, low)],
        // Teredo: the server's address, and the client's with every bit turned over.
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            vec![v4(high, low), v4(!client_high, !client_low)]
        }
        // ISATAP, with the universal bit set or not, under any prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => vec![v4(high, low)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden(ip: &str, allow: &[&str]) -> bool {
        let allow: Vec<IpNet> = allow.iter().map(|net| net.parse().unwrap()).collect();
        is_forbidden(ip.parse().unwrap(), &allow)
    }

    #[test]
    fn closed_addresses() {
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::2",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "100::1",
            "2001:db8::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "3fff::1",
            "5f00::1",
            "4000::1",
            // carriers
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::808:808",
            "64:ff9b:1:7f00:0:100::",
            "2002:7f00:1::",
            "2002:a00:1::1",
            // Teredo with a private server, and with a private client (192.168.1.1 turned over)
            "2001:0:a00:1::f7f7:f7f7",
            "2001:0:808:808:0:0:3f57:fefe",
            "2a00::5efe:a00:1",
            "2a00::200:5efe:c0a8:1",
        ] {
            assert!(forbidden(ip, &[]), "{ip} should be closed");
        }
    }

    #[test]
    fn open_addresses() {
        for ip in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.17",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:0:808:808:0:0:f7f7:f7f7",
            "2a00::5efe:808:808",
        ] {
            assert!(!forbidden(ip, &[]), "{ip} should be open");
        }
    }

    #[test]
    fn an_allowed_range_opens_its_carriers_too_and_nothing_else() {
        for (ip, allow, closed) in [
            ("127.0.0.1", &["127.0.0.0/8"][..], false),
            ("::ffff:127.0.0.1", &["127.0.0.0/8"], false),
            ("::1", &["127.0.0.0/8"], true),
            ("::1", &["::1/128"], false),
            ("10.1.2.3", &["127.0.0.0/8", "10.1.0.0/16"], false),
            ("10.2.2.3", &["127.0.0.0/8", "10.1.0.0/16"], true),
            ("fd00::1", &["fd00::/8"], false),
            ("169.254.169.254", &["127.0.0.0/8"], true),
        ] {
            assert_eq!(forbidden(ip, allow), closed, "{ip} with {allow:?}");
        }
    }
}
