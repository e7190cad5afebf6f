//! Entries whose ids changed are known again: by canonical link, else by title and date. Pure, over what is known.
//!
//! Some publishers make a new guid at each rendering, others change all of them once (a new system, https). Taken at their word
//! every entry would come again as news. So an entry with an unknown id takes the id of the one known entry that has the same
//! identity without its id, where that can be no coincidence.

use std::collections::{HashMap, HashSet};

use carewire_schemas::EntryId;

use crate::diff::Window;

/// From so many on, entries that would be new and are known by their links show that ids change.
const PATTERN: usize = 3;

/// What the store holds of entries: hash of the content, and whether declared deleted.
pub(crate) type Known = HashMap<EntryId, (i64, bool)>;

/// Identities without ids of entries that are not known by their ids, each with its place; those that stand on one entry only.
pub(crate) fn unknown(window: &Window, known: &Known) -> HashMap<i64, usize> {
    if window.entries.iter().all(|keyed| known.contains_key(&keyed.id)) {
        return HashMap::new();
    }
    let mut places: HashMap<i64, Option<usize>> = HashMap::with_capacity(window.entries.len());
    for (place, keyed) in window.entries.iter().enumerate() {
        places.entry(keyed.link()).and_modify(|found| *found = None).or_insert(Some(place));
    }
    let unknown = |place: &usize| !known.contains_key(&window.entries[*place].id);
    places.into_iter().filter_map(|(link, place)| Some((link, place.filter(unknown)?))).collect()
}

/// Gives entries the ids by which they are known, of `candidates` (identity, entry, hash); answers how many. `unstable` says that ids
/// of this feed were seen to change before.
///
/// One entry alone is known again only where its content is the same too: a page that is written anew each day under one address, with
/// a new guid, has a new entry each day.
pub(crate) fn recognise(
    window: &mut Window,
    known: &mut Known,
    places: &HashMap<i64, usize>,
    candidates: Vec<(i64, EntryId, i64)>,
    unstable: bool,
) -> usize {
    let present: HashSet<EntryId> = window.entries.iter().map(|keyed| keyed.id).collect();
    let mut by_link: HashMap<i64, Option<(EntryId, i64)>> = HashMap::new();
    for (link, id, hash) in candidates {
        by_link.entry(link).and_modify(|found| *found = None).or_insert(Some((id, hash)));
    }
    let pairs: Vec<(usize, EntryId, i64)> = by_link
        .into_iter()
        .filter_map(|(link, found)| found.map(|(id, hash)| (link, id, hash)))
        .filter(|(_, id, _)| !present.contains(id))
        .filter_map(|(link, id, hash)| places.get(&link).map(|&place| (place, id, hash)))
        .collect();
    let certain = |&(place, _, hash): &(usize, EntryId, i64)| window.entries[place].hash == hash;
    let pattern = unstable || pairs.len() >= PATTERN || (pairs.len() > 1 && pairs.iter().any(certain));
    let taken: Vec<_> = pairs.into_iter().filter(|pair| pattern || certain(pair)).collect();
    for &(place, id, hash) in &taken {
        window.entries[place].id = id;
        known.insert(id, (hash, false));
    }
    taken.len()
}

#[cfg(test)]
mod tests {
    use carewire_feeds::{Entry, Text};
    use carewire_schemas::FeedId;

    use super::*;
    use crate::diff::{News, identify, news};

    const FEED: FeedId = FeedId(uuid::Uuid::from_u128(1));

    fn entry(guid: &str, link: &str, title: &str) -> Entry {
        Entry {
            id: (!guid.is_empty()).then(|| guid.to_owned()),
            url: (!link.is_empty()).then(|| format!("https://example.org/{link}")),
            title: Some(Text { value: title.to_owned(), ..Text::default() }),
            published: "2026-11-23T20:00:00Z".parse().ok(),
            ..Entry::default()
        }
    }

    /// How many are known again, new, and changed, when `second` is read after `first`.
    fn after(first: &[(&str, &str, &str)], second: &[(&str, &str, &str)], unstable: bool) -> (usize, usize, usize) {
        let entries = |rows: &[(&str, &str, &str)]| rows.iter().map(|(g, l, t)| entry(g, l, t)).collect::<Vec<_>>();
        let before = identify(FEED, entries(first), vec![]);
        let rows: Vec<_> = before.entries.iter().map(|keyed| (keyed.link(), keyed.id, keyed.hash)).collect();
        let mut window = identify(FEED, entries(second), vec![]);
        let mut known: Known = rows
            .iter()
            .filter(|(_, id, _)| window.entries.iter().any(|keyed| keyed.id == *id))
            .map(|&(_, id, hash)| (id, (hash, false)))
            .collect();
        let places = unknown(&window, &known);
        let candidates = rows.into_iter().filter(|(link, ..)| places.contains_key(link)).collect();
        let again = recognise(&mut window, &mut known, &places, candidates, unstable);
        let news = news(window, &known);
        let new = news.iter().filter(|news| matches!(news, News::Entry(carewire_schemas::Change::New, _))).count();
        (again, new, news.len() - new)
    }

    #[test]
    fn changed_ids_are_no_news_and_new_entries_are() {
        let old = [("a", "1", "A"), ("b", "2", "B"), ("c", "3", "C")];
        type Rows<'a> = &'a [(&'a str, &'a str, &'a str)];
        /// Name, second reading, ids known to change, outcome as of [`after`].
        type Case<'a> = (&'a str, Rows<'a>, bool, (usize, usize, usize));
        let cases: [Case<'_>; 9] = [
            ("nothing changed", &old, false, (0, 0, 0)),
            ("all ids changed", &[("x", "1", "A"), ("y", "2", "B"), ("z", "3", "C")], false, (3, 0, 0)),
            ("all ids gone", &[("", "1", "A"), ("", "2", "B"), ("", "3", "C")], false, (3, 0, 0)),
            ("all ids changed, one text too", &[("x", "1", "A"), ("y", "2", "B"), ("z", "3", "C!")], false, (3, 0, 1)),
            ("and a new one", &[("n", "4", "N"), ("x", "1", "A"), ("y", "2", "B"), ("z", "3", "C")], false, (3, 1, 0)),
            ("one id changed, same text", &[("x", "1", "A"), ("b", "2", "B")], false, (1, 0, 0)),
            ("one id changed, other text: a new entry of that page", &[("x", "1", "A, day 2")], false, (0, 1, 0)),
            ("the same of a feed whose ids change", &[("x", "1", "A, day 2")], true, (1, 0, 1)),
            ("a link on two entries tells nothing", &[("x", "1", "A"), ("y", "1", "A")], true, (0, 2, 0)),
        ];
        for (name, second, unstable, expected) in cases {
            assert_eq!(after(&old, second, unstable), expected, "{name}");
        }
    }

    #[test]
    fn without_links_title_and_date_tell() {
        let old = [("a", "", "A"), ("b", "", "B"), ("c", "", "C")];
        assert_eq!(after(&old, &[("x", "", "A"), ("y", "", "B"), ("z", "", "C"), ("n", "", "N")], false), (3, 1, 0));
    }

    #[test]
    fn an_entry_that_is_in_the_feed_under_its_own_id_is_not_another_one() {
        let old = [("a", "1", "A"), ("b", "2", "B"), ("c", "3", "C")];
        // The old one still stands there, and a second one has its link: a follow-up of the same page.
        assert_eq!(after(&old, &[("x", "1", "A follow-up"), ("a", "1", "A")], true), (0, 1, 0));
    }
}
