//! CloudEvents 1.0 attributes in a record's headers (Kafka protocol binding, binary mode), and W3C Trace Context.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::Serialize;

use crate::topics::Topic;

/// `traceparent` (W3C Trace Context, version 00): 55 characters, `00-<32 hex>-<16 hex>-<2 hex>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceParent {
    /// The trace, the same through all stages.
    pub trace: u128,
    /// The step.
    pub parent: u64,
    /// Flags; 1 is "sampled".
    pub flags: u8,
}

impl TraceParent {
    /// A new trace.
    #[must_use]
    pub fn new() -> Self {
        // Neither may be zero (W3C Trace Context, 3.2.2.3 and 3.2.2.4); nothing rests on nobody guessing them.
        Self { trace: fastrand::u128(1..), parent: fastrand::u64(1..), flags: 1 }
    }

    /// The next step of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self { parent: fastrand::u64(1..), ..self }
    }
}

impl Default for TraceParent {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.parent, self.flags)
    }
}

/// Why a text is no `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no traceparent of version 00")]
pub struct TraceParentError;

impl FromStr for TraceParent {
    type Err = TraceParentError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.trim().split('-');
        let (Some("00"), Some(trace), Some(parent), Some(flags), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TraceParentError);
        };
        let hex = |part: &str, digits: usize| {
            let good = part.len() == digits && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            good.then(|| u128::from_str_radix(part, 16).ok()).flatten().ok_or(TraceParentError)
        };
        let (trace, parent, flags) = (hex(trace, 32)?, hex(parent, 16)?, hex(flags, 2)?);
        if trace == 0 || parent == 0 {
            return Err(TraceParentError);
        }
        Ok(Self { trace, parent: parent as u64, flags: flags as u8 })
    }
}

/// The attributes of one event, as they go into a record's headers.
#[derive(Clone, PartialEq, Debug)]
pub struct EventHeaders {
    /// `ce_id`: unique per event.
    pub id: String,
    /// `ce_type`: with the version, such as `carewire.entry.v1`.
    pub r#type: String,
    /// `ce_source`: the stage that made it, such as `/carewire/ingest`.
    pub source: String,
    /// `ce_subject`: the record's key.
    pub subject: String,
    /// `ce_time`.
    pub time: Timestamp,
    /// `traceparent`.
    pub trace: TraceParent,
}

impl EventHeaders {
    /// Headers of an event of `topic` about `subject`, made now by `stage`.
    #[must_use]
    pub fn new(topic: &Topic, stage: &str, subject: String, version: i64, trace: TraceParent) -> Self {
        Self {
            id: format!("{subject}/{version}"),
            r#type: topic.event_type.to_owned(),
            source: format!("/carewire/{stage}"),
            subject,
            time: Timestamp::now(),
            trace,
        }
    }

    /// As pairs of name and value, `content-type` included.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        [
            ("ce_specversion", "1.0".to_owned()),
            ("ce_id", self.id.clone()),
            ("ce_type", self.r#type.clone()),
            ("ce_source", self.source.clone()),
            ("ce_subject", self.subject.clone()),
            ("ce_time", self.time.to_string()),
            ("content-type", "application/json".to_owned()),
            ("traceparent", self.trace.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// The `traceparent` among a record's headers; a new trace where there is none or a broken one.
    pub fn trace_of<'a>(mut headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> TraceParent {
        headers
            .find(|(name, _)| name.eq_ignore_ascii_case("traceparent"))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }

    /// The `ce_type` among a record's headers.
    pub fn type_of<'a>(mut headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Option<&'a str> {
        headers
            .find(|(name, _)| name.eq_ignore_ascii_case("ce_type"))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }
}

/// An event as JSON.
///
/// # Errors
/// Never for the types of this crate; kept because `serde_json` may fail for others.
pub fn encode<T: Serialize>(event: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(event)
}
