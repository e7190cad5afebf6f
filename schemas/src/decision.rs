//! `carewire.decisions`: what a curator decided and why, undo included.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    condition::ConditionCode,
    ids::{DecisionId, ItemId},
};

/// One decision about one item. Relayed from the store, where it already took effect; no stage applies it again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DecisionV1 {
    /// The decision.
    pub id: DecisionId,
    /// The item; the record's key.
    pub item: ItemId,
    /// What was decided.
    pub verdict: Verdict,
    /// Why, in words.
    pub reason: String,
    /// Who decided: the name of the token or user.
    pub by: String,
    /// When.
    #[schemars(with = "crate::document::DateTime")]
    pub at: Timestamp,
    /// The item's version that the curator saw; none for an import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i64>,
}

/// What a curator can decide. The newest of each kind holds; `undo` lifts all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Verdict {
    /// The item carries the network's name.
    Approve,
    /// The item is not shown; where it was, it is withdrawn.
    Hide,
    /// The conditions that the item is about, in place of the tagger's.
    Retag {
        /// Codes that the item is about.
        about: Vec<ConditionCode>,
    },
    /// The rule's and the tagger's say holds again.
    Undo,
}
