//! Times as people write them.

use std::time::Duration;

/// A time: RFC 3339, a date (its beginning in UTC), or a span ago as `2h` or `3d`.
pub fn moment(text: &str) -> Result<jiff::Timestamp, String> {
    use jiff::{Timestamp, civil::Date, tz::TimeZone};
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let wrong = || format!("`{text}` is no time: give 2026-11-24T08:00:00Z, 2026-11-24, or 2h or 3d for a time ago");
    if let Ok(date) = text.parse::<Date>() {
        return TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_err(|_| wrong());
    }
    let days = text.strip_suffix('d').and_then(|days| days.trim().parse::<u32>().ok());
    let span = match days {
        Some(days) => Duration::from_secs(86_400 * u64::from(days)),
        None => duration(text).map_err(|_| wrong())?,
    };
    Timestamp::now().checked_sub(span).map_err(|_| wrong())
}

/// `90s`, `2m`, `1h 30m`; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let wrong = || format!("`{text}` is no time: give a number and a unit, as 60s or 2m");
    let time: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(time).map_err(|_| wrong())
}
