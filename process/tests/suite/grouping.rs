//! Grouping as a pure function: identity, copies, origin, rules, withdrawal, repeats, take-over.

use crate::entries::{accepted, at, feed, ready, standing, tagged, text};
use std::collections::BTreeSet;

use carewire_process::group::{Grouper, Memory, Prepared, Standings, Step};
use carewire_schemas::{
    Change, EntryId, ItemId, ItemV1, OutcomeState, SourceRef, StoryId, StoryRelation, TaggedV1, Video,
};
use carewire_store::{GroupWindowRow, Proof, Standing};
use proptest::prelude::*;

/// A network in memory.
struct Network {
    memory: Memory,
    grouper: Grouper,
    standings: Standings,
}

impl Network {
    fn new() -> Self {
        Self { memory: Memory::default(), grouper: Grouper::new().unwrap(), standings: accepted() }
    }

    fn group(&mut self, batch: Vec<TaggedV1>) -> Step {
        let batch: Vec<Prepared> = batch.into_iter().map(ready).collect();
        self.memory.step(&mut self.grouper, batch, &self.standings).unwrap()
    }

    /// Groups one entry; the item that came of it.
    fn one(&mut self, entry: TaggedV1) -> ItemV1 {
        let mut items = self.group(vec![entry]).items;
        assert_eq!(items.len(), 1);
        items.remove(0).0
    }

    fn reconsider(&mut self) -> Vec<ItemV1> {
        let ids: Vec<ItemId> = self.memory.all().map(|item| item.item).collect();
        let step = self.grouper.reconsider(self.memory.items(ids), &self.standings, false).unwrap();
        self.memory.apply(&step.batch);
        step.items.into_iter().map(|(item, _)| item).collect()
    }

    /// Another worker takes over: a new index from what is stored.
    fn take_over(&mut self) {
        let mut rows: Vec<GroupWindowRow> = self
            .memory
            .all()
            .map(|item| GroupWindowRow {
                item: item.item,
                story: item.story,
                published: item.published,
                index: item.index.clone(),
            })
            .collect();
        rows.sort_by_key(|row| (row.published, row.item));
        self.grouper = Grouper::new().unwrap();
        self.grouper.load(&rows);
    }
}

fn slugs(item: &ItemV1) -> Vec<&str> {
    item.sources.iter().map(|source| source.slug.as_str()).collect()
}

fn deleted(mut entry: TaggedV1) -> TaggedV1 {
    entry.version += 1;
    entry.change = Change::Deleted;
    entry.seen = at(100);
    entry.cleaned = Default::default();
    entry
}

#[test]
fn one_address_is_one_item_with_the_host_s_owner_as_origin() {
    let mut network = Network::new();
    let url = "https://www.org1.example/news/1";
    let copy = network.one(tagged(2, "b", "Flu: what to know", &text(1), url, 1));
    assert_eq!((copy.version, copy.relation, slugs(&copy)), (1, StoryRelation::First, vec!["org2"]));
    let item = network.one(tagged(1, "a", "Flu", &text(2), "http://org1.example/news/1/", 5));
    assert_eq!(item.item, copy.item);
    assert_eq!(item.version, 2);
    assert_eq!(slugs(&item), ["org1", "org2"]);
    assert_eq!(item.cleaned.title, "Flu", "the content is the origin's, though it came later");
    assert_eq!(item.cleaned.text, "");
    assert_eq!(item.first_seen, at(1));
}

#[test]
fn one_video_is_one_item_of_its_channel() {
    let mut network = Network::new();
    let video = |number: u8, guid: &str, minutes| {
        let mut entry =
            tagged(number, guid, "Living with asthma", "", "https://www.youtube.com/watch?v=abcdefghijk", minutes);
        entry.cleaned.video = Some(Video {
            site: "youtube".to_owned(),
            id: "abcdefghijk".to_owned(),
            channel: Some("UCchannel".to_owned()),
            thumbnail: None,
            duration: None,
            captions: None,
            live: None,
        });
        entry
    };
    if let Some(own) = network.standings.get_mut(&feed(3)) {
        own.url = "https://www.youtube.com/feeds/videos.xml?channel_id=UCchannel".to_owned();
    }
    let first = network.one(video(2, "https://org2.example/we-liked-this", 1));
    let second = network.one(video(3, "yt:video:abcdefghijk", 2));
    let link = network.one(tagged(4, "x", "Asthma video", "", "https://youtu.be/abcdefghijk?si=1", 3));
    assert!(first.item == second.item && second.item == link.item);
    assert_eq!(slugs(&link), ["org3", "org2", "org4"], "the channel first, then by date");
}

