//! What makes an entry the same entry, and what makes it a new revision.

use crate::Entry;
use url::Url;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

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
    /// The key: the guid or id itself, `link:` and the canonical address, or `hash:` and 32 hexadecimal digits.
    pub key: String,
    /// What it rests on.
    pub kind: IdentityKind,
}

/// Query parameters that say how a reader came, not where to.
const TRACKING: [&str; 12] = [
    "fbclid", "gclid", "dclid", "msclkid", "mc_cid", "mc_eid", "yclid", "igshid", "ref_src", "cmpid", "_hsenc", "_hsmi",
];

/// The form of an address by which two links to one page are told to be the same: scheme `https`, no fragment unless it
/// is a `#!` route, no `www.`, no default port, no tracking parameters (`utm_*` and the like), no final slash.
/// None where it is no web address.
pub fn canonical_url(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let host = url.host_str()?;
    let host = host.strip_prefix("www.").unwrap_or(host);
    let mut out = String::with_capacity(address.len());
    out.push_str("https://");
    out.push_str(host);
    if let Some(port) = url.port() {
        out.push(':');
        out.push_str(&port.to_string());
    }
    out.push_str(url.path().trim_end_matches('/'));
    let keep = |p: &&str| {
        let key = p.split('=').next().unwrap_or("").to_ascii_lowercase();
        !p.is_empty() && !key.starts_with("utm_") && !TRACKING.contains(&key.as_str())
    };
    for (i, pair) in url.query().unwrap_or("").split('&').filter(keep).enumerate() {
        out.push(if i == 0 { '?' } else { '&' });
        out.push_str(pair);
    }
    if let Some(fragment) = url.fragment().filter(|f| f.starts_with('!')) {
        out.push('#');
        out.push_str(fragment);
    }
    Some(out)
}

impl Entry {
    /// The key by which this entry is told from others of its feed: its guid, else its canonical link, else a hash of
    /// title and date (of the text, where there is neither).
    pub fn identity(&self) -> Identity {
        if let Some(id) = self.id.as_deref().filter(|i| !i.is_empty()) {
            return Identity { key: id.to_owned(), kind: IdentityKind::Guid };
        }
        self.identity_without_id()
    }

    /// The key that stands in where a feed's ids are missing, change at each reading or are not unique: the canonical
    /// link, else a hash of title and date.
    pub fn identity_without_id(&self) -> Identity {
        if let Some(link) = self.url.as_deref().and_then(canonical_url) {
            return Identity { key: format!("link:{link}"), kind: IdentityKind::Link };
        }
        let title = self.title.as_ref().map_or("", |t| t.value.as_str());
        let date = self.published.or(self.updated).map(|d| d.as_second().to_string()).unwrap_or_default();
        let text = match (title.is_empty() && date.is_empty(), self.summary.as_ref().or(self.content.as_ref())) {
            (true, Some(text)) => text.value.as_str(),
            _ => "",
        };
        let media =
            if title.is_empty() && text.is_empty() { self.media.first().map_or("", |m| m.url.as_str()) } else { "" };
        let joined = [title, &date, text, media].join("\u{1F}");
        Identity { key: format!("hash:{:032x}", xxh3_128(joined.as_bytes())), kind: IdentityKind::Hash }
    }

    /// A hash of all that a reader would notice: an edit changes it, a view count or a comment count does not, nor does
    /// the order of categories or a change of `updated` alone.
    pub fn content_hash(&self) -> u64 {
        let mut h = Xxh3::new();
        let mut put = |field: u8, text: &str| {
            h.update(&[field]);
            h.update(&(text.len() as u64).to_le_bytes());
            h.update(text.as_bytes());
        };
        for (field, text) in [(1, &self.title), (2, &self.summary), (3, &self.content), (4, &self.rights)] {
            if let Some(t) = text {
                put(field, &t.value);
                put(field + 100, if t.kind == crate::TextKind::Plain { "p" } else { "h" });
            }
        }
        for (field, text) in [(5, &self.url), (6, &self.language), (7, &self.licence), (8, &self.content_src)] {
            if let Some(t) = text {
                put(field, t);
            }
        }
        for (field, date) in [
            (9, self.published),
            (10, self.expires),
            (11, self.valid_from),
            (23, self.reviewed),
            (24, self.next_review),
        ] {
            if let Some(d) = date {
                put(field, &d.as_millisecond().to_string());
            }
        }
        for (field, people) in [(12, &self.authors), (13, &self.contributors)] {
            for p in people {
                put(field, p.name.as_deref().or(p.email.as_deref()).or(p.url.as_deref()).unwrap_or(""));
            }
        }
        let mut terms: Vec<(&str, &str)> =
            self.categories.iter().map(|c| (c.term.as_str(), c.scheme.as_deref().unwrap_or(""))).collect();
        terms.sort_unstable();
        for (term, scheme) in terms {
            put(14, term);
            put(15, scheme);
        }
        for m in &self.media {
            put(16, &m.url);
            put(17, m.title.as_deref().unwrap_or(""));
            put(18, m.description.as_deref().unwrap_or(""));
        }
        if let Some(v) = &self.video {
            put(19, &v.id);
            put(20, v.description.as_deref().unwrap_or(""));
        }
        for t in &self.transcripts {
            put(21, &t.url);
        }
        if let Some(s) = &self.source {
            put(22, s.url.as_deref().or(s.id.as_deref()).unwrap_or(""));
        }
        h.digest()
    }
}
