//! Until when an entry is not to be shown: an embargo that its text states, or a date of publication in the future.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use carewire_schemas::Embargo;
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// Bytes of title and text in which an embargo is stated, if it is.
const HEAD: usize = 700;
/// Bytes after the statement in which the date stands.
const DATE: usize = 80;

/// What states an embargo. News on trade embargoes say it otherwise.
const STATEMENTS: [&str; 17] = [
    "embargoed until",
    "embargoed till",
    "embargoed for release until",
    "embargoed for release",
    "under embargo until",
    "under strict embargo until",
    "strict embargo until",
    "embargo until:",
    "embargo:",
    "embargo date:",
    "not for release before",
    "not for release until",
    "not for publication before",
    "not for publication until",
    "sperrfrist bis",
    "sperrfrist:",
    "embargado hasta",
];

/// The embargo of an entry with this title and plain text, `published` by its feed, first seen at `seen`; none where
/// there is none, or it is over.
#[must_use]
pub fn of(title: &str, text: &str, published: Option<Timestamp>, seen: Timestamp) -> Option<Embargo> {
    let ahead = published.filter(|date| *date > seen).map(|until| Embargo { until: Some(until), stated: false });
    let stated = [title, &text[..text.floor_char_boundary(HEAD)]].into_iter().find_map(stated);
    match stated {
        Some(Some(until)) if until > seen && ahead.is_none_or(|ahead| ahead.until < Some(until)) => {
            Some(Embargo { until: Some(until), stated: true })
        }
        Some(None) if ahead.is_none() => Some(Embargo { until: None, stated: true }),
        _ => ahead,
    }
}

/// Whether an embargo is stated, and until when where that can be read.
fn stated(text: &str) -> Option<Option<Timestamp>> {
    static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let kind = MatchKind::LeftmostLongest;
        AhoCorasickBuilder::new().ascii_case_insensitive(true).match_kind(kind).build(STATEMENTS).ok()
    });
    let hit = FINDER.as_ref()?.find(text)?;
    let before = text[..hit.start()].chars().next_back();
    if before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let rest = &text[hit.end()..];
    Some(date(&rest[..rest.floor_char_boundary(DATE)]))
}

/// The first date in a text, with its time and zone. Without a time: noon in UTC, when the day has begun almost everywhere.
/// Without a zone: UTC.
fn date(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '–' | '|' | ';'))
        .map(|word| word.trim_end_matches(['.', '!']))
        .filter(|word| !word.is_empty())
        .collect();
    let (mut day, mut month, mut year, mut time, mut offset) = (None, None, None, None, None);
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).copied().unwrap_or_default();
        if let Ok(instant) = word.parse::<Timestamp>() {
            return Some(instant);
        }
        if day.is_none()
            && let Some((d, m, y)) = numeric(word)
        {
            (day, month, year) = (Some(d), Some(m), Some(y));
        } else if let Some(m) = month_of(word).filter(|_| month.is_none()) {
            month = Some(m);
        } else if let Some(found) = clock(word, next).filter(|_| time.is_none()) {
            time = Some(found);
        } else if let Some(hours) = zone(word) {
            offset = offset.or(Some(hours));
        } else if let Some(number) = number(word) {
            match number {
                1..=31 if day.is_none() => day = i8::try_from(number).ok(),
                2000..=2199 if year.is_none() => year = i16::try_from(number).ok(),
                _ => {}
            }
        }
    }
    let date = civil::Date::new(year?, month?, day?).ok()?;
    let (hour, minute) = time.unwrap_or((12, 0));
    let instant = TimeZone::UTC.to_timestamp(date.at(hour, minute, 0, 0)).ok()?;
    instant.checked_sub(SignedDuration::from_mins(if time.is_some() { offset.unwrap_or(0) } else { 0 })).ok()
}

/// `5`, `5th`.
fn number(word: &str) -> Option<u32> {
    ["st", "nd", "rd", "th"].iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word).parse().ok()
}

/// `2026-12-05`, `05.12.2026`, `05/12/2026`: of two readings the later one, for an embargo must not end early.
fn numeric(word: &str) -> Option<(i8, i8, i16)> {
    if let Ok(date) = word.parse::<civil::Date>() {
        return Some((date.day(), date.month(), date.year()));
    }
    let separator = if word.contains('/') { '/' } else { '.' };
    let parts: Vec<i16> = word.split(separator).map(str::parse).collect::<Result<_, _>>().ok()?;
    let [a, b, year] = parts.as_slice() else { return None };
    let year = if *year < 100 { year + 2000 } else { *year };
    let date = |day: i16, month: i16| civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok();
    let other = if separator == '/' { date(*b, *a) } else { None };
    date(*a, *b).into_iter().chain(other).max().map(|date| (date.day(), date.month(), date.year()))
}

