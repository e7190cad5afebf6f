//! Any other form: words and numbers, told apart by what they can be.

use super::strict::month_by_name;
use super::{Date, Parts, full_year, zone_by_name};

/// Month names and their usual short forms, without marks on letters, by language; English is known elsewhere.
/// A word matches by its first letters, the longer form first.
const MONTHS: [&[&str]; 12] = [
    &[
        "januar",
        "janvier",
        "janv",
        "enero",
        "ene",
        "gennaio",
        "gen",
        "janeiro",
        "ianouariou",
        "ιανουαρίου",
        "ιαν",
        "январ",
        "янв",
        "styczn",
        "sty",
        "leden",
        "ledn",
        "ocak",
        "jän",
        "tammi",
    ],
    &[
        "februar",
        "fevrier",
        "février",
        "févr",
        "fev",
        "fév",
        "febrero",
        "febbraio",
        "fevereiro",
        "φεβρουαρίου",
        "φεβ",
        "феврал",
        "фев",
        "lut",
        "únor",
        "únor",
        "şubat",
        "februari",
        "február",
        "helmi",
    ],
    &[
        "märz",
        "marz",
        "maerz",
        "mär",
        "mrz",
        "mars",
        "marzo",
        "março",
        "maart",
        "mrt",
        "μαρτίου",
        "μάρ",
        "μαρ",
        "март",
        "мар",
        "marzec",
        "marca",
        "březn",
        "március",
        "maliskuu",
        "maalis",
    ],
    &[
        "avril",
        "avr",
        "abril",
        "abr",
        "aprile",
        "απριλίου",
        "απρ",
        "апрел",
        "апр",
        "kwie",
        "dubn",
        "április",
        "ápr",
        "nisan",
        "huhti",
    ],
    &[
        "mai",
        "mayo",
        "maggio",
        "mag",
        "maio",
        "mei",
        "μαΐου",
        "μάϊ",
        "μαϊ",
        "μάι",
        "мая",
        "май",
        "maj",
        "květ",
        "május",
        "máj",
        "mayıs",
        "touko",
    ],
    &[
        "juin",
        "junio",
        "giugno",
        "giu",
        "junho",
        "juni",
        "ιουνίου",
        "ιούν",
        "ιον",
        "ιουν",
        "июн",
        "czerw",
        "cze",
        "červn",
        "június",
        "jún",
        "haziran",
        "kesä",
    ],
    &[
        "juillet",
        "juil",
        "julio",
        "luglio",
        "lug",
        "julho",
        "juli",
        "ιουλίου",
        "ιούλ",
        "ιολ",
        "ιουλ",
        "июл",
        "lip",
        "červenec",
        "július",
        "júl",
        "temmuz",
        "heinä",
    ],
    &[
        "août",
        "aout",
        "agosto",
        "ago",
        "august",
        "augustus",
        "αυγούστου",
        "αύγ",
        "αυγ",
        "август",
        "авг",
        "sierp",
        "sie",
        "srpn",
        "augusztus",
        "ağustos",
        "elo",
    ],
    &[
        "septembre",
        "septiembre",
        "settembre",
        "set",
        "setembro",
        "septiembr",
        "σεπτεμβρίου",
        "σεπ",
        "сентябр",
        "сен",
        "wrze",
        "wrz",
        "září",
        "szeptember",
        "szept",
        "eylül",
        "syys",
    ],
    &[
        "oktober",
        "okt",
        "octobre",
        "octubre",
        "ottobre",
        "ott",
        "outubro",
        "out",
        "οκτωβρίου",
        "οκτ",
        "октябр",
        "окт",
        "paźdz",
        "paź",
        "říj",
        "október",
        "ekim",
        "loka",
    ],
    &[
        "novembre",
        "noviembre",
        "novembro",
        "νοεμβρίου",
        "νοέ",
        "νοε",
        "ноябр",
        "ноя",
        "listopad",
        "lis",
        "marras",
        "kasım",
    ],
    &[
        "dezember",
        "dez",
        "décembre",
        "déc",
        "diciembre",
        "dic",
        "dicembre",
        "dezembro",
        "δεκεμβρίου",
        "δεκ",
        "декабр",
        "дек",
        "grud",
        "gru",
        "prosin",
        "december",
        "aralık",
        "joulu",
    ],
];

