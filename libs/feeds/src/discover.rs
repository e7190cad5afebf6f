//! Feeds that a web page advertises.

use url::Url;

/// A feed found in a page.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Discovered {
    /// Absolute address.
    pub url: Url,
    /// Title given.
    pub title: Option<String>,
    /// Media type given.
    #[serde(rename = "type")]
    pub mime: Option<String>,
    /// Relation: `alternate`, `feed`, or `a` for a plain link that looks like one.
    pub rel: String,
}

/// Lists the feeds advertised in `html`, best first, each once. `base` is the page's own address.
pub fn links(_html: &str, _base: &Url) -> Vec<Discovered> {
    todo!()
}
