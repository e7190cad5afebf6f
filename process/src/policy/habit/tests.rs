//! Habits: what breaks them, and what does not.

use super::*;

const HOUR: i64 = 3_600_000;

fn signals(host: &str, language: &str, health: bool, unusual_words: bool) -> Signals {
    let hosts = [host.to_owned()].into_iter().collect();
    Signals { hosts, language: Some(language.to_owned()), health, unusual_words }
}

fn own(host: &str) -> bool {
    host == "clinic.example"
}

fn time(hours: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000 + hours * HOUR).unwrap()
}

/// A feed of `n` English entries on health, one a day, with a sixth that name no condition.
fn used(n: i64) -> Habit {
    used_to(n, 6)
}

/// The same, but for every `nth` that names no condition.
fn used_to(n: i64, nth: i64) -> Habit {
    let mut habit = Habit::default();
    for k in 0..n {
        let published = time(k * 24 - n * 24).as_millisecond();
        habit.learn(&signals("clinic.example", "en", k % nth != 0, false), published, &own);
    }
    habit
}

/// Feeds the entries one an hour; the number of the first that broke the habit, and its marks.
fn first_break(
    habit: &mut Habit,
    entries: impl IntoIterator<Item = Signals>,
) -> Option<(usize, Vec<String>, Timestamp)> {
    let config = HabitsConfig::default();
    entries.into_iter().enumerate().find_map(|(k, entry)| {
        let seen = time(k as i64);
        let hold = habit.observe(&config, &entry, (seen, seen.as_millisecond(), true), &[], &own)?;
        Some((k, hold.marks, hold.since))
    })
}

#[test]
fn what_a_feed_never_did_breaks_its_habit() {
    let casino = || signals("casino.example", "en", false, true);
    for (what, known, nth, entry, within, marks) in [
        ("casino", 20, 6, casino(), 1, vec!["domains", "no-health", "words"]),
        ("another language", 60, 6, signals("clinic.example", "ru", true, false), 3, vec!["language"]),
        ("new hosts", 60, 6, signals("elsewhere.example", "en", true, false), 3, vec!["domains"]),
        ("no health", 60, 30, signals("clinic.example", "en", false, false), 6, vec!["no-health"]),
        ("words", 100, 6, signals("clinic.example", "en", true, true), 2, vec!["words"]),
    ] {
        let found = first_break(&mut used_to(known, nth), vec![entry; 10]);
        let (at, have, since) = found.unwrap_or_else(|| panic!("{what} breaks nothing"));
        assert!(at < within, "{what}: only at {at}");
        assert_eq!(have, marks, "{what}");
        assert_eq!(since, time(0), "{what}: what came first waits too");
    }
}

#[test]
fn what_a_feed_is_used_to_breaks_nothing() {
    let mut links = Habit::default();
    for k in 0..40 {
        links.learn(
            &signals(&format!("h{k}.example"), if k % 2 == 0 { "en" } else { "es" }, true, k % 3 == 0),
            0,
            &own,
        );
    }
    let entries =
        (40..80).map(|k| signals(&format!("h{k}.example"), if k % 2 == 0 { "es" } else { "en" }, true, k % 3 == 1));
    assert_eq!(first_break(&mut links, entries), None, "a feed of links in two languages, a help line for gamblers");
    let usual = (0..40).map(|k| signals("clinic.example", "en", k % 6 != 3, false));
    assert_eq!(first_break(&mut used(30), usual), None);
    let young = vec![signals("casino.example", "ru", false, true); 3];
    assert_eq!(first_break(&mut used(5), young), None, "a feed of which little is known has no habits");
}

#[test]
fn a_burst_is_many_times_the_usual_within_a_day() {
    let config = HabitsConfig::default();
    let burst = |habit: &mut Habit, published: Timestamp| {
        (0..100).find_map(|k| {
            let entry = signals("clinic.example", "en", true, false);
            habit
                .observe(&config, &entry, (time(0), published.as_millisecond(), true), &[], &own)
                .map(|hold| (k, hold.marks))
        })
    };
    assert_eq!(burst(&mut used(30), time(0)), Some((50, vec!["burst".to_owned()])));
    assert_eq!(burst(&mut used(30), time(-100)), None, "what lay unread for days is no burst");
    assert_eq!(burst(&mut used(5), time(0)), None, "a new feed");
    let mut busy = Habit::default();
    (0..500).for_each(|k| busy.learn(&signals("clinic.example", "en", true, false), time(-k).as_millisecond(), &own));
    assert_eq!(burst(&mut busy, time(0)), None, "24 a day are usual");
}

#[test]
fn a_release_makes_it_habit_and_a_kept_hold_forgets_it() {
    let config = HabitsConfig::default();
    let entry = signals("moved.example", "en", true, false);
    let mut habit = used(60);
    let (_, _, since) = first_break(&mut habit, vec![entry.clone(); 5]).unwrap();
    let open = FeedHold { since, until: None, marks: Vec::new(), why: String::new(), found_at: since };
    for k in 10..30 {
        let seen = (time(k), time(k).as_millisecond(), true);
        assert_eq!(habit.observe(&config, &entry, seen, std::slice::from_ref(&open), &own), None, "one hold is enough");
    }
    let read = Habit::read(Some(&habit.write()));
    assert_eq!(read, habit);
    let (mut released, mut kept) = (habit.clone(), habit);
    let closed = FeedHold { until: Some(time(31)), ..open };
    let again = |habit: &mut Habit, holds: &[FeedHold]| {
        (40..44).find_map(|k| habit.observe(&config, &entry, (time(k), time(k).as_millisecond(), true), holds, &own))
    };
    assert_eq!(again(&mut released, &[]), None, "the new host is habit now");
    assert!(again(&mut kept, &[closed]).is_some(), "the new host is as strange as before");
}
