mod beside;

use carewire_schemas::{CuratedV1, ItemKind, OrganizationRef, PublicSource, PublicState, Role, StoryId};
use uuid::Uuid;

use super::*;
use crate::{Query, Sort};

fn item(n: u128, title: &str, html: &str, about: &[&str], slug: &str, language: &str) -> IndexedItem {
    let tag = |code: &&str| carewire_schemas::ConditionTag {
        code: carewire_schemas::ConditionCode((*code).to_owned()),
        name: String::new(),
        role: Role::About,
        score: 1.0,
        negated: false,
        qualifier: None,
        topic: false,
        evidence: Vec::new(),
    };
    let value = CuratedV1 {
        id: ItemId(Uuid::from_u128(n)),
        version: 1,
        state: PublicState::Curated,
        title: title.to_owned(),
        url: None,
        summary: String::new(),
        html: html.to_owned(),
        language: Some(language.to_owned()),
        kind: ItemKind::Article,
        traits: Default::default(),
        published: "2026-11-01T08:00:00Z".parse().expect("an instant"),
        updated: "2026-11-01T08:00:00Z".parse().expect("an instant"),
        authors: Vec::new(),
        media: Vec::new(),
        video: None,
        licence: None,
        conditions: about.iter().map(tag).collect(),
        sources: vec![PublicSource {
            organization: OrganizationRef { slug: slug.to_owned(), name: slug.to_owned() },
            url: None,
        }],
        story: StoryId(Uuid::nil()),
        withdrawn: None,
    };
    let content = serde_json::to_string(&value).expect("JSON");
    IndexedItem { id: value.id, first: n as i64, content }
}

fn vocabulary() -> &'static Vocabulary {
    Vocabulary::bundled()
}

fn query(text: &str) -> Query {
    Query::from_pairs(url::form_urlencoded::parse(text.as_bytes()), vocabulary()).expect(text)
}

fn found(index: &SearchIndex, text: &str) -> Vec<i64> {
    index.search(&query(text), None, 10).expect("an answer").hits.iter().map(|hit| hit.first).collect()
}

fn filled(index: &SearchIndex) {
    let items = vec![
        item(1, "Sugar and you", "<p>Insulin &amp; metformin explained</p>", &["D003924"], "clinic", "en"),
        item(2, "Ataque al corazón", "<p>Qué hacer</p>", &["D009203"], "liga", "es-MX"),
        item(3, "Life after a heart attack", "<p>Walking the dog</p>", &[], "clinic", "en"),
        item(4, "Dogs", "<p>A heart that may attack</p>", &[], "league", "en"),
        item(5, "Recipes", "<p>Dogs like insulin? No.</p>", &["D003920"], "league", "en-GB"),
    ];
    index.apply(items.into_iter().map(IndexChange::Add).collect(), vocabulary()).expect("applied");
    index.commit(7).expect("committed");
}

#[test]
fn questions_are_answered() {
    let index = SearchIndex::open(None).expect("an index");
    filled(&index);
    assert_eq!((index.position(), index.len()), (7, 5));
    let table: &[(&str, &[i64])] = &[
        ("", &[5, 4, 3, 2, 1]),
        ("condition=D003920", &[5, 1]),
        ("condition=D003924", &[1]),
        ("condition=-D003920", &[4, 3, 2]),
        ("condition=D003924,D009203", &[2, 1]),
        ("language=es", &[2]),
        ("language=en", &[5, 4, 3, 1]),
        ("organization=league,liga", &[5, 4, 2]),
        ("q=insulin&sort=newest", &[5, 1]),
        ("q=dog&sort=newest", &[5, 4, 3]),
        ("q=dogs&sort=relevance", &[4, 5, 3]),
        // Under all its names: the Spanish item is about it, the third names it; "may attack" is no phrase.
        ("q=heart attack&sort=newest", &[3, 2]),
        ("q=%22heart attack%22", &[3]),
        ("q=corazon", &[2]),
        ("q=dogs -recipe&sort=newest", &[4, 3]),
        ("q=dogs&organization=clinic", &[3]),
        ("kind=video", &[]),
        ("until=2026-10-31", &[]),
        ("since=2026-11-01&until=2026-11-01", &[5, 4, 3, 2, 1]),
    ];
    for (text, expected) in table {
        let mut got = found(&index, text);
        if text.contains("relevance") {
            assert_eq!(got.first(), expected.first(), "{text}: the title counts more");
            got.sort_unstable_by(|a, b| b.cmp(a));
            let mut expected = expected.to_vec();
            expected.sort_unstable_by(|a, b| b.cmp(a));
            assert_eq!(got, expected, "{text}");
        } else {
            assert_eq!(&got, expected, "{text}");
        }
    }
}

