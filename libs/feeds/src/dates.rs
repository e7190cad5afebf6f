//! Dates as feeds write them.
//!
//! RFC 822/1123/2822/5322, RFC 3339 and the W3C's profile of ISO 8601 (week and ordinal dates too), asctime, and the
//! forms that content systems were seen to print: month names in a dozen languages, Korean and Japanese date signs,
//! MS SQL, epoch seconds. The two common forms have a way of their own, without allocation; all others go through one
//! loose reading of words and numbers.

mod loose;
mod strict;

use jiff::Timestamp;

/// A date read, with what was guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// The instant.
    pub timestamp: Timestamp,
    /// No zone was given, or one that nobody knows: taken as UTC.
    pub zone_missing: bool,
    /// No time of day was given: taken as midnight.
    pub time_missing: bool,
}

/// Reads a date in any form that feeds are known to use; see [`parse_noted`].
pub fn parse(text: &str) -> Option<Timestamp> {
    parse_noted(text).map(|d| d.timestamp)
}

/// The same, with a note of what was guessed. Nothing outside the years 1 to 9999 is a date.
pub fn parse_noted(text: &str) -> Option<Date> {
    let text = text.trim();
    if text.len() < 4 || text.len() > 200 {
        return None;
    }
    strict::iso(text).or_else(|| strict::rfc822(text)).or_else(|| loose::parse(text))
}

/// The parts of a date, before they become an instant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parts {
    pub(crate) year: i32,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
    pub(crate) nanos: u32,
    /// Seconds east of UTC.
    pub(crate) offset: Option<i32>,
    pub(crate) has_time: bool,
}

impl Parts {
    /// The instant, if the parts name one. Leap seconds, 24:00 and 31 June run over into the next minute, day, month.
    pub(crate) fn date(self) -> Option<Date> {
        if !(1..=9999).contains(&self.year) || !(1..=12).contains(&self.month) || self.day < 1 || self.day > 31 {
            return None;
        }
        if self.hour > 24 || self.minute > 59 || self.second > 60 || self.offset.is_some_and(|o| o.abs() > 26 * 3600) {
            return None;
        }
        let days = days_from_civil(self.year, self.month, self.day);
        let seconds =
            days * 86_400 + i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
                - i64::from(self.offset.unwrap_or(0));
        let timestamp = Timestamp::new(seconds, i32::try_from(self.nanos).unwrap_or(0)).ok()?;
        Some(Date { timestamp, zone_missing: self.offset.is_none(), time_missing: !self.has_time })
    }
}

/// Days in a month of the Gregorian calendar; `month` is 1–12.
pub(crate) fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that the leap day is the
/// last of its year.
pub(crate) fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    let y = i64::from(year) - i64::from(month <= 2);
    let m = i64::from(month);
    let from_march = (m + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + i64::from(day) - 1;
    y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + day_of_year - 719_468
}

/// A year of two digits, as RFC 2822 (4.3) reads it; three digits count from 1900.
pub(crate) fn full_year(n: u32, digits: usize) -> i32 {
    let n = n as i32;
    match digits {
        1 | 2 if n < 50 => 2000 + n,
        1..=3 => 1900 + n,
        _ => n,
    }
}

/// Seconds east of UTC of a zone's name.
pub(crate) fn zone_by_name(name: &str) -> Option<i32> {
    const HOURS: [(&str, f32); 41] = [
        ("z", 0.0),
        ("ut", 0.0),
        ("utc", 0.0),
        ("gmt", 0.0),
        ("wet", 0.0),
        ("west", 1.0),
        ("bst", 1.0),
        ("ist", 5.5),
        ("cet", 1.0),
        ("cest", 2.0),
        ("met", 1.0),
        ("mest", 2.0),
        ("mez", 1.0),
        ("mesz", 2.0),
        ("eet", 2.0),
        ("eest", 3.0),
        ("msk", 3.0),
        ("msd", 4.0),
        ("sast", 2.0),
        ("wat", 1.0),
        ("eat", 3.0),
        ("jst", 9.0),
        ("kst", 9.0),
        ("hkt", 8.0),
        ("sgt", 8.0),
        ("aest", 10.0),
        ("aedt", 11.0),
        ("nzst", 12.0),
        ("nzdt", 13.0),
        ("nst", -3.5),
        ("ast", -4.0),
        ("adt", -3.0),
        ("est", -5.0),
        ("edt", -4.0),
        ("cst", -6.0),
        ("cdt", -5.0),
        ("mst", -7.0),
        ("mdt", -6.0),
        ("pst", -8.0),
        ("pdt", -7.0),
        ("brt", -3.0),
    ];
    const MORE: [(&str, f32); 8] = [
        ("et", -5.0),
        ("ct", -6.0),
        ("mt", -7.0),
        ("pt", -8.0),
        ("akst", -9.0),
        ("akdt", -8.0),
        ("hst", -10.0),
        ("art", -3.0),
    ];
    if name.len() == 1 {
        // RFC 2822, 4.3: the letters were defined backwards, so only Z can be believed; feeds mean the original sense
        return match name.as_bytes()[0].to_ascii_lowercase() {
            c @ b'a'..=b'i' => Some(-i32::from(c - b'a' + 1) * 3600),
            c @ b'k'..=b'm' => Some(-i32::from(c - b'a') * 3600),
            c @ b'n'..=b'y' => Some(i32::from(c - b'n' + 1) * 3600),
            b'z' => Some(0),
            _ => None,
        };
    }
    HOURS.iter().chain(&MORE).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, h)| (h * 3600.0) as i32)
}
