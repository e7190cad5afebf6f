//! Addresses of feeds: from a request to the one canonical address of what it asks.

use std::sync::Arc;

use carewire_conditions::Vocabulary;
use carewire_query::{Cursor, Query, Sort, render::Format};
use carewire_schemas::{ConditionCode, Slug};
use carewire_store::Channel;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{Problem, archive::Range};

/// What may stand unescaped in a path segment (RFC 3986 §3.3), as far as codes need it.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// What a cached body answers.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Address {
    /// A feed in a format.
    Feed(Box<FeedAddress>),
    /// The same as a page, for browsers.
    View(Box<FeedAddress>),
    /// The list of feeds.
    Opml,
}

/// A feed, a format, and which part of it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct FeedAddress {
    pub subject: Subject,
    pub format: Format,
    pub part: Part,
}

/// What a feed is of.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Subject {
    All,
    Condition { code: ConditionCode, mentions: bool },
    Organization(Slug),
    Channel(Arc<ChannelFeed>),
    Search(Box<Query>),
}

/// A channel as its feed needs it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct ChannelFeed {
    pub channel: Channel,
    pub query: Query,
}

/// Which part of a feed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Part {
    /// The newest items: what is subscribed to.
    Newest,
    /// A page of a paged feed (RFC 5005 §3).
    After(Cursor),
    /// An archive (RFC 5005 §4).
    Archive(Range),
}

impl Subject {
    /// The question whose answers the feed holds.
    pub fn query(&self) -> Query {
        match self {
            Self::All => Query::default(),
            Self::Condition { code, mentions } => Query { about_only: !mentions, ..Query::about(code.clone()) },
            Self::Organization(slug) => Query::of_organization(slug.as_str()),
            Self::Channel(channel) => channel.query.clone(),
            Self::Search(query) => (**query).clone(),
        }
    }

    /// The order: feeds go by time, unless relevance is asked for.
    pub fn order(&self) -> Sort {
        match self {
            Self::Search(query) => query.sort.unwrap_or(Sort::Newest),
            _ => Sort::Newest,
        }
    }

    /// A question that has an address of its own gets that.
    fn of_query(query: Query) -> Self {
        let plain = Query { sort: None, ..query.clone() };
        if query.sort == Some(Sort::Relevance) {
            return Self::Search(Box::new(query));
        }
        if plain.is_everything() {
            return Self::All;
        }
        if let [group] = &plain.conditions[..]
            && let (false, [code]) = (group.not, &group.codes[..])
        {
            let subject = Self::Condition { code: code.clone(), mentions: !plain.about_only };
            if subject.query() == plain {
                return subject;
            }
        }
        if let [slug] = &plain.organizations[..]
            && let Ok(slug) = Slug::new(slug.as_str())
        {
            let subject = Self::Organization(slug);
            if subject.query() == plain {
                return subject;
            }
        }
        Self::Search(Box::new(plain))
    }
}

impl FeedAddress {
    /// The address below the network's (`base` ends with a slash).
    pub fn url(&self, base: &str) -> String {
        let extension = self.format.extension();
        let mut pairs = Vec::new();
        let mut url = match &self.subject {
            Subject::All => format!("{base}feeds/all.{extension}"),
            Subject::Condition { code, mentions } => {
                if *mentions {
                    pairs.push("mentions=include".to_owned());
                }
                let code = utf8_percent_encode(code.as_str(), SEGMENT);
                format!("{base}feeds/conditions/{code}.{extension}")
            }
            Subject::Organization(slug) => format!("{base}feeds/organizations/{slug}.{extension}"),
            Subject::Channel(feed) => format!("{base}feeds/channels/{}.{extension}", feed.channel.slug),
            Subject::Search(query) => {
                let canonical = query.canonical();
                if !canonical.is_empty() {
                    pairs.push(canonical);
                }
                format!("{base}feeds/search.{extension}")
            }
        };
        match self.part {
            Part::Newest => {}
            Part::After(cursor) => pairs.push(format!("after={cursor}")),
            Part::Archive(range) => pairs.push(format!("archive={range}")),
        }
        if !pairs.is_empty() {
            url.push('?');
            url.push_str(&pairs.join("&"));
        }
        url
    }

    /// What tells it from all others; a channel that was changed is another.
    fn key(&self) -> String {
        match &self.subject {
            Subject::Channel(feed) => format!("{}#{}", self.url(""), feed.channel.updated_at.as_millisecond()),
            _ => self.url(""),
        }
    }

    /// The same part in another format.
    pub fn in_format(&self, format: Format) -> Self {
        Self { format, ..self.clone() }
    }

    /// Another part of the same feed.
    pub fn part(&self, part: Part) -> Self {
        Self { part, ..self.clone() }
    }
}

impl Address {
    /// What tells it from all others.
    pub fn key(&self) -> String {
        match self {
            Self::Feed(feed) => feed.key(),
            Self::View(feed) => format!("view {}", feed.key()),
            Self::Opml => "opml".to_owned(),
        }
    }
}

