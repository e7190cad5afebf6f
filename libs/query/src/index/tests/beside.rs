//! What a search gives beside the items: counts of values, what was meant, and an order that knows age.

use super::*;

fn asked(index: &SearchIndex, text: &str, ask: Ask<'_>) -> Hits {
    index.ask(&query(text), &ask).expect("an answer")
}

fn dated(n: u128, title: &str, published: &str, updated: &str) -> IndexedItem {
    let item = item(n, title, "<p>Walking helps</p>", &["D003924"], "clinic", "en");
    let mut value: serde_json::Value = serde_json::from_str(&item.content).expect("JSON");
    value["published"] = published.into();
    value["updated"] = updated.into();
    IndexedItem { content: value.to_string(), ..item }
}

fn values(facets: &Facets, kind: FacetKind) -> Vec<(&str, u64, bool)> {
    facets[kind as usize].iter().map(|one| (one.value.as_str(), one.count, one.more)).collect()
}

#[test]
fn values_are_counted() {
    let index = SearchIndex::open(None).expect("an index");
    filled(&index);
    let everything = Ask { limit: 1, facets: Some(vocabulary()), ..Ask::default() };
    let facets = asked(&index, "", everything).facets.expect("asked for");
    // Type 2 diabetes counts for diabetes, which stands above it.
    let conditions = values(&facets, FacetKind::Condition);
    assert_eq!(conditions[0], ("D003920", 2, false));
    assert!(conditions.contains(&("D003924", 1, false)) && conditions.contains(&("D009203", 1, false)));
    assert_eq!(
        values(&facets, FacetKind::Organization),
        [("clinic", 2, false), ("league", 2, false), ("liga", 1, false)]
    );
    assert_eq!(values(&facets, FacetKind::Language), [("en", 4, false), ("es", 1, false)]);
    assert_eq!(values(&facets, FacetKind::Kind), [("article", 5, false)]);
    assert_eq!(values(&facets, FacetKind::Level), []);
    let narrowed = asked(&index, "condition=D003920&organization=league", everything).facets.expect("asked for");
    assert_eq!(values(&narrowed, FacetKind::Condition), [], "what is asked for is no narrowing");
    assert_eq!(values(&narrowed, FacetKind::Organization), [("league", 1, false)]);
    // Every count is what the narrowed question finds.
    for kind in FacetKind::ALL {
        for (value, count, _) in values(&facets, kind) {
            let narrowed = query(&format!("{}={value}", kind.parameter()));
            assert_eq!(index.count(&narrowed).expect("counted") as u64, count, "{}={value}", kind.parameter());
        }
    }
}

#[test]
fn counts_stop_where_it_is_said() {
    let index = SearchIndex::open(None).expect("an index");
    let many = (1..=u128::from(COUNTED) + 5)
        .map(|n| IndexChange::Add(item(n, "A title", "<p>x</p>", &["D003924"], "clinic", "en")));
    index.apply(many.collect(), vocabulary()).expect("applied");
    index.commit(1).expect("committed");
    let hits = asked(&index, "", Ask { facets: Some(vocabulary()), ..Ask::default() });
    assert_eq!(hits.total as u64, COUNTED + 5);
    let facets = hits.facets.expect("asked for");
    for kind in [FacetKind::Condition, FacetKind::Organization, FacetKind::Language] {
        let (_, count, more) = values(&facets, kind)[0];
        assert_eq!((count, more), (COUNTED, true), "{kind:?}");
    }
}

#[test]
fn words_are_set_right() {
    let index = SearchIndex::open(None).expect("an index");
    filled(&index);
    for (asked, meant) in [
        ("metfromin", Some("metformin")),
        ("insulim recipes", Some("insulin recipes")),
        // A word of the vocabulary, as people write it.
        ("hypertensoin", Some("hypertension")),
        ("insulin", None),
        ("\"insulim\"", None),
        ("dgo", None),
        ("zzzzzzz", None),
    ] {
        let q = query(&format!("q={asked}")).q.expect("words");
        let got = index.did_you_mean(&q, vocabulary()).expect("an answer");
        assert_eq!(got.as_deref(), meant, "{asked}");
    }
}

#[test]
fn new_items_come_first_of_those_that_fit_alike() {
    let index = SearchIndex::open(None).expect("an index");
    let items = [
        dated(3, "Walking", "2016-11-01T08:00:00Z", "2026-11-01T08:00:00Z"),
        dated(2, "Walking", "2026-10-01T08:00:00Z", "2026-11-02T08:00:00Z"),
        dated(1, "Walking", "2024-11-01T08:00:00Z", "2026-11-03T08:00:00Z"),
        dated(4, "On shoes", "2026-11-01T08:00:00Z", "2026-11-04T08:00:00Z"),
    ];
    index.apply(items.into_iter().map(IndexChange::Add).collect(), vocabulary()).expect("applied");
    index.commit(1).expect("committed");
    let now = "2026-11-10T00:00:00Z".parse::<jiff::Timestamp>().expect("an instant").as_millisecond();
    let hits = asked(&index, "q=walking", Ask { limit: 10, now: Some(now), ..Ask::default() });
    let order: Vec<i64> = hits.hits.iter().map(|hit| hit.first).collect();
    assert_eq!(order, [2, 1, 3, 4], "age takes less than a title gives");
}

#[test]
fn what_changed_within_a_time_is_found() {
    let index = SearchIndex::open(None).expect("an index");
    let items = (1..=3)
        .map(|n| IndexChange::Add(dated(n, "Walking", "2026-01-01T08:00:00Z", &format!("2026-11-0{n}T08:00:00Z"))));
    index.apply(items.collect(), vocabulary()).expect("applied");
    index.commit(1).expect("committed");
    let at = |text: &str| Some(text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond());
    let within = |from, to| {
        let hits = asked(&index, "", Ask { limit: 10, updated: (from, to), ..Ask::default() });
        (hits.hits.iter().map(|hit| hit.first).collect::<Vec<_>>(), hits.total)
    };
    assert_eq!(within(at("2026-11-02T08:00:00Z"), None), (vec![3, 2], 2));
    assert_eq!(within(None, at("2026-11-02T08:00:00Z")), (vec![1], 1));
    assert_eq!(within(at("2026-11-02T00:00:00Z"), at("2026-11-03T00:00:00Z")), (vec![2], 1));
    let ids = |range| index.in_range(range).expect("an answer").len();
    assert_eq!((ids(0..10), ids(2..3), ids(4..9)), (3, 1, 0));
}