/// Morning and afternoon.
const AM: [&str; 5] = ["am", "a.m", "오전", "午前", "上午"];
const PM: [&str; 7] = ["pm", "p.m", "오후", "午後", "下午", "μμ", "mm"];

fn month(word: &str) -> Option<u32> {
    if let Some(m) = month_by_name(word.as_bytes()) {
        return Some(m);
    }
    let lower = word.to_lowercase();
    let mut best: Option<(usize, u32)> = None;
    for (i, names) in MONTHS.iter().enumerate() {
        for name in *names {
            if (lower.starts_with(name) || (name.starts_with(&lower) && lower.chars().count() >= 3))
                && best.is_none_or(|(len, _)| name.len() > len)
            {
                best = Some((name.len(), i as u32 + 1));
            }
        }
    }
    best.map(|(_, m)| m)
}

/// A piece of the text.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Number(u32, usize),
    Word(&'a str),
    Sign(char),
}

fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut out = Vec::with_capacity(16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let len = if c.is_ascii_digit() {
            let len = rest.bytes().take_while(u8::is_ascii_digit).count();
            out.push(Piece::Number(rest[..len].parse().ok()?, len));
            len
        } else if c.is_alphabetic() {
            let len = rest.char_indices().find(|(_, c)| !c.is_alphabetic()).map_or(rest.len(), |(i, _)| i);
            out.push(Piece::Word(&rest[..len]));
            len
        } else {
            if !c.is_whitespace() {
                out.push(Piece::Sign(c));
            } else if !matches!(out.last(), Some(Piece::Sign(' '))) {
                out.push(Piece::Sign(' '));
            }
            c.len_utf8()
        };
        rest = &rest[len..];
        if out.len() > 60 {
            return None;
        }
    }
    Some(out)
}

