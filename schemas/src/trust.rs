//! How far the network trusts who publishes, what may be shown of it, and how an entry came to its item.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

crate::traits::named! {
    /// How far the network trusts an organization: an operator's word, the least first.
    #[derive(Default)]
    Tier {
        /// Nothing was said of it.
        #[default]
        Unproven = "unproven", "Unproven";
        /// A member in good standing.
        Member = "member", "Member";
        /// Known for careful work.
        Trusted = "trusted", "Trusted";
        /// One of those who carry the network.
        Core = "core", "Core";
    }
}

crate::traits::named! {
    /// What outputs may show of an organization's items, as the organization says.
    #[derive(Default)]
    Rights {
        /// Title and link.
        Link = "link", "Title and link only";
        /// Title, link and summary.
        Excerpt = "excerpt", "An excerpt";
        /// The full text.
        #[default]
        Full = "full", "The full text";
    }
}

impl Tier {
    /// Whether nothing was said of the organization: left out of events.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Rights {
    /// Whether all may be shown: left out of events.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How an entry was found to belong to its item.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Joined {
    /// What is the same.
    pub by: JoinedBy,
    /// Of a text: the share of the shorter one that the other contains, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<f32>,
}

crate::traits::named! {
    /// What is the same in two entries of one item.
    JoinedBy {
        /// The address.
        Address = "address", "the same address";
        /// The video.
        Video = "video", "the same video";
        /// The globally unique id.
        Guid = "guid", "the same id";
        /// The text.
        Text = "text", "the same text";
    }
}