/// English, German and Spanish months by their first letters.
fn month_of(word: &str) -> Option<i8> {
    let word = word.to_lowercase();
    const MONTHS: [&[&str]; 12] = [
        &["jan", "ene"],
        &["feb"],
        &["mar", "mär"],
        &["apr", "abr"],
        &["may", "mai"],
        &["jun"],
        &["jul"],
        &["aug", "ago"],
        &["sep"],
        &["oct", "okt"],
        &["nov"],
        &["dec", "dez", "dic"],
    ];
    if !word.chars().all(char::is_alphabetic) || word.chars().count() < 3 {
        return None;
    }
    let at = MONTHS.iter().position(|heads| heads.iter().any(|head| word.starts_with(head)))?;
    i8::try_from(at + 1).ok()
}

/// `14:00`, `00.01`, `2pm`, `2:30 p.m`, `2 pm`.
fn clock(word: &str, next: &str) -> Option<(i8, i8)> {
    let lower = word.to_ascii_lowercase().replace("a.m", "am").replace("p.m", "pm");
    let half = |text: &str| -> Option<bool> {
        let text = text.to_ascii_lowercase().replace('.', "");
        match text.as_str() {
            "am" => Some(false),
            "pm" => Some(true),
            _ => None,
        }
    };
    let (digits, mut pm) = match lower.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => (&lower[..at], Some(half(&lower[at..])?)),
        None => (lower.as_str(), None),
    };
    if pm.is_none() {
        pm = half(next);
    }
    let parts: Vec<&str> = digits.split([':', '.']).collect();
    let (hour, minute): (i8, i8) = match parts.as_slice() {
        [hour] if pm.is_some() => (hour.parse().ok()?, 0),
        [hour, minute] if minute.len() == 2 && hour.len() <= 2 => (hour.parse().ok()?, minute.parse().ok()?),
        _ => return None,
    };
    let hour = match pm {
        Some(true) if hour < 12 => hour + 12,
        Some(false) if hour == 12 => 0,
        _ => hour,
    };
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some((hour, minute))
}

/// Minutes east of UTC of a zone's short name.
fn zone(word: &str) -> Option<i64> {
    Some(match word.to_ascii_uppercase().as_str() {
        "GMT" | "UTC" | "Z" | "UCT" | "WET" => 0,
        "BST" | "CET" | "MEZ" | "WEST" => 60,
        "CEST" | "MESZ" | "EET" => 120,
        "EEST" => 180,
        // Standard and summer time are told apart by few: the later end holds.
        "ET" | "EST" => -300,
        "EDT" => -240,
        "CT" | "CST" => -360,
        "CDT" => -300,
        "MT" | "MST" => -420,
        "PT" | "PST" => -480,
        "PDT" => -420,
        "AEST" => 600,
        "AEDT" => 660,
        "JST" => 540,
        "IST" => 330,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stated_embargoes_are_read() {
        let seen: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        for (title, text, until) in [
            ("EMBARGOED UNTIL 5 December 2026, 14:00 GMT: New trial", "", "2026-12-05T14:00:00Z"),
            (
                "New trial",
                "Embargoed until: Tuesday, December 5th, 2026 at 2 p.m. ET. Researchers …",
                "2026-12-05T19:00:00Z",
            ),
            ("New trial", "UNDER EMBARGO UNTIL 00:01 GMT, 7 Dec 2026", "2026-12-07T00:01:00Z"),
            ("", "Embargo: 2026-12-05", "2026-12-05T12:00:00Z"),
            ("", "Not for release before 05/12/2026 00.01 CET", "2026-12-04T23:01:00Z"),
            ("", "Not for publication until 2026-12-05T10:30:00Z", "2026-12-05T10:30:00Z"),
            ("", "Sperrfrist: 5. Dezember 2026, 18:00 MEZ", "2026-12-05T17:00:00Z"),
            ("", "Embargoed for release until 12:30pm PST Friday 4 Dec 2026", "2026-12-04T20:30:00Z"),
        ] {
            let embargo = of(title, text, None, seen);
            let want = Embargo { until: Some(until.parse().unwrap()), stated: true };
            assert_eq!(embargo, Some(want), "{title} {text}");
        }
        let unclear = Some(Embargo { until: None, stated: true });
        assert_eq!(of("", "Embargoed until the meeting is over.", None, seen), unclear);
        for nothing in [
            "The embargo on drugs was lifted in 2027.",
            "EU extends trade embargo until 5 December 2026.",
            "Embargoed until 5 October 2026, 14:00 GMT",
            "",
        ] {
            assert_eq!(of(nothing, nothing, None, seen), None, "{nothing}");
        }
    }

    #[test]
    fn the_later_of_date_and_statement_holds() {
        let seen: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let day = |day: &str| format!("2026-11-{day}T12:00:00Z").parse::<Timestamp>().unwrap();
        assert_eq!(of("x", "", Some(day("02")), seen), Some(Embargo { until: Some(day("02")), stated: false }));
        assert_eq!(of("x", "", Some("2026-10-30T00:00:00Z".parse().unwrap()), seen), None);
        let both = of("Embargoed until 3 November 2026", "", Some(day("02")), seen);
        assert_eq!(both, Some(Embargo { until: Some(day("03")), stated: true }));
        let both = of("Embargoed until 3 November 2026", "", Some(day("04")), seen);
        assert_eq!(both, Some(Embargo { until: Some(day("04")), stated: false }));
    }
}
