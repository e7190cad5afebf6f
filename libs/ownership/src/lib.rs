//! What proves that a feed or channel is an organization's own: pure functions over what was found.
//!
//! Each organization has one token. A proof is that token in a place that only the feed's owner can write: the feed itself, the
//! exact host that serves it, that host's DNS. A host that many share (a public suffix, a blog platform) proves nothing for one
//! of them. The organization's home page covers a feed elsewhere only where that feed links back to it.
//!
//! | file | what |
//! | --- | --- |
//! | [`Way`] | the ways, and how an organization is told of them ([`ways`]) |
//! | [`platforms`] | hosts that many share |
//! | [`page`] | tokens and links in a web page |
//! | [`document`] | tokens and links in a feed |
//! | [`mail`] | which address may receive a code for which host |

pub mod document;
pub mod mail;
pub mod page;
pub mod platforms;
mod way;

pub use way::{Instruction, Place, Way, ways};

/// Path of the file on the feed's host; one token a line, so that several networks and organizations can share it.
pub const WELL_KNOWN: &str = "/.well-known/carewire-verification.txt";
/// Name of the `meta` element, relation of the `link` element, and what a TXT record begins with.
pub const NAME: &str = "carewire-verification";
/// Label under which a TXT record may stand where the host's own name cannot have one (an alias).
pub const DNS_LABEL: &str = "_carewire";

/// The value of a TXT record.
#[must_use]
pub fn txt_record(token: &str) -> String {
    format!("{NAME}={token}")
}

/// Whether one of a name's TXT records carries the token.
#[must_use]
pub fn in_records(records: &[String], token: &str) -> bool {
    let wanted = txt_record(token);
    records.iter().any(|record| record.trim() == wanted)
}

/// Whether a file holds the token on a line of its own.
#[must_use]
pub fn in_file(text: &str, token: &str) -> bool {
    text.trim_start_matches('\u{feff}').lines().any(|line| line.trim() == token)
}

/// Whether `text` holds the token as a word: a longer word that begins with it is another one.
#[must_use]
pub fn in_text(text: &str, token: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(token).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + token.len()..].chars().next();
        !token.is_empty() && !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_whole_or_not_at_all() {
        let token = "carewire-0123abcd";
        for (text, file, word) in [
            ("carewire-0123abcd", true, true),
            ("\u{feff}carewire-0123abcd\r\nother\n", true, true),
            ("# tokens\n  carewire-0123abcd  \n", true, true),
            ("see carewire-0123abcd.", false, true),
            ("(carewire-0123abcd)", false, true),
            ("carewire-0123abcdef", false, false),
            ("xcarewire-0123abcd", false, false),
            ("carewire-0123abcd-2, carewire-0123abcd", false, true),
            ("CAREWIRE-0123ABCD", false, false),
            ("", false, false),
        ] {
            assert_eq!((in_file(text, token), in_text(text, token)), (file, word), "{text:?}");
        }
        assert!(!in_text("anything", ""));
        for (record, found) in [
            ("carewire-verification=carewire-0123abcd", true),
            (" carewire-verification=carewire-0123abcd ", true),
            ("carewire-0123abcd", false),
            ("v=spf1 carewire-verification=carewire-0123abcd", false),
        ] {
            assert_eq!(in_records(&[record.to_owned()], token), found, "{record}");
        }
    }
}
