//! What is remembered of an item and of the entries that carry it, in the form in which the store keeps it.

use carewire_schemas::{
    Cleaned, EntryId, FeedId, ItemV1, Joined, OrganizationId, PipelineVersion, SourceRef, TaggedV1,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::policy::words::FoundWord;

/// Longest decompressed body that is believed.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// An entry that carries an item, with what is needed to make it the item's content.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Member {
    /// The entry.
    pub entry: EntryId,
    /// Its feed.
    pub feed: FeedId,
    /// Whose feed it came by.
    pub organization: OrganizationId,
    /// Its version: the feed's turn.
    pub version: i64,
    /// What cleaned and tagged it.
    pub pipeline: PipelineVersion,
    /// When this revision was first seen.
    pub seen: Timestamp,
    /// The feed that it was taken from, as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// When its publisher declared it deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Timestamp>,
    /// Why, where it is not that its publisher declared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it was found to belong to the item; none for the one that the item began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Joined>,
    /// Blocked words found in it, by the rules of the time: at most one for each rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<FoundWord>,
    /// What readers see; `text` is empty, `html` carries it.
    pub cleaned: Cleaned,
}

impl Member {
    /// A member made of a tagged entry, with the blocked words in it.
    #[must_use]
    pub fn new(tagged: TaggedV1, words: Vec<FoundWord>) -> Self {
        Self {
            entry: tagged.entry,
            feed: tagged.feed,
            organization: tagged.organization,
            version: tagged.version,
            pipeline: tagged.pipeline,
            seen: tagged.seen,
            source: tagged.source,
            deleted: None,
            reason: None,
            joined: None,
            words,
            cleaned: Cleaned { text: String::new(), ..tagged.cleaned },
        }
    }

    /// When it was published, in milliseconds since the epoch: as its feed says, else when it was seen.
    #[must_use]
    pub fn published(&self) -> i64 {
        self.cleaned.published.unwrap_or(self.seen).as_millisecond()
    }
}

/// An item as it was produced last, without its content, which is that of one of its members.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Body {
    /// The member whose content it has: the origin.
    pub origin: EntryId,
    /// The item; `cleaned` is empty.
    pub item: ItemV1,
}

/// What the store holds of the grouping worker cannot be read: damage, or a newer version of this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what is stored of {what} cannot be read: {why}")]
pub struct Damaged {
    /// Which item or entry.
    pub what: String,
    /// In which way.
    pub why: String,
}

impl Damaged {
    /// Damage of `what`.
    pub fn new(what: impl ToString, why: impl ToString) -> Self {
        Self { what: what.to_string(), why: why.to_string() }
    }
}

/// Below this, compressing costs more than it saves.
const SMALL: usize = 1_000;

/// JSON, compressed: its length (u32, little-endian) and a zstd frame; or 0 and the JSON itself, where that is short.
///
/// # Errors
/// When the compressor fails, which it does for want of memory only.
pub fn pack<T: Serialize>(compressor: &mut zstd::bulk::Compressor<'_>, value: &T) -> std::io::Result<Vec<u8>> {
    let json = serde_json::to_vec(value)?;
    if json.len() < SMALL {
        return Ok([&[0; 4], json.as_slice()].concat());
    }
    let frame = compressor.compress(&json)?;
    let mut out = Vec::with_capacity(4 + frame.len());
    // Records are bounded by the bus, far below 4 GiB.
    out.extend_from_slice(&(json.len() as u32).to_le_bytes());
    out.extend_from_slice(&frame);
    Ok(out)
}

/// Reads what [`pack`] wrote.
///
/// # Errors
/// When it is no such thing.
pub fn unpack<T: DeserializeOwned>(what: impl ToString, bytes: &[u8]) -> Result<T, Damaged> {
    let read = || -> Result<T, String> {
        let (head, frame) = bytes.split_at_checked(4).ok_or("too short")?;
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if length == 0 {
            return serde_json::from_slice(frame).map_err(|error| error.to_string());
        }
        if length > MAX_BODY {
            return Err(format!("{length} bytes"));
        }
        let json = zstd::bulk::decompress(frame, length).map_err(|error| error.to_string())?;
        serde_json::from_slice(&json).map_err(|error| error.to_string())
    };
    read().map_err(|why| Damaged::new(what.to_string(), why))
}
