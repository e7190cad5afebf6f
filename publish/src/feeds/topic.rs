//! Feeds as topics of the hub: which address is one, and what is distributed of it.

use carewire_conditions::Vocabulary;
use carewire_query::{
    Query,
    render::{self, Deleted, FeedItem, FeedMeta, Format, Paging},
};
use carewire_schemas::CuratedV1;
use carewire_store::Store;
use http::HeaderValue;
use jiff::Timestamp;

use super::{
    Problem,
    address::{self, FeedAddress, Part},
    build,
};

/// A feed that can be followed: its newest part, in one format.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Topic {
    address: FeedAddress,
}

impl Topic {
    /// The topic of an address below the network's (`feeds/all.atom`, `feeds/search.rss?…`), in whatever spelling.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn read(below: &str, vocabulary: &Vocabulary) -> Result<Self, Problem> {
        let (path, query) = below.split_once('?').map_or((below, None), |(path, query)| (path, Some(query)));
        let path = path.strip_prefix("feeds/").ok_or_else(|| Problem::not_found("only feeds can be followed"))?;
        let address = match path.split_once('/') {
            None => address::top(path, query, vocabulary)?,
            Some(("conditions", file)) => address::condition(file, query, vocabulary)?,
            Some(("organizations", file)) => address::organization(file, query)?,
            Some(_) => return Err(Problem::not_found("there is no such feed")),
        };
        if address.part != Part::Newest {
            return Err(Problem::not_found("archives and further pages cannot be followed; follow their feed"));
        }
        Ok(Self { address })
    }

    /// The one address of this topic below the network's: what tells it from all others.
    pub fn key(&self) -> String {
        self.address.url("")
    }

    /// The question whose answers the feed holds.
    pub fn query(&self) -> Query {
        self.address.subject.query()
    }

    /// Whether the format can say that an item left: Atom alone (RFC 6721).
    pub fn tells_removals(&self) -> bool {
        self.address.format == Format::Atom
    }

    /// The media type of what is distributed.
    pub fn media_type(&self) -> HeaderValue {
        HeaderValue::from_static(self.address.format.media_type())
    }

    /// Whether there is such a feed: an organization may not be there.
    ///
    /// # Errors
    /// When there is not, or the store fails.
    pub async fn check(&self, store: &Store, vocabulary: &Vocabulary) -> Result<(), Problem> {
        build::title(store, vocabulary, "", &self.address).await.map(drop)
    }

    /// A feed of what changed, and nothing else (WebSub, section 7: a hub may reduce a feed to that).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn render(
        &self,
        (store, vocabulary, base): (&Store, &Vocabulary, &str),
        items: Vec<CuratedV1>,
        deleted: Vec<Deleted>,
        updated: Timestamp,
    ) -> Result<Vec<u8>, Problem> {
        let (title, page_url) = build::title(store, vocabulary, base, &self.address).await?;
        let format = self.address.format;
        let meta = FeedMeta {
            id: render::feed_id(&self.address.in_format(Format::Atom).url(base)),
            title,
            description: format!("Health content from the organizations of this network, curated. {base}"),
            base: base.to_owned(),
            self_url: self.address.url(base),
            page_url,
            alternates: Vec::new(),
            language: "en".to_owned(),
            updated,
            hub: Some(hub_address(base)),
            paging: Paging::default(),
            deleted,
        };
        let items: Vec<FeedItem> = items.into_iter().map(|value| FeedItem { value }).collect();
        Ok(render::render(format, &meta, &items))
    }
}

/// The hub's address; `base` ends with a slash.
pub(crate) fn hub_address(base: &str) -> String {
    format!("{base}hub")
}

/// The `Link` header of a topic, with the address that its subscriber knows it by.
pub(crate) fn hub_links(base: &str, topic: &str) -> String {
    format!("<{}>; rel=\"hub\", <{topic}>; rel=\"self\"", hub_address(base))
}
