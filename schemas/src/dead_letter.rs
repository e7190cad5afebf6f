//! `carewire.dead-letters`: what could not be handled.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A record that a stage could not handle, with what is needed to send it again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetterV1 {
    /// The stage that gave up: `tag`, `group`, `sink`.
    pub stage: String,
    /// Where the record stood.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key, UTF-8 with invalid bytes replaced.
    pub key: String,
    /// Its value, base64; none for a tombstone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// What went wrong.
    pub error: String,
    /// How often it was tried.
    pub tries: u32,
    /// When the stage gave up.
    #[schemars(with = "crate::document::DateTime")]
    pub at: Timestamp,
}

impl DeadLetterV1 {
    /// The dead letter of a record: `place` is topic, partition and offset.
    #[must_use]
    pub fn new<'a>(
        stage: &str,
        place: (&str, i32, i64),
        key: &[u8],
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        error: &str,
    ) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            stage: stage.to_owned(),
            topic: place.0.to_owned(),
            partition: place.1,
            offset: place.2,
            key: text(key),
            value: value.map(|bytes| STANDARD.encode(bytes)),
            headers: headers.map(|(name, value)| (name.to_owned(), text(value))).collect(),
            error: error.to_owned(),
            tries: 1,
            at: Timestamp::now(),
        }
    }

    /// The record's value; none for a tombstone, and where it is no base64.
    #[must_use]
    pub fn value_bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.value.as_deref()?).ok()
    }
}