/// Reads words and numbers: the time is what has colons (or the signs for hour and minute), the month is the word
/// that names one, the year is the number of four digits.
pub(super) fn parse(text: &str) -> Option<Date> {
    if let Some(date) = epoch(text) {
        return Some(date);
    }
    let list = pieces(text)?;
    let mut p = Parts::default();
    let mut numbers: Vec<(u32, usize)> = Vec::new();
    let (mut pm, mut i) = (None, 0);
    let mut dotted = false;
    while i < list.len() {
        match &list[i] {
            Piece::Number(n, len) => {
                let colon = |at: usize| matches!(list.get(at), Some(Piece::Sign(':')));
                let unit = match list.get(i + 1) {
                    Some(Piece::Word(w)) => w.chars().next(),
                    _ => None,
                };
                if !p.has_time && colon(i + 1) && matches!(list.get(i + 2), Some(Piece::Number(..))) {
                    p.has_time = true;
                    p.hour = *n;
                    i += 2;
                    if let Piece::Number(m, _) = list[i] {
                        p.minute = m;
                    }
                    if colon(i + 1)
                        && let Some(Piece::Number(s, _)) = list.get(i + 2)
                    {
                        p.second = *s;
                        i += 2;
                        // a fraction, after a point or (MS SQL) a colon
                        if matches!(list.get(i + 1), Some(Piece::Sign('.' | ',' | ':')))
                            && matches!(list.get(i + 2), Some(Piece::Number(..)))
                        {
                            i += 2;
                        }
                    }
                } else if matches!(unit, Some('년' | '年')) {
                    p.year = full_year(*n, *len);
                    i += 1;
                } else if matches!(unit, Some('월' | '月')) {
                    p.month = *n;
                    i += 1;
                } else if matches!(unit, Some('일' | '日')) {
                    p.day = *n;
                    i += 1;
                } else if matches!(unit, Some('시' | '時' | '时')) {
                    (p.hour, p.has_time) = (*n, true);
                    i += 1;
                } else if matches!(unit, Some('분' | '分')) {
                    p.minute = *n;
                    i += 1;
                } else if matches!(unit, Some('초' | '秒')) {
                    p.second = *n;
                    i += 1;
                } else {
                    numbers.push((*n, *len));
                    dotted |= matches!(list.get(i + 1), Some(Piece::Sign('.')));
                }
            }
            Piece::Word(w) => {
                let lower = w.to_lowercase();
                if p.month == 0
                    && let Some(m) = month(&lower).filter(|_| !(lower.len() <= 3 && is_weekday(&lower)))
                {
                    p.month = m;
                } else if AM.contains(&lower.as_str()) {
                    pm = Some(false);
                } else if PM.contains(&lower.as_str()) {
                    pm = Some(true);
                } else if p.offset.is_none() && (p.has_time || w.len() > 1) {
                    p.offset = if p.has_time { zone_by_name(w) } else { None };
                }
            }
            Piece::Sign(s @ ('+' | '-' | '\u{2212}')) if p.has_time => {
                if let Some(Piece::Number(n, len)) = list.get(i + 1) {
                    let sign = if *s == '+' { 1 } else { -1 };
                    let seconds = match (len, list.get(i + 2), list.get(i + 3)) {
                        (1 | 2, Some(Piece::Sign(':')), Some(Piece::Number(m, _))) => {
                            i += 2;
                            Some(n.checked_mul(3600)?.checked_add(m.checked_mul(60)?)?)
                        }
                        (1 | 2, ..) => Some(n * 3600),
                        (3 | 4, ..) => Some(n / 100 * 3600 + n % 100 * 60),
                        _ => None,
                    };
                    if let Some(seconds) = seconds {
                        p.offset = Some(sign * i32::try_from(seconds).ok()?);
                        i += 1;
                    }
                }
            }
            Piece::Sign(_) => {}
        }
        i += 1;
    }
    match pm {
        Some(true) if p.hour < 12 => p.hour += 12,
        Some(false) if p.hour == 12 => p.hour = 0,
        _ => {}
    }
    assign(&mut p, &numbers, dotted)?;
    if p.offset.is_none() && p.has_time && text.chars().any(|c| ('\u{AC00}'..='\u{D7A3}').contains(&c)) {
        // Korea has one zone and its systems leave it out
        p.offset = Some(9 * 3600);
    }
    p.date()
}

/// Gives the numbers that are left to year, month and day.
fn assign(p: &mut Parts, numbers: &[(u32, usize)], dotted: bool) -> Option<()> {
    let mut left = numbers.to_vec();
    if p.year == 0 {
        let at = left.iter().position(|(n, len)| *len == 4 || *n > 31);
        if let Some(at) = at {
            let (n, len) = left.remove(at);
            p.year = full_year(n, len);
            if at == 0 && p.month == 0 && left.len() >= 2 {
                // year first: month, then day
                (p.month, p.day) = (left[0].0, left[1].0);
                return Some(());
            }
        }
    }
    if p.month == 0 {
        let (a, b) = (left.first()?.0, left.get(1)?.0);
        // day.month in Europe, month/day in America; whatever cannot be a month is the day
        (p.day, p.month) = if dotted || a > 12 { (a, b) } else { (b, a) };
        left.drain(..2);
    }
    if p.day == 0 {
        p.day = if left.is_empty() { 1 } else { left.remove(0).0 };
    }
    if p.year == 0 {
        let (n, len) = *left.first()?;
        p.year = full_year(n, len);
    }
    Some(())
}

fn is_weekday(w: &str) -> bool {
    matches!(w, "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun" | "mar" | "dim" | "lun" | "sam")
}

/// Seconds or milliseconds since 1970, as bare numbers of 10 or 13 digits.
fn epoch(text: &str) -> Option<Date> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: i64 = text.parse().ok()?;
    let timestamp = match text.len() {
        9 | 10 => jiff::Timestamp::from_second(n).ok()?,
        12 | 13 => jiff::Timestamp::from_millisecond(n).ok()?,
        _ => return None,
    };
    Some(Date { timestamp, zone_missing: false, time_missing: false })
}