#[test]
fn copies_by_text_across_feeds_not_within_one() {
    let mut network = Network::new();
    let first = network.one(tagged(1, "a", "New guideline", &text(1), "https://org1.example/1", 1));
    let copied = format!("From our partners. {} Read more on our site.", text(1));
    let copy = network.one(tagged(2, "b", "Guideline", &copied, "https://org2.example/9", 2));
    assert_eq!(copy.item, first.item);
    assert_eq!(slugs(&copy), ["org1", "org2"]);
    let own = network.one(tagged(1, "c", "New guideline, again", &text(1), "https://org1.example/2", 3));
    assert_ne!(own.item, first.item, "a feed's own texts after one pattern are different items");
    let other = network.one(tagged(3, "d", "Something else", &text(7), "https://org3.example/9", 2));
    assert_ne!(other.item, first.item);
    let title = network.one(tagged(4, "e", "New guideline", "Short.", "https://org4.example/1", 2));
    assert_ne!(title.item, first.item, "titles alone make no copy");
    let late = network.one(tagged(5, "f", "Guideline", &text(1), "https://org5.example/1", 32 * 24 * 60));
    assert_ne!(late.item, first.item, "outside the window of 30 days");
}

#[test]
fn feeds_that_link_all_entries_to_one_page_keep_their_entries() {
    let mut network = Network::new();
    let page = "https://org1.example/news";
    let first = network.one(tagged(1, "1", "Flu clinic opens", "", page, 1));
    let second = network.one(tagged(1, "2", "Asthma day on Friday", "", page, 2));
    let moved = network.one(tagged(1, "3", "Flu clinic opens!", "", page, 3));
    assert_ne!(first.item, second.item);
    assert_eq!(first.item, moved.item, "the same title under a new guid is the same item");
    let front = network.one(tagged(1, "4", "Anything", "", "https://org1.example/", 4));
    let other = network.one(tagged(2, "5", "Anything", "", "https://org1.example/", 4));
    assert_ne!(front.item, other.item, "a front page is no identity");
}

#[test]
fn a_declared_source_is_the_origin() {
    let mut network = Network::new();
    let mut copy = tagged(2, "b", "Study", &text(3), "https://org2.example/study", 1);
    copy.source = Some(SourceRef { title: None, url: Some("https://org1.example/feed.xml".to_owned()) });
    network.one(copy);
    let item = network.one(tagged(1, "a", "Study of ours", &text(3), "https://cdn.elsewhere.example/study", 9));
    assert_eq!(slugs(&item), ["org1", "org2"]);
    assert_eq!(item.cleaned.title, "Study of ours");
}

#[test]
fn an_alien_changes_nothing_and_is_not_shown() {
    let mut network = Network::new();
    network.standings.insert(feed(6), standing(6, Standing::Applied, Proof::Proven));
    let url = "https://org1.example/true";
    let alien = network.one(tagged(6, "x", "Miracle cure", &text(5), url, 1));
    assert_eq!((alien.outcome.state, alien.outcome.rule.as_str()), (OutcomeState::Held, "organization-not-accepted"));
    let item = network.one(tagged(1, "a", "True story", &text(6), url, 5));
    assert_eq!(item.item, alien.item);
    assert_eq!((item.outcome.state, item.cleaned.title.as_str()), (OutcomeState::Curated, "True story"));
    assert_eq!(slugs(&item), ["org1"]);
    let mut again = tagged(6, "x", "Miracle cure, cheaper", &text(5), url, 1);
    again.version = 2;
    again.change = Change::Changed;
    let same = network.one(again);
    assert_eq!(same, item, "what an alien changes raises no version");
    let gone = network.one(deleted(tagged(6, "x", "", "", url, 1)));
    assert_eq!(gone.version, item.version);
    assert!(item.withdrawn.is_none());
}

