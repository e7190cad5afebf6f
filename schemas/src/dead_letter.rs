//! `carewire.dead-letters`: what could not be handled.

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
