//! Ids: newtypes over UUIDs, so that no two kinds can be confused.
//!
//! Ids that must come out equal when work is done twice (entry, item, story) are derived (UUID version 5,
//! RFC 9562 §5.5) from what identifies the thing; the others are random in time order (version 7, §5.7).

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id in time order (UUID version 7).
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(Uuid::parse_str(text)?))
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

uuid_id! {
    /// A registered feed or channel.
    FeedId
}
uuid_id! {
    /// An organization of the network.
    OrganizationId
}
uuid_id! {
    /// One entry of one feed, the same at every poll.
    EntryId
}
uuid_id! {
    /// An item: one piece of content, whichever organizations' entries carry it.
    ItemId
}
uuid_id! {
    /// A story: items of several organizations about one event.
    StoryId
}
uuid_id! {
    /// One decision of a curator.
    DecisionId
}

/// Namespaces of the derived ids; changing one would rename every id of its kind.
const ENTRY_NAMESPACE: Uuid = Uuid::from_u128(0x6d2f_1a54_9c31_4c0e_8d57_b1c9_3e60_a001);
const ITEM_NAMESPACE: Uuid = Uuid::from_u128(0x6d2f_1a54_9c31_4c0e_8d57_b1c9_3e60_a002);
const STORY_NAMESPACE: Uuid = Uuid::from_u128(0x6d2f_1a54_9c31_4c0e_8d57_b1c9_3e60_a003);

impl EntryId {
    /// The id of the entry that `feed` identifies by `key` (its guid, else what stands in for it). The feed is
    /// part of the name, so no feed can claim another's entries.
    #[must_use]
    pub fn derive(feed: FeedId, key: &str) -> Self {
        let mut name = Vec::with_capacity(16 + key.len());
        name.extend_from_slice(feed.0.as_bytes());
        name.extend_from_slice(key.as_bytes());
        Self(Uuid::new_v5(&ENTRY_NAMESPACE, &name))
    }
}

impl ItemId {
    /// The id of the item that began with `entry`.
    #[must_use]
    pub fn derive(entry: EntryId) -> Self {
        Self(Uuid::new_v5(&ITEM_NAMESPACE, entry.0.as_bytes()))
    }
}

impl StoryId {
    /// The id of the story that began with `item`.
    #[must_use]
    pub fn derive(item: ItemId) -> Self {
        Self(Uuid::new_v5(&STORY_NAMESPACE, item.0.as_bytes()))
    }
}

/// A number of the sequence: the one cursor of every output. Starts at 1, without gaps; 0 is "before the first".
pub type ChangeSeq = i64;

/// A short name in addresses: 1–63 of `a-z`, `0-9` and inner `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

/// Why a text is no slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no slug: 1 to 63 characters of a-z, 0-9 and -, not beginning or ending with -")]
pub struct SlugError(pub String);

impl Slug {
    /// Checks `text`; nothing is repaired.
    ///
    /// # Errors
    /// When `text` is empty, longer than 63, has other characters, or begins or ends with `-`.
    pub fn new(text: impl Into<String>) -> Result<Self, SlugError> {
        let text = text.into();
        let good = (1..=63).contains(&text.len())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !text.starts_with('-')
            && !text.ends_with('-');
        if good { Ok(Self(text)) } else { Err(SlugError(text)) }
    }

    /// Makes a slug of a name: lower case, runs of other characters become one `-`, cut at 63. Names without a
    /// single ASCII letter or digit give `None`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut out = String::with_capacity(name.len().min(63));
        for c in name.chars().flat_map(char::to_lowercase) {
            if out.len() >= 63 {
                break;
            }
            if c.is_ascii_alphanumeric() {
                out.push(c);
            } else if !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
        }
        let trimmed = out.trim_end_matches('-');
        (!trimmed.is_empty()).then(|| Self(trimmed.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Slug {
    type Err = SlugError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Slug {
    fn schema_name() -> Cow<'static, str> {
        "Slug".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"})
    }
}