#[test]
fn withdrawal_by_origin_and_by_copier_and_return() {
    let mut network = Network::new();
    let origin = || tagged(1, "a", "Recall", &text(8), "https://org1.example/recall", 1);
    let copier = || tagged(2, "b", "Recall", &text(8), "https://org2.example/recall", 2);
    network.one(origin());
    network.one(copier());
    let without = network.one(deleted(copier()));
    assert_eq!((slugs(&without), without.withdrawn.clone()), (vec!["org1"], None));
    let mut back = copier();
    back.version = 3;
    assert_eq!(slugs(&network.one(back)), ["org1", "org2"]);
    let gone = network.one(deleted(origin()));
    assert_eq!(gone.withdrawn.as_ref().unwrap().reason, "withdrawn by its publisher");
    assert_eq!((gone.withdrawn.as_ref().unwrap().at, gone.outcome.state), (at(100), OutcomeState::Curated));
    assert_eq!(gone.cleaned.title, "Recall", "what a deletion says of the content is nothing");
    let third = network.one(tagged(3, "c", "Recall", &text(8), "https://org3.example/recall", 30));
    assert_eq!(third.item, gone.item);
    assert!(third.withdrawn.is_some(), "copies follow a withdrawal");
    let mut returned = origin();
    returned.version = 3;
    let returned = network.one(returned);
    assert!(returned.withdrawn.is_none() && returned.version > third.version);
    // Told why, readers hear why.
    let mut page_gone = deleted(origin());
    (page_gone.version, page_gone.reason) = (4, Some("page gone".to_owned()));
    assert_eq!(network.one(page_gone).withdrawn.unwrap().reason, "page gone");
    // Of an entry that nobody has seen.
    assert!(network.group(vec![deleted(tagged(4, "never", "", "", "", 1))]).items.is_empty());
}

#[test]
fn repeats_and_late_arrivals_change_nothing_and_are_produced_again() {
    let mut network = Network::new();
    let mut second = tagged(1, "a", "Second version", &text(2), "https://org1.example/1", 1);
    second.version = 7;
    let item = network.one(second.clone());
    for late in [second.clone(), tagged(1, "a", "First version", &text(1), "https://org1.example/1", 1)] {
        let step = network.group(vec![late]);
        assert!(step.batch.items.is_empty() && step.batch.sources.is_empty() && step.batch.identities.is_empty());
        assert_eq!(step.items.len(), 1);
        assert_eq!(step.items[0].0, item);
    }
    second.pipeline.run = 1;
    second.cleaned.title = "Second version, tagged anew".to_owned();
    let rerun = network.one(second);
    assert_eq!((rerun.version, rerun.cleaned.title.as_str()), (2, "Second version, tagged anew"));
}

#[test]
fn a_change_of_standing_changes_the_outcome() {
    let mut network = Network::new();
    network.standings.insert(feed(1), standing(1, Standing::Accepted, Proof::None));
    let held = network.one(tagged(1, "a", "News", &text(1), "https://org1.example/1", 1));
    network.one(tagged(2, "b", "Other news", &text(2), "https://org2.example/1", 1));
    assert_eq!((held.outcome.state, held.outcome.rule.as_str()), (OutcomeState::Held, "feed-unproven"));
    for (standing_now, proof, state, rule) in [
        (Standing::Accepted, Proof::Vouched, OutcomeState::Curated, "accepted-organization"),
        (Standing::Suspended, Proof::Vouched, OutcomeState::Held, "organization-suspended"),
        (Standing::Rejected, Proof::Vouched, OutcomeState::Held, "organization-not-accepted"),
        (Standing::Accepted, Proof::Proven, OutcomeState::Curated, "accepted-organization"),
    ] {
        network.standings.insert(feed(1), standing(1, standing_now, proof));
        let changed = network.reconsider();
        assert_eq!(changed.len(), 1, "the other organization's item did not change");
        assert_eq!((changed[0].outcome.state, changed[0].outcome.rule.as_str()), (state, rule));
        assert!(network.reconsider().is_empty());
    }
}

