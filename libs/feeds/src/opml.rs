//! OPML: lists of subscriptions, read loosely and written strictly (OPML 2.0).

use crate::Problem;

/// One subscription of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Subscription {
    /// Title of the feed.
    pub title: Option<String>,
    /// Address of the feed; absent where a list gives only the site.
    pub xml_url: Option<String>,
    /// Address of the site.
    pub html_url: Option<String>,
    /// The outlines around it, outermost first.
    pub category: Vec<String>,
    /// Language.
    pub language: Option<String>,
    /// Description.
    pub description: Option<String>,
}

/// A list of subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opml {
    /// Title of the list.
    pub title: Option<String>,
    /// Subscriptions in document order, each feed once.
    pub outlines: Vec<Subscription>,
    /// Whatever was wrong, or was repaired.
    pub problems: Vec<Problem>,
}

/// Reads a list, nested or flat, whole or broken. Never panics.
pub fn parse(_bytes: &[u8]) -> Opml {
    todo!()
}

/// Writes a list as OPML 2.0; categories become nested outlines.
pub fn write(_title: &str, _subscriptions: &[Subscription]) -> String {
    todo!()
}
