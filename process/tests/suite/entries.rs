//! Entries and standings of the tests' own making.

use std::{collections::HashMap, sync::LazyLock};

use carewire_process::group::{Prepared, Standings};
use carewire_schemas::{
    Change, Cleaned, Content, EntryId, EntryV1, FeedId, OrganizationId, PipelineVersion, Rights, Slug, TaggedV1, Text,
    TextType, Tier, TraceParent, Via,
};
use carewire_store::{FeedStanding, Proof, Standing};
use jiff::Timestamp;
use uuid::Uuid;

/// A moment `minutes` after the tests' beginning of time, which is some days ago: a worker that takes over reads from the
/// store what was seen in the last 30 days.
pub fn at(minutes: i64) -> Timestamp {
    static BEGINNING: LazyLock<i64> = LazyLock::new(|| Timestamp::now().as_second() - 3 * 24 * 60 * 60);
    Timestamp::from_second(*BEGINNING + minutes * 60).unwrap()
}

/// The feed with this number.
pub fn feed(number: u8) -> FeedId {
    FeedId(Uuid::from_u128(0xfeed_0000 + u128::from(number)))
}

/// The organization of the feed with this number.
pub fn organization(number: u8) -> OrganizationId {
    OrganizationId(Uuid::from_u128(0x0096_0000 + u128::from(number)))
}

/// An entry of feed `number`, seen and published at `minutes`.
pub fn entry(number: u8, guid: &str, minutes: i64) -> EntryV1 {
    EntryV1 {
        entry: EntryId::derive(feed(number), guid),
        feed: feed(number),
        organization: organization(number),
        version: 1,
        via: Via::Poll,
        change: Change::New,
        history: false,
        seen: at(minutes),
        reason: None,
        content: Content { guid: Some(guid.to_owned()), published: Some(at(minutes)), ..Content::default() },
    }
}

/// HTML as an entry has it.
pub fn html(value: &str) -> Option<Text> {
    Some(Text { r#type: TextType::Html, value: value.to_owned() })
}

/// A tagged entry of feed `number` with this title, text and address.
pub fn tagged(number: u8, guid: &str, title: &str, text: &str, url: &str, minutes: i64) -> TaggedV1 {
    TaggedV1 {
        entry: EntryId::derive(feed(number), guid),
        feed: feed(number),
        organization: organization(number),
        version: 1,
        pipeline: PipelineVersion { code: 1, vocabulary: "v".to_owned(), run: 0 },
        via: Via::Poll,
        change: Change::New,
        history: false,
        seen: at(minutes),
        reason: None,
        guid: Some(guid.to_owned()),
        source: None,
        cleaned: Cleaned {
            title: title.to_owned(),
            html: format!("<p>{text}</p>"),
            text: text.to_owned(),
            url: (!url.is_empty()).then(|| url.to_owned()),
            published: Some(at(minutes)),
            ..Cleaned::default()
        },
    }
}

/// With a new trace, ready to be grouped.
pub fn ready(tagged: TaggedV1) -> Prepared {
    Prepared::new(tagged, TraceParent::new())
}

/// The standing of a feed whose organization has its site at `orgN.example`.
pub fn standing(number: u8, standing: Standing, proof: Proof) -> FeedStanding {
    FeedStanding {
        organization: organization(number),
        slug: Slug::new(format!("org{number}")).unwrap().to_string(),
        name: format!("Organization {number}"),
        standing,
        proof,
        title: None,
        url: format!("https://org{number}.example/feed.xml"),
        host: format!("org{number}.example"),
        site_url: None,
        organization_site: Some(format!("https://www.org{number}.example/")),
        tier: Tier::default(),
        rights: Rights::default(),
        withdraw_since: None,
        habit: None,
        holds: Vec::new(),
    }
}

/// Feeds 1–9, all accepted and proven.
pub fn accepted() -> Standings {
    (1..10).map(|number| (feed(number), standing(number, Standing::Accepted, Proof::Proven))).collect::<HashMap<_, _>>()
}

/// A text of 60 words that depends on `seed` only.
pub fn text(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let words: Vec<String> = (0..60)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("word{}", (state >> 33) % 5000)
        })
        .collect();
    words.join(" ")
}
