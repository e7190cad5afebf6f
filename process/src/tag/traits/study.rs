//! The study that a text speaks of: its numbers in registries, DOI, PubMed id, and how many took part.

use carewire_schemas::Study;
use memchr::memmem;

/// Most ids kept of each sort: a page that lists more is a bibliography, and is about none of them.
const MOST: usize = 5;
/// Most bytes that are looked at.
const READ: usize = 60_000;

/// Ids in `html` (or any text) and in the item's own address, normalised and in order, without repeats.
#[must_use]
pub fn ids(html: &str, url: Option<&str>) -> Study {
    let mut study = Study::default();
    for text in url.into_iter().chain([&html[..html.floor_char_boundary(READ)]]) {
        let bytes = text.as_bytes();
        for (prefix, digits) in [("NCT", 8), ("ISRCTN", 8)] {
            for at in memmem::find_iter(bytes, prefix) {
                let from = at + prefix.len();
                if let Some(number) = digits_at(bytes, from, digits)
                    && !before_is_word(bytes, at)
                {
                    add(&mut study.registrations, format!("{prefix}{number}"));
                }
            }
        }
        eudract(text, &mut study.registrations);
        for at in memmem::find_iter(bytes, "10.") {
            if !before_is_word(bytes, at)
                && let Some(doi) = doi_at(&text[at..])
            {
                add(&mut study.dois, doi);
            }
        }
        for mark in ["PMID", "pubmed.ncbi.nlm.nih.gov/", "ncbi.nlm.nih.gov/pubmed/"] {
            for at in memmem::find_iter(bytes, mark) {
                let rest = text[at + mark.len()..].trim_start_matches([':', ' ', '\u{a0}']);
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                if (4..=8).contains(&digits) {
                    add(&mut study.pmids, format!("pmid:{}", &rest[..digits]));
                }
            }
        }
    }
    study
}

fn add(list: &mut Vec<String>, id: String) {
    if list.len() < MOST && !list.contains(&id) {
        list.push(id);
    }
}

fn before_is_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'.')
}

/// Exactly `count` digits at `from`.
fn digits_at(bytes: &[u8], from: usize, count: usize) -> Option<&str> {
    let digits = bytes.get(from..from + count)?;
    let more = bytes.get(from + count).is_some_and(u8::is_ascii_digit);
    (digits.iter().all(u8::is_ascii_digit) && !more).then(|| std::str::from_utf8(digits).ok())?
}

/// `2004-000446-20`, where EudraCT or EU CT is named; and numbers with its prefix.
fn eudract(text: &str, out: &mut Vec<String>) {
    let bytes = text.as_bytes();
    for mark in ["EudraCT", "EUDRACT", "EUCTR", "EU CT"] {
        for at in memmem::find_iter(bytes, mark) {
            let from = at + mark.len();
            let window = &bytes[from..bytes.len().min(from + 40)];
            for start in 0..window.len().saturating_sub(13) {
                let number = &window[start..start + 14];
                let form = number
                    .iter()
                    .enumerate()
                    .all(|(n, b)| if matches!(n, 4 | 11) { *b == b'-' } else { b.is_ascii_digit() });
                if form && let Ok(number) = std::str::from_utf8(number) {
                    add(out, format!("EUCTR{number}"));
                    break;
                }
            }
        }
    }
}

/// A DOI (ISO 26324) that `text` begins with, in lower case, without what is not likely to be part of it.
fn doi_at(text: &str) -> Option<String> {
    let prefix = text[3..].bytes().take_while(u8::is_ascii_digit).count();
    let slash = 3 + prefix;
    if !(4..=9).contains(&prefix) || text.as_bytes().get(slash) != Some(&b'/') {
        return None;
    }
    let suffix = &text[slash + 1..];
    let end = suffix
        .find(|c: char| {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '"' | '<' | '>' | '&' | '?' | '#' | '\'' | '{' | '}' | '|' | '\\' | '^')
        })
        .unwrap_or(suffix.len())
        .min(suffix.floor_char_boundary(200));
    let mut suffix = suffix[..end].trim_end_matches(['.', ',', ';', ':', ']', '”', '’']);
    // A closing bracket belongs to it only where one was opened.
    while suffix.ends_with(')') && suffix.matches(')').count() > suffix.matches('(').count() {
        suffix = suffix[..suffix.len() - 1].trim_end_matches(['.', ',', ';']);
    }
    (!suffix.is_empty()).then(|| format!("{}/{}", &text[..slash], suffix).to_ascii_lowercase())
}

