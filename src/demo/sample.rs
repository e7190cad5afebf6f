//! The sample network: what `sample.toml` holds.

use anyhow::{Context, Result};
use serde::Deserialize;

/// Organizations and channels.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The organizations.
    pub organization: Vec<Organization>,
    /// Video channels of some of them.
    pub channel: Vec<Channel>,
}

/// An organization with one feed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    pub name: String,
    pub country: String,
    pub kind: String,
    #[serde(default = "english")]
    pub language: String,
    pub format: Format,
    /// Has asked to join and is not accepted: its items wait for a curator.
    #[serde(default)]
    pub applied: bool,
    pub entry: Vec<Entry>,
}

/// How an organization writes its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Rss2,
    Rss1,
    Atom,
    Json,
    /// RSS 2.0 as it is often met: bare ampersands, undeclared entities, a cut-off end.
    Broken,
}

/// An entry of a feed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub id: String,
    pub title: String,
    pub html: String,
    /// Age in hours at the start.
    #[serde(default)]
    pub hours: u32,
    /// Appears so many seconds after the start.
    #[serde(default)]
    pub later: u64,
    /// Is corrected so many seconds after the start.
    pub corrected_after: Option<u64>,
    pub corrected_html: Option<String>,
    /// Is withdrawn so many seconds after the start.
    pub withdrawn_after: Option<u64>,
}

/// A video channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    pub organization: String,
    pub title: String,
    pub channel: String,
    pub video: Vec<Video>,
}

/// A video.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Video {
    pub id: String,
    pub title: String,
    pub text: String,
    /// Age in hours at the start.
    #[serde(default)]
    pub hours: u32,
    /// Appears so many seconds after the start.
    #[serde(default)]
    pub later: u64,
}

fn english() -> String {
    "en".to_owned()
}

impl Sample {
    /// The bundled sample.
    ///
    /// # Errors
    /// When the bundled file is damaged.
    pub fn bundled() -> Result<Self> {
        toml::from_str(include_str!("sample.toml")).context("the bundled sample cannot be read")
    }

    /// When the last thing of the sample happens, in seconds after the start.
    #[must_use]
    pub fn last_event(&self) -> u64 {
        let entries =
            self.organization.iter().flat_map(|organization| &organization.entry).map(|entry| {
                entry.later.max(entry.corrected_after.unwrap_or(0)).max(entry.withdrawn_after.unwrap_or(0))
            });
        let videos = self.channel.iter().flat_map(|channel| &channel.video).map(|video| video.later);
        entries.chain(videos).max().unwrap_or(0)
    }
}
