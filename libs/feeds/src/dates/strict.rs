//! The two common forms, read byte by byte.

use super::{Date, Parts, days_from_civil, days_in_month, full_year, zone_by_name};

/// A cursor over ASCII.
struct Cursor<'a> {
    b: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.b.get(self.at).copied()
    }
    fn eat(&mut self, c: u8) -> bool {
        let hit = self.peek().is_some_and(|x| x.eq_ignore_ascii_case(&c));
        self.at += usize::from(hit);
        hit
    }
    fn spaces(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_whitespace()) {
            self.at += 1;
        }
    }
    /// Between `min` and `max` digits, with how many there were.
    fn digits(&mut self, min: usize, max: usize) -> Option<(u32, usize)> {
        let start = self.at;
        let mut n = 0u32;
        while self.at - start < max {
            match self.peek() {
                Some(c @ b'0'..=b'9') => n = n * 10 + u32::from(c - b'0'),
                _ => break,
            }
            self.at += 1;
        }
        let len = self.at - start;
        (len >= min).then_some((n, len))
    }
    fn word(&mut self) -> &[u8] {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphabetic()) {
            self.at += 1;
        }
        &self.b[start..self.at]
    }
    fn done(&self) -> bool {
        self.at >= self.b.len()
    }
}

/// RFC 3339 and the W3C's profile: `2003-12-31T10:14:55.5+01:00`, also `20031231`, `2003-365`, `2003-W01-3`, `2003-12`.
pub(super) fn iso(text: &str) -> Option<Date> {
    let mut c = Cursor { b: text.as_bytes(), at: 0 };
    let sign = c.eat(b'-');
    let (y, len) = c.digits(2, 8)?;
    let mut p = Parts { month: 1, day: 1, ..Parts::default() };
    if sign {
        // `-0312`, `--12-31` of ISO 8601:1988 leave the century out
        return None;
    }
    match len {
        8 => (p.year, p.month, p.day) = ((y / 10_000) as i32, y / 100 % 100, y % 100),
        7 => ordinal(&mut p, (y / 1000) as i32, y % 1000)?,
        6 => (p.year, p.month, p.day) = (full_year(y / 10_000, 2), y / 100 % 100, y % 100),
        4 => {
            p.year = y as i32;
            if c.eat(b'-') {
                if c.eat(b'W') {
                    let (week, _) = c.digits(2, 2)?;
                    let weekday =
                        if c.eat(b'-') || c.peek().is_some_and(|x| x.is_ascii_digit()) { c.digits(1, 1)?.0 } else { 1 };
                    week_date(&mut p, week, weekday)?;
                } else {
                    let (n, digits) = c.digits(1, 4)?;
                    match digits {
                        3 => ordinal(&mut p, y as i32, n)?,
                        4 => (p.month, p.day) = (n / 100, n % 100),
                        _ => {
                            p.month = n;
                            if c.eat(b'-') {
                                p.day = c.digits(1, 2)?.0;
                            }
                        }
                    }
                }
            } else if !c.done() && !matches!(c.peek(), Some(b'T' | b't' | b' ')) {
                return None;
            }
        }
        _ => return None,
    }
    if c.done() {
        return p.date();
    }
    if !c.eat(b'T') {
        if !c.peek().is_some_and(|x| x.is_ascii_whitespace()) {
            return None;
        }
        c.spaces();
        c.eat(b'T');
        c.spaces();
    }
    time(&mut c, &mut p)?;
    zone(&mut c, &mut p)?;
    p.date()
}

fn ordinal(p: &mut Parts, year: i32, day: u32) -> Option<()> {
    let mut rest = day;
    for month in 1..=12 {
        let n = days_in_month(year, month);
        if rest <= n && rest > 0 {
            (p.year, p.month, p.day) = (year, month, rest);
            return Some(());
        }
        rest = rest.checked_sub(n)?;
    }
    None
}

/// ISO 8601 weeks: week 1 holds 4 January; days count from Monday.
fn week_date(p: &mut Parts, week: u32, weekday: u32) -> Option<()> {
    if !(1..=53).contains(&week) || !(1..=7).contains(&weekday) {
        return None;
    }
    let fourth = days_from_civil(p.year, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7);
    let day = monday + i64::from(week - 1) * 7 + i64::from(weekday - 1);
    let n = day - days_from_civil(p.year, 1, 1);
    if n < 0 {
        (p.month, p.day, p.year) = (12, (32 + n) as u32, p.year - 1);
        return Some(());
    }
    ordinal(p, p.year, n as u32 + 1).or_else(|| {
        let (year, over) = (p.year + 1, day - days_from_civil(p.year + 1, 1, 1));
        ordinal(p, year, u32::try_from(over).ok()? + 1)
    })
}