#[test]
fn stories_join_reworded_texts_and_keep_their_ids() {
    let mut network = Network::new();
    let first = network.one(tagged(1, "a", "Second Texas health care worker tests positive for Ebola", "", "", 1));
    let second = network.one(tagged(2, "b", "Second Texas healthcare worker tests positive for Ebola", "", "", 30));
    let other = network.one(tagged(3, "c", "Coffee may lower the risk of type 2 diabetes", "", "", 40));
    let later = network.one(tagged(4, "d", "Second Texas worker tests positive for Ebola", "", "", 9 * 24 * 60));
    assert_eq!((second.story, second.relation), (first.story, StoryRelation::SameStory));
    assert_ne!(first.item, second.item);
    assert_eq!(
        (other.relation, later.relation),
        (StoryRelation::First, StoryRelation::First),
        "later is outside the window"
    );
}

/// A stream of entries of several feeds with copies, shared addresses and stories.
fn stream() -> impl Strategy<Value = Vec<TaggedV1>> {
    let one = (1u8..5, 0u64..12, 0u64..6, 0i64..5_000, 1i64..3, proptest::bool::weighted(0.1));
    proptest::collection::vec(one, 1..40).prop_map(|entries| {
        let mut seen = BTreeSet::new();
        entries
            .into_iter()
            .filter_map(|(number, page, body, minutes, version, gone)| {
                let url = if page < 4 { format!("https://org1.example/{page}") } else { String::new() };
                let title = format!("Study {body} of word{body} finds thing{page}");
                let mut entry = tagged(number, &format!("g{page}-{body}"), &title, &text(body), &url, minutes);
                entry.version = version;
                // Of an entry nothing comes after it is gone before it was there: order is kept by key.
                if gone {
                    return seen.contains(&entry.entry).then(|| deleted(entry));
                }
                seen.insert(entry.entry);
                Some(entry)
            })
            .collect()
    })
}

/// What an entry became: its item, its story, and how much the index knows of it.
type Known = Option<(ItemId, StoryId, usize)>;

/// What is known at the end. Versions count changes that were produced, of which a batch has one per item.
fn outcome(network: &Network, stream: &[TaggedV1]) -> Vec<(EntryId, Known)> {
    let known = |entry| network.memory.item_of(entry).map(|item| (item.item, item.story, item.index.len()));
    stream.iter().map(|entry| (entry.entry, known(entry.entry))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Items and stories do not depend on how the stream is cut into batches, nor on a take-over in between.
    #[test]
    fn batches_and_take_overs_change_no_item(stream in stream(), cuts in proptest::collection::vec(1usize..7, 40)) {
        let mut whole = Network::new();
        for entry in &stream {
            whole.group(vec![entry.clone()]);
        }
        let mut cut = Network::new();
        let (mut at, mut sizes) = (0, cuts.into_iter().cycle());
        while at < stream.len() {
            let end = (at + sizes.next().unwrap()).min(stream.len());
            cut.group(stream[at..end].to_vec());
            cut.take_over();
            at = end;
        }
        prop_assert_eq!(outcome(&whole, &stream), outcome(&cut, &stream));
    }

    /// The same stream again changes nothing.
    #[test]
    fn a_replay_changes_nothing(stream in stream()) {
        let mut network = Network::new();
        network.group(stream.clone());
        let before = outcome(&network, &stream);
        let step = network.group(stream.clone());
        prop_assert!(step.batch.items.is_empty() && step.batch.sources.is_empty(), "{:?}", step.batch);
        prop_assert_eq!(before, outcome(&network, &stream));
    }

    /// Whatever the order of an item's sources, the origin and the outcome are the same.
    #[test]
    fn the_origin_does_not_depend_on_the_order(order in Just((1u8..6).collect::<Vec<_>>()).prop_shuffle()) {
        let mut network = Network::new();
        network.standings.insert(feed(5), standing(5, Standing::Suspended, Proof::Proven));
        let mut last = None;
        for number in order {
            let minutes = i64::from(number) * 10;
            last = Some(network.one(tagged(number, "g", &format!("Title {number}"), &text(1), "https://org3.example/x", minutes)));
        }
        let item = last.unwrap();
        prop_assert_eq!(slugs(&item), ["org3", "org1", "org2", "org4"]);
        prop_assert_eq!(item.cleaned.title, "Title 3");
    }
}
