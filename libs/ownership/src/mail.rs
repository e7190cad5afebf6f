//! Which address may receive a code, and so speak for a feed's host.

use crate::platforms;

/// Names before the `@` that stand for an organization and not for one of its people: a student's or patient's address at the same
/// domain speaks for nobody else. (The first five are those of the CA/Browser Forum's baseline requirements, 3.2.2.4.4.)
pub const NAMES: [&str; 14] = [
    "admin",
    "administrator",
    "hostmaster",
    "postmaster",
    "webmaster",
    "communications",
    "contact",
    "editor",
    "info",
    "media",
    "office",
    "press",
    "redaktion",
    "web",
];

/// Why an address may not.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// It is no mail address.
    #[error("`{0}` is no mail address")]
    NoAddress(String),
    /// The feed's host is shared, or an address without a name.
    #[error("{0} has no mail domain of its own: many publish there, or it is a bare address")]
    NoDomain(String),
    /// It is of another domain.
    #[error("the address must be at {expected}, the domain of the feed, not at {found}")]
    OtherDomain {
        /// The feed's domain.
        expected: String,
        /// The address's.
        found: String,
    },
    /// It may be somebody's own address.
    #[error("`{0}` may be one person's address; the code goes to one of {list}", list = NAMES.join(", "))]
    Personal(String),
}

/// The domain at which an address speaks for a host; none for shared hosts and addresses.
#[must_use]
pub fn domain(host: &str) -> Option<String> {
    platforms::registered(host)
}

/// Checks an address for the host of a feed, and gives it as it is mailed to.
///
/// # Errors
/// Why it may not receive a code.
pub fn check(address: &str, host: &str) -> Result<String, Refused> {
    let address = address.trim().to_ascii_lowercase();
    let wrong = || Refused::NoAddress(address.chars().take(100).collect());
    let (name, at) = address.rsplit_once('@').ok_or_else(wrong)?;
    let good = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+'))
    };
    if !good(name) || !good(at) || address.len() > 254 {
        return Err(wrong());
    }
    let expected = domain(host).ok_or_else(|| Refused::NoDomain(host.to_owned()))?;
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if at != expected && at != host {
        return Err(Refused::OtherDomain { expected, found: at.to_owned() });
    }
    if !NAMES.contains(&name) {
        return Err(Refused::Personal(name.to_owned()));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_for_a_host() {
        let host = "www.clinic.example";
        for (address, host, expected) in [
            ("info@clinic.example", host, Ok("info@clinic.example")),
            (" Press@WWW.clinic.example ", host, Ok("press@www.clinic.example")),
            ("info@clinic.example", "clinic.example", Ok("info@clinic.example")),
            ("info@www.clinic.example", "clinic.example", Err("must be at clinic.example")),
            ("info@evil-clinic.example", host, Err("must be at clinic.example")),
            ("info@clinic.example.evil.example", host, Err("must be at clinic.example")),
            ("jane.doe@clinic.example", host, Err("may be one person's address")),
            ("info@blogspot.com", "clinic.blogspot.com", Err("no mail domain of its own")),
            ("info@gmail.com", host, Err("must be at clinic.example")),
            ("info@192.0.2.1", "192.0.2.1", Err("no mail domain of its own")),
            ("info", host, Err("is no mail address")),
            ("info\r\nBcc: x@clinic.example", host, Err("is no mail address")),
            ("info@clinic.example>", host, Err("is no mail address")),
            ("x@info@clinic.example", host, Err("is no mail address")),
        ] {
            match (check(address, host), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{address}: {error}"),
                (found, _) => panic!("{address}: {found:?}"),
            }
        }
    }
}