/// Who takes part in studies.
const PEOPLE: [&str; 33] = [
    "patients",
    "people",
    "participants",
    "adults",
    "women",
    "men",
    "children",
    "volunteers",
    "subjects",
    "infants",
    "babies",
    "veterans",
    "students",
    "nurses",
    "teenagers",
    "adolescents",
    "pupils",
    "smokers",
    "britons",
    "americans",
    "births",
    "boys",
    "girls",
    "mothers",
    "workers",
    "individuals",
    "users",
    "pacientes",
    "patienten",
    "participantes",
    "teilnehmer",
    "personas",
    "trials",
];
/// Words that make a number of people those of a study.
const STUDIED: [&str; 24] = [
    "study",
    "trial",
    "enrolled",
    "included",
    "involving",
    "analys",
    "analyz",
    "followed",
    "recruited",
    "survey",
    "randomi",
    "sent",
    "assigned",
    "data",
    "records",
    "participa",
    "took part",
    "filled in",
    "asked",
    "examined",
    "methods",
    "compared",
    "received",
    "worn by",
];
/// Bytes in which the sample is looked for.
const SAMPLE_READ: usize = 3_000;

/// How many took part, where the text says so: "n = 280", or a number of people in a sentence that speaks of a study.
/// `trials` are no people and do not count.
#[must_use]
pub fn sample(title: &str, text: &str) -> Option<u32> {
    let text = &text[..text.floor_char_boundary(SAMPLE_READ)];
    [title, text].into_iter().find_map(|text| text.split(['\n', '?', '!']).find_map(in_line))
}

fn in_line(line: &str) -> Option<u32> {
    if !line.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let lower = line.to_lowercase();
    let studied = STUDIED.iter().any(|word| lower.contains(word));
    for (at, word) in words.iter().enumerate() {
        // "(n=280)", "n = 280"
        let bare = word.trim_start_matches(['(', '[']);
        let given = bare.strip_prefix("n=").or_else(|| bare.strip_prefix("N=")).map(str::to_owned).or_else(|| {
            let equals = words.get(at + 1) == Some(&"=");
            (equals && matches!(bare, "n" | "N")).then(|| words.get(at + 2).map(|word| (*word).to_owned())).flatten()
        });
        if let Some(number) = given.as_deref().and_then(number) {
            return u32::try_from(number).ok();
        }
        let Some(value) = number(word) else { continue };
        let (value, skip) = match words.get(at + 1).copied() {
            Some("million" | "millones" | "Millionen") => (value.saturating_mul(1_000_000), 2),
            _ => (value, 1),
        };
        // "4,000 young men": the people stand within the next three words.
        let people = words.iter().skip(at + skip).take(3).any(|word| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
            PEOPLE.contains(&word.as_str()) && word != "trials"
        });
        let years = words.get(at + 1).is_some_and(|next| next.starts_with("year"));
        if people && studied && !years && value >= 3 {
            return u32::try_from(value).ok();
        }
    }
    None
}

/// A whole number, with thousands parted or not; years and percentages are none.
fn number(word: &str) -> Option<u64> {
    let word = word.trim_matches(|c: char| matches!(c, '(' | ')' | '[' | ']' | ',' | ';' | ':' | '.'));
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let parted = word.contains([',', '.']);
    if parted && !word.split([',', '.']).skip(1).all(|group| group.len() == 3) {
        return None;
    }
    let digits: String = word.chars().filter(|c| !matches!(c, ',' | '.')).collect();
    digits.parse().ok().filter(|value| *value < 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_studies() {
        let html = "Registered as NCT03619213 (also NCT036192131 and XNCT03619214). ISRCTN12345678. EudraCT number: 2016-001234-21. \
            <a href=\"https://doi.org/10.1056/NEJMoa2206286\">paper</a>, doi: 10.1000/xyz(123)). See 10.1/x, 3.10.2020/5 and \
            <a href=\"https://pubmed.ncbi.nlm.nih.gov/36027570/\">PubMed</a>; PMID: 36027570, PMID 12.";
        let study = ids(html, Some("https://doi.org/10.1016/S0140-6736(20)30183-5"));
        assert_eq!(study.registrations, ["NCT03619213", "ISRCTN12345678", "EUCTR2016-001234-21"]);
        assert_eq!(study.dois, ["10.1016/s0140-6736(20)30183-5", "10.1056/nejmoa2206286", "10.1000/xyz(123)"]);
        assert_eq!(study.pmids, ["pmid:36027570"]);
    }

    #[test]
    fn samples() {
        for (text, want) in [
            ("In a trial of 327 women, both groups improved.", Some(327)),
            ("Participants (n=280) were allocated.", Some(280)),
            ("Groups (n = 12) differed.", Some(12)),
            ("The study looked at records of 3 million births.", Some(3_000_000)),
            ("We randomly assigned 6263 patients to a drug.", Some(6263)),
            ("4,000 young men took part; half got it.", Some(4000)),
            ("A survey of 1.240 Patienten", Some(1240)),
            ("It affects 30 million people.", None),
            ("The study ran 12 years and people liked it.", None),
            ("A trial found a 3.5 percent drop in patients.", None),
            ("A study in 54 trials", None),
            ("", None),
        ] {
            assert_eq!(sample("", text), want, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_read(text in "(NCT|ISRCTN|10\\.|PMID|EudraCT|n=|[0-9]{1,9}|/|\\(|\\)| |é|patients|study){0,40}") {
            let study = ids(&text, Some(&text));
            assert!(study.ids().all(|id| !id.contains(char::is_whitespace)));
            assert!(sample(&text, &text).is_none_or(|count| count > 0));
        }
    }
}
