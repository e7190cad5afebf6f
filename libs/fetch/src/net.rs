//! Address ranges in CIDR notation (RFC 4632, RFC 4291 section 2.3), as an operator writes them in `[fetch] allow`.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A range of addresses: `127.0.0.0/8`, `fd00::/8`, or one address (`10.1.2.3`, meaning `/32` or `/128`).
///
/// Bits beyond the prefix are cleared when it is read: `10.1.2.3/8` is `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpNet {
    base: IpAddr,
    prefix: u8,
}

/// Why a text is no [`IpNet`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address range; write it as 127.0.0.0/8 or fd00::/8")]
pub struct IpNetError(String);

impl IpNet {
    /// The range of the addresses that share the first `prefix` bits with `base`; `None` where the prefix is longer
    /// than the address.
    pub fn new(base: IpAddr, prefix: u8) -> Option<IpNet> {
        let base = match base {
            IpAddr::V4(v4) if prefix <= 32 => IpAddr::V4((v4.to_bits() & mask32(prefix)).into()),
            IpAddr::V6(v6) if prefix <= 128 => IpAddr::V6((v6.to_bits() & mask128(prefix)).into()),
            _ => return None,
        };
        Some(IpNet { base, prefix })
    }

    /// Whether the address lies in the range. An IPv4 range never contains an IPv6 address, nor the other way round;
    /// embedded addresses are the business of [`crate::is_forbidden`].
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.base, ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => ip.to_bits() & mask32(self.prefix) == base.to_bits(),
            (IpAddr::V6(base), IpAddr::V6(ip)) => ip.to_bits() & mask128(self.prefix) == base.to_bits(),
            _ => false,
        }
    }
}

fn mask32(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

fn mask128(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl FromStr for IpNet {
    type Err = IpNetError;

    fn from_str(text: &str) -> Result<IpNet, IpNetError> {
        let error = || IpNetError(text.to_owned());
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = base.trim().parse().map_err(|_| error())?;
        let prefix = match prefix {
            Some(prefix) => prefix.trim().parse().map_err(|_| error())?,
            None if base.is_ipv4() => 32,
            None => 128,
        };
        IpNet::new(base, prefix).ok_or_else(error)
    }
}

impl Serialize for IpNet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IpNet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<IpNet, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_written() {
        for (text, shown) in [
            ("127.0.0.0/8", Some("127.0.0.0/8")),
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("10.1.2.3", Some("10.1.2.3/32")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("fd00::1/8", Some("fd00::/8")),
            ("::1", Some("::1/128")),
            ("::/0", Some("::/0")),
            ("10.0.0.0/33", None),
            ("::/129", None),
            ("localhost", None),
            ("127.0.0.0/", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<IpNet>().ok().map(|net| net.to_string()).as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn ranges_contain_their_own_family_only() {
        let all4: IpNet = "0.0.0.0/0".parse().unwrap();
        assert!(all4.contains("8.8.8.8".parse().unwrap()));
        assert!(!all4.contains("2a00::1".parse().unwrap()));
        let net: IpNet = "192.168.4.0/22".parse().unwrap();
        assert!(net.contains("192.168.7.255".parse().unwrap()));
        assert!(!net.contains("192.168.8.0".parse().unwrap()));
    }
}
