//! Measures how often feeds that do what they always do are held for a break of habit, and how soon one that does not is.
//!
//! `evaluate-habits [--show] < ENTRIES` (`--show`: each hold): JSON lines `{"feed", "title", "html", "url", "published"}`, a feed's in order of time, as `carewire
//! parse` reads them. The first third of each feed is its history. After a hold a curator releases it, and the feed goes on.
//! Then each feed is taken over by entries of an attacker: sort by sort, after how many of them it is held.

use std::{collections::BTreeMap, io::BufRead};

use carewire_conditions::{Tagger, Vocabulary};
use carewire_process::{
    policy::{
        Policy,
        habit::{Habit, Signals},
    },
    tag::tag_entry,
};
use carewire_schemas::{Change, Content, EntryId, EntryV1, FeedId, OrganizationId, Text, TextType, Via};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

#[derive(Deserialize)]
struct Line {
    feed: String,
    title: String,
    html: String,
    url: Option<String>,
    published: Option<Timestamp>,
}

/// What an attacker posts: name, title, text.
const ATTACKS: [(&str, &str, &str); 4] = [
    ("casino", "Best online casino bonus", "<p>Free spins at <a href=\"https://win.example/\">win.example</a></p>"),
    ("loans", "Cash in ten minutes", "<p>Ask at <a href=\"https://cash.example/\">cash.example</a> today</p>"),
    (
        "russian",
        "Быстрые деньги без проверки",
        "<p>Деньги сразу на карту <a href=\"https://dengi.example/\">сайт</a> для всех</p>",
    ),
    ("false health", "Miracle drops cure diabetes", "<p>Order <a href=\"https://drops.example/\">drops</a> now</p>"),
];

fn signals(line: &Line) -> Signals {
    let html = |value: &str| Some(Text { r#type: TextType::Html, value: value.to_owned() });
    let entry = EntryV1 {
        entry: EntryId::derive(FeedId::random(), &line.title),
        feed: FeedId::random(),
        organization: OrganizationId::random(),
        version: 1,
        via: Via::Poll,
        change: Change::New,
        history: false,
        seen: Timestamp::now(),
        reason: None,
        content: Content {
            title: html(&line.title),
            body: html(&line.html),
            url: line.url.clone(),
            published: line.published,
            ..Content::default()
        },
    };
    let tagged = tag_entry(&entry, Tagger::bundled(), Vocabulary::bundled());
    let found = Policy::bundled().words().find(&tagged.cleaned.title, &tagged.cleaned.text);
    Signals::of(&tagged, found.unusual)
}

fn main() -> Result<(), String> {
    let mut feeds: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let line: Line = serde_json::from_str(&line.map_err(|error| error.to_string())?).map_err(|e| e.to_string())?;
        feeds.entry(line.feed.clone()).or_default().push(line);
    }
    let config = &Policy::bundled().config().habits;
    let attacks: Vec<Signals> = ATTACKS
        .iter()
        .map(|(_, title, html)| {
            let line = Line {
                feed: String::new(),
                title: (*title).to_owned(),
                html: (*html).to_owned(),
                url: None,
                published: None,
            };
            signals(&line)
        })
        .collect();
    let (mut observed, mut holds, mut held_feeds, mut marks) = (0, 0, 0, BTreeMap::<String, usize>::new());
    let mut after: Vec<Vec<Option<usize>>> = vec![Vec::new(); ATTACKS.len()];
    for (name, lines) in &feeds {
        let site =
            lines.iter().find_map(|line| url::Url::parse(line.url.as_deref()?).ok()?.host_str().map(str::to_owned));
        let own = |host: &str| {
            site.as_deref()
                .is_some_and(|site| carewire_process::policy::habit::same_site(site.trim_start_matches("www."), host))
        };
        let mut habit = Habit::default();
        let mut held = false;
        let history = (lines.len() / 3).max(config.learn as usize);
        let mut clock = Timestamp::UNIX_EPOCH;
        for (at, line) in lines.iter().enumerate() {
            clock = line.published.unwrap_or(clock + SignedDuration::from_hours(12)).max(clock);
            let seen = signals(line);
            if at < history {
                habit.learn(&seen, clock.as_millisecond(), &own);
                continue;
            }
            observed += 1;
            if let Some(hold) = habit.observe(config, &seen, (clock, clock.as_millisecond(), true), &[], &own) {
                holds += 1;
                held = true;
                hold.marks.iter().for_each(|mark| *marks.entry(mark.clone()).or_default() += 1);
                if std::env::args().any(|argument| argument == "--show") {
                    println!("{name}: {} | {}", hold.why, line.title);
                }
                habit.settle(&[]);
            }
        }
        held_feeds += usize::from(held);
        if lines.len() < history {
            continue;
        }
        for (attack, after) in attacks.iter().zip(&mut after) {
            let mut habit = habit.clone();
            let mut attack = (0..20).map(|at| {
                let seen = clock + SignedDuration::from_hours(12 * (at + 1));
                habit.observe(config, attack, (seen, seen.as_millisecond(), true), &[], &own).is_some()
            });
            after.push(attack.position(|held| held));
        }
    }
    println!("{observed} entries of {} feeds: {holds} holds of {held_feeds} feeds; {marks:?}", feeds.len());
    for ((name, ..), after) in ATTACKS.iter().zip(&after) {
        let within = |most: usize| after.iter().filter(|at| at.is_some_and(|at| at < most)).count();
        println!(
            "{name}: of {} feeds held at its first entry {}, second {}, third {}, tenth {}",
            after.len(),
            within(1),
            within(2),
            within(3),
            within(10)
        );
    }
    Ok(())
}
