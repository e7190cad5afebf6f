//! By what an item is known: its address, its video, its publisher's global id.
//!
//! Keys are 128-bit xxh3 hashes, which anybody can forge. That gives nothing: who wants to join another's item need
//! only claim its address, and what an alien source may do is bounded by the rules (`rules`): it never outranks the
//! origin, and never shows in a curated item unless it is cleared itself. Two strangers' addresses cannot be made to meet.

use carewire_schemas::{JoinedBy, TaggedV1, Video};
use carewire_store::IdentityKey;
use smallvec::SmallVec;
use url::Url;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use crate::tag::url::youtube_id;

/// Kinds of keys; numbers are stored.
const ADDRESS: u8 = 1;
const VIDEO: u8 = 2;
const GUID: u8 = 3;

/// The keys of one entry, the strongest first.
pub type Keys = SmallVec<[IdentityKey; 3]>;

/// The keys of an entry: its video, its address, its guid where that is globally unique. May be empty.
#[must_use]
pub fn keys(tagged: &TaggedV1) -> Keys {
    let mut keys = Keys::new();
    let url = tagged.cleaned.url.as_deref().and_then(|url| Url::parse(url).ok());
    let mut add = |kind, text: &str| {
        let key = IdentityKey { kind, key: xxh3_128(text.as_bytes()).to_be_bytes() };
        if !keys.contains(&key) {
            keys.push(key);
        }
    };
    if let Some(Video { site, id, .. }) = &tagged.cleaned.video {
        add(VIDEO, &format!("{}:{id}", site.to_ascii_lowercase()));
    }
    if let Some(url) = &url {
        match youtube_id(url) {
            Some(id) => add(VIDEO, &format!("youtube:{id}")),
            None => address(url).iter().for_each(|text| add(ADDRESS, text)),
        }
    }
    if let Some(guid) = tagged.guid.as_deref().map(str::trim) {
        if let Some(id) = guid.strip_prefix("yt:video:") {
            add(VIDEO, &format!("youtube:{id}"));
        } else if let Some(text) = global(guid) {
            add(GUID, &text);
        }
    }
    keys
}

/// What is the same where a key is.
#[must_use]
pub fn says(key: &IdentityKey) -> JoinedBy {
    match key.kind {
        ADDRESS => JoinedBy::Address,
        VIDEO => JoinedBy::Video,
        _ => JoinedBy::Guid,
    }
}

/// Whether the key says that the address is the same, which within one feed is not enough by itself.
#[must_use]
pub fn is_address(key: &IdentityKey) -> bool {
    key.kind == ADDRESS
}

/// A canonical address without what differs between the forms of one page: scheme, `www.`, mobile and AMP forms, a
/// slash at the end. None for a site's front page, to which many feeds link whatever they have to say.
fn address(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let bare = ["www.", "m.", "mobile.", "amp."]
        .iter()
        .find_map(|prefix| host.strip_prefix(prefix).filter(|rest| rest.contains('.')))
        .unwrap_or(host);
    let mut path = url.path();
    loop {
        let before = path;
        for suffix in ["/", "/amp", ".amp", "/index.html", "/index.htm", "/index.php"] {
            path = path.strip_suffix(suffix).unwrap_or(path);
        }
        if path == before {
            break;
        }
    }
    let path = path.strip_prefix("/amp/").map_or_else(|| path.to_owned(), |rest| format!("/{rest}"));
    let path = path.strip_suffix(".amp.html").map_or(path.clone(), |stem| format!("{stem}.html"));
    let query: Vec<&str> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !matches!(*pair, "amp" | "amp=1" | "amp=true" | "outputType=amp" | "m=1"))
        .collect();
    let fragment = url.fragment().filter(|fragment| !fragment.is_empty());
    if path.is_empty() && query.is_empty() && fragment.is_none() {
        return None;
    }
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let fragment = fragment.map_or(String::new(), |fragment| format!("#{fragment}"));
    Some(format!("{bare}{port}{path}{query}{fragment}"))
}

/// A guid that is unique beyond its feed: an address, a tag (RFC 4151), a UUID.
fn global(guid: &str) -> Option<String> {
    let head = |prefix: &str| guid.get(..prefix.len()).is_some_and(|have| have.eq_ignore_ascii_case(prefix));
    if head("http://") || head("https://") {
        return address(&Url::parse(guid).ok()?);
    }
    if head("tag:") {
        // An authority and a specific part: "tag:" alone, or "tag:5", is a local habit.
        let (authority, specific) = guid[4..].split_once(':')?;
        return (authority.contains(',') && !specific.is_empty()).then(|| guid.to_owned());
    }
    let uuid = if head("urn:uuid:") { &guid[9..] } else { guid };
    (uuid.len() >= 32).then(|| Uuid::parse_str(uuid).ok()).flatten().filter(|id| !id.is_nil()).map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_page_are_one() {
        let key = |text: &str| address(&Url::parse(text).unwrap());
        let plain = key("https://example.org/news/flu");
        for same in [
            "http://www.example.org/news/flu/",
            "https://m.example.org/news/flu",
            "https://amp.example.org/news/flu",
            "https://example.org/news/flu/amp/",
            "https://example.org/amp/news/flu",
            "https://example.org/news/flu?amp=1",
            "https://example.org/news/flu/index.html",
        ] {
            assert_eq!(key(same), plain, "{same}");
        }
        for other in
            ["https://example.org/news/flu?page=2", "https://other.org/news/flu", "https://example.org:8443/news/flu"]
        {
            assert_ne!(key(other), plain, "{other}");
        }
        assert_eq!(key("https://www.example.org/"), None);
        assert_eq!(key("https://example.org/amp/"), None);
    }

    #[test]
    fn guids_count_when_they_are_unique_beyond_the_feed() {
        for (guid, counts) in [
            ("https://example.org/?p=12", true),
            ("https://example.org/", false),
            ("tag:example.org,2026:news/1", true),
            ("tag:news", false),
            ("urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8", true),
            ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", true),
            ("00000000-0000-0000-0000-000000000000", false),
            ("12345", false),
            ("post-12345", false),
            ("", false),
        ] {
            assert_eq!(global(guid).is_some(), counts, "{guid}");
        }
    }
}
