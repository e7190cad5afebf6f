//! Ids, slugs and trace context: round trips and refusals.

use carewire_schemas::{EntryId, FeedId, ItemId, Slug, TraceParent};
use proptest::prelude::*;

#[test]
fn derived_ids_are_stable_and_belong_to_their_feed() {
    let feed: FeedId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let other: FeedId = "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap();
    let entry = EntryId::derive(feed, "tag:example.org,2026:1");
    assert_eq!(entry.to_string(), EntryId::derive(feed, "tag:example.org,2026:1").to_string());
    assert_ne!(entry, EntryId::derive(other, "tag:example.org,2026:1"));
    // Renaming every item of every network would be noticed here first.
    assert_eq!(
        format!("{entry} {}", ItemId::derive(entry)),
        "88af6f49-e418-55a3-a586-4fea9b544281 40ceff84-49b0-593d-8af3-669d6234f63c"
    );
}

#[test]
fn slugs() {
    for good in ["a", "9", "st-mary", "a--b"] {
        assert!(Slug::new(good).is_ok(), "{good}");
    }
    for bad in ["", "-a", "a-", "A", "é", "a b", "a/b", &"x".repeat(64)] {
        assert!(Slug::new(bad).is_err(), "{bad}");
    }
    assert_eq!(Slug::from_name("St. Mary’s Hospital (Köln)").unwrap().as_str(), "st-mary-s-hospital-k-ln");
    assert_eq!(Slug::from_name("北京"), None);
}

#[test]
fn broken_traceparents_are_refused() {
    for bad in [
        "",
        "00-0-0-0",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        assert!(bad.parse::<TraceParent>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn traceparent_round_trips(trace in 1u128.., parent in 1u64.., flags in any::<u8>()) {
        let made = TraceParent { trace, parent, flags };
        prop_assert_eq!(made.to_string().parse::<TraceParent>().unwrap(), made);
    }

    #[test]
    fn slugs_made_of_names_are_slugs(name in "\\PC*") {
        if let Some(slug) = Slug::from_name(&name) {
            prop_assert!(Slug::new(slug.as_str()).is_ok(), "{}", slug);
        }
    }
}
