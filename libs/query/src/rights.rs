//! What a licence lets others do with a text: Creative Commons and the public domain, by address or name. Pure.
//!
//! What is not recognised grants nothing: a text without a licence is its publisher's.

/// A licence that allows copying.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Granted {
    /// Its short name, such as `CC BY-SA 4.0`.
    pub name: String,
    /// The address of its text.
    pub address: String,
    /// Whether the author must be named.
    pub attribution: bool,
    /// Whether copies must not be sold.
    pub non_commercial: bool,
    /// Whether copies must be under the same licence.
    pub share_alike: bool,
    /// Whether it must stay as it is.
    pub no_derivatives: bool,
}

/// What a licence grants; none for one that is not known to allow copying.
#[must_use]
pub fn granted(licence: &str) -> Option<Granted> {
    let text = licence.trim().to_ascii_lowercase();
    if text.len() > 300 {
        return None;
    }
    let bare = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if let Some(address) = bare {
        let path = address.strip_prefix("www.").unwrap_or(address).strip_prefix("creativecommons.org/")?;
        let mut parts = path.split(['/', '?', '#']).filter(|part| !part.is_empty());
        return match (parts.next()?, parts.next()?, parts.next()) {
            ("licenses", terms, version) => by_terms(terms, version.unwrap_or("4.0")),
            ("publicdomain", "zero", _) => {
                Some(public("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"))
            }
            ("publicdomain", "mark", _) => {
                Some(public("Public domain", "https://creativecommons.org/publicdomain/mark/1.0/"))
            }
            _ => None,
        };
    }
    let words = text.replace(['_', '/'], " ");
    if ["cc0", "cc0 1.0", "cc0-1.0", "cc zero"].contains(&words.as_str()) {
        return Some(public("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"));
    }
    if ["public domain", "publicdomain"].contains(&words.as_str()) {
        return Some(public("Public domain", "https://creativecommons.org/publicdomain/mark/1.0/"));
    }
    // `CC BY-SA 4.0`, `CC-BY-SA-4.0` (SPDX), `cc by`.
    let rest = words.strip_prefix("cc").filter(|rest| rest.starts_with(['-', ' ']))?;
    let rest = rest.trim_matches(['-', ' ']);
    let (terms, version) = match rest.rfind(|c: char| !(c.is_ascii_digit() || c == '.')) {
        Some(at) if at + 1 < rest.len() => (rest[..at].trim_end_matches(['-', ' ']), &rest[at + 1..]),
        _ => (rest, "4.0"),
    };
    by_terms(&terms.replace(' ', "-"), version)
}

fn public(name: &str, address: &str) -> Granted {
    Granted {
        name: name.to_owned(),
        address: address.to_owned(),
        attribution: false,
        non_commercial: false,
        share_alike: false,
        no_derivatives: false,
    }
}

fn by_terms(terms: &str, version: &str) -> Option<Granted> {
    if !["by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd"].contains(&terms)
        || !["1.0", "2.0", "2.5", "3.0", "4.0"].contains(&version)
    {
        return None;
    }
    let has = |part: &str| terms.split('-').any(|one| one == part);
    Some(Granted {
        name: format!("CC {} {version}", terms.to_ascii_uppercase()),
        address: format!("https://creativecommons.org/licenses/{terms}/{version}/"),
        attribution: true,
        non_commercial: has("nc"),
        share_alike: has("sa"),
        no_derivatives: has("nd"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_that_allow_copying_are_known() {
        let table = [
            ("https://creativecommons.org/licenses/by/4.0/", Some("CC BY 4.0")),
            ("http://creativecommons.org/licenses/by-nc-sa/3.0/de/", Some("CC BY-NC-SA 3.0")),
            ("https://creativecommons.org/publicdomain/zero/1.0/", Some("CC0 1.0")),
            ("CC BY-SA 4.0", Some("CC BY-SA 4.0")),
            ("cc-by-nd-4.0", Some("CC BY-ND 4.0")),
            ("CC BY", Some("CC BY 4.0")),
            ("CC0", Some("CC0 1.0")),
            ("Public Domain", Some("Public domain")),
            ("All rights reserved", None),
            ("© 2026 The Clinic", None),
            ("https://clinic.example/licenses/by/4.0/", None),
            ("https://creativecommons.org/licenses/by-all/4.0/", None),
            ("https://creativecommons.org/licenses/by/9.9/", None),
            ("https://creativecommons.org.evil.example/licenses/by/4.0/", None),
            ("ccby", None),
            ("", None),
        ];
        for (licence, expected) in table {
            assert_eq!(granted(licence).map(|granted| granted.name).as_deref(), expected, "{licence}");
        }
        let strict = granted("CC BY-NC-ND 4.0").expect("known");
        assert!(strict.attribution && strict.non_commercial && strict.no_derivatives && !strict.share_alike);
    }
}
