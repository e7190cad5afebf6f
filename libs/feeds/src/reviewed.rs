//! When health content was last reviewed and is to be reviewed next, as its text says: `Page last reviewed: 12 May 2025`,
//! `Next review due: 12 May 2028`, and the same in other languages.

use crate::dates;
use jiff::Timestamp;

/// The two dates, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reviewed {
    /// When the content was last looked at by somebody who knows.
    pub last: Option<Timestamp>,
    /// When it is to be looked at again.
    pub next: Option<Timestamp>,
}

/// Words before the date of the last review, in lower case.
const LAST: [&str; 26] = [
    "last reviewed",
    "last medically reviewed",
    "last clinically reviewed",
    "medically reviewed on",
    "clinically reviewed on",
    "date reviewed",
    "date of last review",
    "last review date",
    "reviewed on",
    "review date",
    "última revisión",
    "fecha de revisión",
    "revisado el",
    "revisión médica",
    "dernière révision",
    "dernière relecture",
    "révisé le",
    "relu le",
    "zuletzt überprüft",
    "zuletzt geprüft",
    "letzte überprüfung",
    "ultima revisione",
    "revisionato il",
    "última revisão",
    "revisto em",
    "laatst beoordeeld",
];

/// Words before the date of the next review, in lower case.
const NEXT: [&str; 16] = [
    "next review due",
    "next review date",
    "next review",
    "review due",
    "due for review",
    "to be reviewed",
    "próxima revisión",
    "prochaine révision",
    "prochaine relecture",
    "nächste überprüfung",
    "nächste geplante aktualisierung",
    "nächste prüfung",
    "prossima revisione",
    "próxima revisão",
    "volgende beoordeling",
    "volgende herziening",
];

/// Seconds since 1970 in which a review can be: the years 1995 to 2099.
const PLAUSIBLE: std::ops::Range<i64> = 788_918_400..4_102_444_800;
/// Longest distance from the words to the end of the date, in bytes.
const REACH: usize = 160;
/// The words stand at the head or the foot of a text; so much is looked at from either end.
const EDGE: usize = 16 << 10;

/// Reads both dates out of a text; tags in it are passed over. What is not followed by a date is no statement.
#[must_use]
pub fn in_text(text: &str) -> Reviewed {
    let mut found = Reviewed::default();
    let split = text.len() > 2 * EDGE;
    let head = &text[..if split { text.floor_char_boundary(EDGE) } else { text.len() }];
    let foot = if split { &text[text.ceil_char_boundary(text.len() - EDGE)..] } else { "" };
    for part in [head, foot] {
        // The stems that all the words above share: most texts hold none, and cost one look.
        let lower = part.to_lowercase();
        if !["revi", "révi", "relu", "relecture", "prüf", "aktualisierung", "beoorde", "herziening"]
            .iter()
            .any(|s| lower.contains(s))
        {
            continue;
        }
        found.next = found.next.or_else(|| dated(&lower, &NEXT, &[]));
        found.last = found.last.or_else(|| dated(&lower, &LAST, &["next ", "próxima ", "prossima ", "prochaine "]));
    }
    found
}

/// The date after the first of these words that has one. Words that follow one of `not` are others.
fn dated(lower: &str, words: &[&str], not: &[&str]) -> Option<Timestamp> {
    for word in words {
        for (at, _) in lower.match_indices(word).take(20) {
            if not.iter().any(|n| lower[..at].ends_with(n)) {
                continue;
            }
            let from = at + word.len();
            let to = lower.floor_char_boundary((from + REACH).min(lower.len()));
            if let Some(date) = leading_date(&without_tags(&lower[from..to])) {
                return Some(date);
            }
        }
    }
    None
}

/// Text without tags, blanks joined.
fn without_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => {
                inside = true;
                out.push(' ');
            }
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let text = crate::xml::unescape_html(&out);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The date at the beginning: the longest run of words that is one. A year alone is none.
fn leading_date(text: &str) -> Option<Timestamp> {
    let start = text.trim_start_matches([':', ' ', '-', '–', '—', ',']);
    let start = ["on ", "am ", "el ", "le ", "il ", "em ", "op ", "in "]
        .iter()
        .find_map(|w| start.strip_prefix(w))
        .unwrap_or(start);
    let words: Vec<&str> = start.split(' ').take(5).collect();
    (1..=words.len()).rev().find_map(|n| {
        let text = words[..n].join(" ");
        let text = text.trim_end_matches(['.', ',', ';', ')']);
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let date = if text.len() >= 6 && digits >= 4 { dates::parse(text) } else { None };
        date.filter(|d| PLAUSIBLE.contains(&d.as_second()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_reviews_in_words() {
        let day = |t: Option<Timestamp>| t.map(|t| t.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
        for (text, last, next) in [
            ("Page last reviewed: 12 May 2025 Next review due: 12 May 2028", "2025-05-12", "2028-05-12"),
            (
                "<p>Page last reviewed: <time>12 May 2025</time></p><p>Next review due: 12&nbsp;May 2028.</p>",
                "2025-05-12",
                "2028-05-12",
            ),
            ("Medically reviewed on May 3, 2024 by a cardiologist", "2024-05-03", ""),
            ("Last reviewed on 2024-05-03.", "2024-05-03", ""),
            ("Next review date 01/02/2027", "", "2027-01-02"),
            ("Última revisión: 5 de mayo de 2024. Próxima revisión: 5 de mayo de 2027", "2024-05-05", "2027-05-05"),
            ("Zuletzt überprüft am 5. Mai 2024", "2024-05-05", ""),
            ("Dernière révision : 5 mai 2024", "2024-05-05", ""),
            ("The guideline was reviewed by experts in the field.", "", ""),
            ("Next review: soon", "", ""),
            ("A systematic review date range of 40 studies", "", ""),
            ("", "", ""),
        ] {
            let found = in_text(text);
            assert_eq!((day(found.last).as_str(), day(found.next).as_str()), (last, next), "{text}");
        }
    }

    #[test]
    fn the_foot_of_a_long_text_is_read_too() {
        let text = format!("{}Page last reviewed: 12 May 2025", "é word ".repeat(20_000));
        assert!(in_text(&text).last.is_some());
    }
}