/// The name and format of `name.atom`.
fn file(raw: &str) -> Result<(String, Format), Problem> {
    let name = percent_decode_str(raw).decode_utf8().map_err(|_| Problem::not_found("the address is not UTF-8"))?;
    name.rsplit_once('.')
        .and_then(|(name, extension)| Some((name.to_owned(), Format::from_extension(extension)?)))
        .ok_or_else(|| Problem::not_found("feeds end with .atom, .rss or .json"))
}

fn pairs(query: Option<&str>) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
}

/// The parameters of feeds with an own address: `archive`, and `mentions` where it makes sense.
fn own_parameters(query: Option<&str>, mentions: Option<&mut bool>) -> Result<Part, Problem> {
    let mut part = Part::Newest;
    let mut mentions = mentions;
    for (key, value) in pairs(query) {
        match (&*key, &*value, mentions.as_deref_mut()) {
            ("archive", range, _) => {
                let range = range.parse().map_err(|_| {
                    Problem::not_found("there is no such archive; archives stand in the prev-archive links of feeds")
                })?;
                part = Part::Archive(range);
            }
            ("mentions", "include", Some(mentions)) => *mentions = true,
            ("mentions", "exclude" | "", Some(_)) => {}
            ("mentions", _, Some(_)) => {
                return Err(Problem::parameter("mentions", "mentions: must be include or exclude"));
            }
            (key, ..) => {
                return Err(Problem::parameter(
                    key,
                    "this feed has no such parameter; any question can be asked of /feeds/search",
                ));
            }
        }
    }
    Ok(part)
}

/// `/feeds/all.…` and `/feeds/search.…`.
pub(super) fn top(raw: &str, query: Option<&str>, vocabulary: &Vocabulary) -> Result<FeedAddress, Problem> {
    let (name, format) = file(raw)?;
    match name.as_str() {
        "all" => Ok(FeedAddress { subject: Subject::All, format, part: own_parameters(query, None)? }),
        "search" => {
            let mut after = None;
            let mut rest = Vec::new();
            for (key, value) in pairs(query) {
                if key == "after" {
                    after =
                        Some(value.parse().map_err(|error| Problem::parameter("after", format!("after: {error}")))?);
                } else {
                    rest.push((key, value));
                }
            }
            let query = Query::from_pairs(rest, vocabulary)?;
            let (subject, part) = match after {
                Some(cursor) => (Subject::Search(Box::new(query)), Part::After(cursor)),
                None => (Subject::of_query(query), Part::Newest),
            };
            Ok(FeedAddress { subject, format, part })
        }
        _ => Err(Problem::not_found(
            "there are /feeds/all, /feeds/search, /feeds/conditions/{code}, /feeds/organizations/{slug} and \
             /feeds/channels/{slug}",
        )),
    }
}

/// `/feeds/conditions/{code}.…`: any code system.
pub(super) fn condition(raw: &str, query: Option<&str>, vocabulary: &Vocabulary) -> Result<FeedAddress, Problem> {
    let (name, format) = file(raw)?;
    let code = vocabulary.resolve(&name).ok_or_else(|| {
        let shown: String = name.chars().take(40).collect();
        Problem::not_found(format!(
            "{shown} is no code that the network knows; right is for example D003924, icd10cm:E11 or doid:9352"
        ))
    })?;
    let mut mentions = false;
    let part = own_parameters(query, Some(&mut mentions))?;
    Ok(FeedAddress { subject: Subject::Condition { code, mentions }, format, part })
}

/// `/feeds/organizations/{slug}.…`. Whether there is such an organization is seen when it is rendered.
pub(super) fn organization(raw: &str, query: Option<&str>) -> Result<FeedAddress, Problem> {
    let (name, format) = file(raw)?;
    let slug = Slug::new(name).map_err(|_| Problem::not_found("there is no such organization"))?;
    Ok(FeedAddress { subject: Subject::Organization(slug), format, part: own_parameters(query, None)? })
}

/// `/feeds/channels/{slug}.…`: the short name, for the channel to be looked up.
pub(super) fn channel_slug(raw: &str) -> Result<(Slug, Format), Problem> {
    let (name, format) = file(raw)?;
    let slug = Slug::new(name).map_err(|_| Problem::not_found("there is no such channel"))?;
    Ok((slug, format))
}

/// The feed of a channel.
pub(super) fn channel(
    channel: Channel,
    format: Format,
    query: Option<&str>,
    vocabulary: &Vocabulary,
) -> Result<FeedAddress, Problem> {
    let question = Query::from_pairs(url::form_urlencoded::parse(channel.query.as_bytes()), vocabulary)?;
    let part = own_parameters(query, None)?;
    // A feed goes by time.
    let question = Query { sort: None, ..question };
    Ok(FeedAddress { subject: Subject::Channel(Arc::new(ChannelFeed { channel, query: question })), format, part })
}