#[test]
fn streams_and_search_agree() {
    let index = SearchIndex::open(None).expect("an index");
    filled(&index);
    let texts = [
        "insulin",
        "dog",
        "heart attack",
        "\"heart attack\"",
        "corazon",
        "dogs -recipe",
        "sugar you",
        "walking the dog",
    ];
    for text in texts {
        let query = Query::from_pairs([("q", text), ("sort", "newest")], vocabulary()).expect(text);
        let hits = index.search(&query, None, 10).expect("an answer").hits;
        let by_search: Vec<i64> = hits.iter().map(|hit| hit.first).rev().collect();
        let all = [
            item(1, "Sugar and you", "<p>Insulin &amp; metformin explained</p>", &["D003924"], "clinic", "en"),
            item(2, "Ataque al corazón", "<p>Qué hacer</p>", &["D009203"], "liga", "es-MX"),
            item(3, "Life after a heart attack", "<p>Walking the dog</p>", &[], "clinic", "en"),
            item(4, "Dogs", "<p>A heart that may attack</p>", &[], "league", "en"),
            item(5, "Recipes", "<p>Dogs like insulin? No.</p>", &["D003920"], "league", "en-GB"),
        ];
        let matching = all.iter().filter(|one| {
            let value: CuratedV1 = serde_json::from_str(&one.content).expect("JSON");
            query.matches_text(&value, vocabulary())
        });
        assert_eq!(matching.map(|one| one.first).collect::<Vec<_>>(), by_search, "{text}");
    }
}

#[test]
fn pages_hold_everything_once() {
    let index = SearchIndex::open(None).expect("an index");
    for batch in 0..5_u128 {
        let items = (0..50).map(|n| batch * 50 + n + 1);
        let items = items.map(|n| IndexChange::Add(item(n, "Asthma", "<p>asthma asthma</p>", &["D001249"], "a", "en")));
        index.apply(items.collect(), vocabulary()).expect("applied");
        index.commit(batch as i64).expect("committed");
    }
    for sort in [Sort::Newest, Sort::Relevance] {
        let asked = Query { sort: Some(sort), ..query("q=asthma") };
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = index.search(&asked, after, 60).expect("an answer");
            assert_eq!(page.total, 250);
            seen.extend(page.hits.iter().map(|hit| hit.first));
            assert_eq!(page.next, page.next.map(|next| next.to_string().parse().expect("a cursor")));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, (1..=250).rev().collect::<Vec<_>>(), "{sort:?}");
    }
}

#[test]
fn changes_replace_and_remove_and_survive() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = SearchIndex::open(Some(folder.path())).expect("an index");
    filled(&index);
    let put = IndexChange::Put(item(1, "Asthma", "", &["D001249"], "clinic", "en"));
    index.apply(vec![put, IndexChange::Remove(ItemId(Uuid::from_u128(5)))], vocabulary()).expect("applied");
    assert_eq!(found(&index, "condition=D003920"), [5, 1], "not before the commit");
    index.commit(9).expect("committed");
    assert_eq!(found(&index, "condition=D003920"), [0_i64; 0]);
    assert_eq!(found(&index, "condition=D001249"), [1]);
    let counts = index.condition_counts().expect("counts");
    assert!(counts.iter().any(|(code, n)| code.as_str() == "D001249" && *n == 1));
    assert!(!counts.iter().any(|(code, _)| code.as_str() == "D003920"));
    // What was not committed is forgotten, and the position says so.
    index.apply(vec![IndexChange::Remove(ItemId(Uuid::from_u128(1)))], vocabulary()).expect("applied");
    drop(index);
    let index = SearchIndex::open(Some(folder.path())).expect("an index");
    assert_eq!((index.position(), index.len()), (9, 4));
    // Another process would not be stopped, only kept apart.
    let second = SearchIndex::open(Some(folder.path())).expect("an index");
    assert_eq!(second.position(), 0);
    drop((index, second));
    // An index that cannot be read is made anew. (Elsewhere: the dropped ones' threads may still write a while.)
    let folder = tempfile::tempdir().expect("a folder");
    let version = folder.path().join(schema::version());
    std::fs::create_dir(&version).expect("made");
    std::fs::write(version.join("meta.json"), "nonsense").expect("written");
    let index = SearchIndex::open(Some(folder.path())).expect("an index");
    assert_eq!((index.position(), index.len()), (0, 0));
    let broken = IndexedItem { id: ItemId(Uuid::from_u128(6)), first: 6, content: "{".to_owned() };
    index.apply(vec![IndexChange::Put(broken)], vocabulary()).expect("a bad item does not stop the others");
    index.clear().expect("cleared");
}
