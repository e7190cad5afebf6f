//! What makes an entry the same entry, and what makes it a new revision.

use crate::Entry;

/// What an [`Identity`] rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityKind {
    /// The guid or id as given.
    Guid,
    /// The canonical form of the link.
    Link,
    /// A hash of title and date.
    Hash,
}

/// The key of an entry within its feed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Identity {
    /// The key.
    pub key: String,
    /// What it rests on.
    pub kind: IdentityKind,
}

impl Entry {
    /// The key by which this entry is told from others of its feed: its guid, else its canonical link, else a hash of
    /// title and date.
    pub fn identity(&self) -> Identity {
        todo!()
    }

    /// A hash of all that a reader would notice: an edit changes it, a view count or a comment count does not.
    pub fn content_hash(&self) -> u64 {
        todo!()
    }
}
