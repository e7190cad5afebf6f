//! Dates as feeds write them.

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

/// The same, with a note of what was guessed.
pub fn parse_noted(_text: &str) -> Option<Date> {
    todo!()
}