/// `10:14:55.5`, `10:14`, `101455`; AM and PM after it.
fn time(c: &mut Cursor<'_>, p: &mut Parts) -> Option<()> {
    let (n, len) = c.digits(1, 6)?;
    p.has_time = true;
    match len {
        6 => (p.hour, p.minute, p.second) = (n / 10_000, n / 100 % 100, n % 100),
        4 => (p.hour, p.minute) = (n / 100, n % 100),
        1 | 2 => {
            p.hour = n;
            if c.eat(b':') || c.eat(b'.') {
                p.minute = c.digits(1, 2)?.0;
                if c.eat(b':')
                    || (c.peek() == Some(b'.')
                        && len == 2
                        && c.b.get(c.at + 1).is_some_and(u8::is_ascii_digit)
                        && c.eat(b'.'))
                {
                    p.second = c.digits(1, 2)?.0;
                }
            }
        }
        _ => return None,
    }
    if c.eat(b'.') || c.eat(b',') {
        let start = c.at;
        let mut scale = 100_000_000;
        while let Some(d @ b'0'..=b'9') = c.peek() {
            p.nanos += u32::from(d - b'0') * scale;
            scale /= 10;
            c.at += 1;
        }
        if c.at == start {
            return None;
        }
    }
    let mark = c.at;
    c.spaces();
    let pm = match c.word() {
        w if w.eq_ignore_ascii_case(b"am") => Some(false),
        w if w.eq_ignore_ascii_case(b"pm") => Some(true),
        _ => {
            c.at = mark;
            None
        }
    };
    match pm {
        Some(true) if p.hour < 12 => p.hour += 12,
        Some(false) if p.hour == 12 => p.hour = 0,
        _ => {}
    }
    Some(())
}

/// A zone to the end of the text: `Z`, `+01:00`, `+0100`, `EST`, `GMT+1`, `Europe/Berlin` (taken as unknown), nothing.
fn zone(c: &mut Cursor<'_>, p: &mut Parts) -> Option<()> {
    c.spaces();
    if c.done() {
        return Some(());
    }
    let word_at = c.at;
    let word = std::str::from_utf8(c.word()).ok()?.to_owned();
    if !word.is_empty() {
        p.offset = zone_by_name(&word);
        if c.peek() == Some(b'/') || (p.offset.is_none() && word.len() > 5) {
            // a zone's name of the IANA database, or prose: no offset that can be believed
            p.offset = None;
            return if word_at > 0 && c.peek() == Some(b'/') { Some(()) } else { None };
        }
    }
    c.spaces();
    let sign = match c.peek() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        // U+2212 MINUS SIGN
        Some(0xE2) if c.b[c.at..].starts_with("\u{2212}".as_bytes()) => {
            c.at += 2;
            -1
        }
        None => return Some(()),
        Some(b'(') => return Some(()),
        _ => {
            // a year after the zone (asctime) is for the loose reading
            return None;
        }
    };
    c.at += 1;
    let (n, len) = c.digits(1, 6)?;
    let seconds = match len {
        1 | 2 => {
            let minutes = if c.eat(b':') { c.digits(1, 2)?.0 } else { 0 };
            n * 3600 + minutes * 60
        }
        3 | 4 => (n / 100) * 3600 + (n % 100) * 60,
        _ => (n / 10_000) * 3600 + (n / 100 % 100) * 60 + n % 100,
    };
    p.offset = Some(sign * i32::try_from(seconds).ok()?);
    Some(())
}

/// RFC 822, 1123, 2822: `Thu, 01 Jan 2004 19:48:21 GMT`, weekday optional, two-digit years, month before the day.
pub(super) fn rfc822(text: &str) -> Option<Date> {
    let mut c = Cursor { b: text.as_bytes(), at: 0 };
    let mut p = Parts::default();
    let first = c.word();
    let mut month = month_by_name(first);
    if !first.is_empty() && month.is_none() {
        if first.len() > 9 {
            return None;
        }
        c.eat(b'.');
        c.spaces();
        c.eat(b',');
    }
    c.spaces();
    if month.is_some() || c.peek().is_some_and(|x| x.is_ascii_alphabetic()) {
        return None;
    }
    p.day = c.digits(1, 2)?.0;
    while matches!(c.peek(), Some(b' ' | b'-' | b'\t' | b'.' | b'/')) {
        c.at += 1;
    }
    if let Some(m) = month_by_name(c.word()) {
        month = Some(m);
    }
    p.month = month?;
    while matches!(c.peek(), Some(b' ' | b'-' | b'\t' | b'.' | b',' | b'/')) {
        c.at += 1;
    }
    let (y, len) = c.digits(1, 4)?;
    p.year = full_year(y, len);
    c.eat(b',');
    c.spaces();
    if c.done() {
        return p.date();
    }
    if c.peek().is_some_and(|x| x.is_ascii_digit()) {
        time(&mut c, &mut p)?;
    }
    zone(&mut c, &mut p)?;
    p.date()
}

/// English months by their first three letters.
pub(super) fn month_by_name(word: &[u8]) -> Option<u32> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    const FULL: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    if word.len() < 3 {
        return None;
    }
    let i = MONTHS.iter().position(|m| word[..3].eq_ignore_ascii_case(*m))?;
    let full = FULL[i].as_bytes();
    (word.len() <= full.len() && word.eq_ignore_ascii_case(&full[..word.len()])).then_some(i as u32 + 1)
}
