//! Stories, measured: pairs of headlines of 16 outlets, labelled by hand, judged over the whole stream, titles only.

use std::collections::HashMap;

use crate::shared::shared;
use carewire_process::commands::cluster_lines;
use serde_json::{Value, json};

/// Last figure reached, less a margin for noise.
const FLOOR: f64 = 0.83;
const GOAL: f64 = 0.85;
/// The same for titles with summaries, B-cubed.
const SUMMARIES_FLOOR: f64 = 0.75;
const SUMMARIES_GOAL: f64 = 0.95;

/// A headline without the addresses that end it.
fn title(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !word.starts_with("http"));
    words.collect::<Vec<_>>().join(" ").replace("&amp;", "&")
}

#[test]
fn pairs_of_headlines() {
    let (Some(volume), Some(pairs)) =
        (shared("volume/health-headlines.jsonl"), shared("stories/headline-pairs.dev.jsonl"))
    else {
        return;
    };
    let mut input = String::new();
    for (number, line) in std::fs::read_to_string(volume).unwrap().lines().enumerate() {
        let headline: Value = serde_json::from_str(line).unwrap();
        let date = headline["date"].as_str().unwrap();
        let date = jiff::Timestamp::strptime("%a %b %d %H:%M:%S %z %Y", date).unwrap();
        let record = json!({
            "id": format!("h{number}"), "title": title(headline["text"].as_str().unwrap()), "text": "",
            "published": date.to_string(), "publisher": headline["outlet"],
        });
        input.push_str(&format!("{record}\n"));
    }
    let started = std::time::Instant::now();
    let mut output = Vec::new();
    let lines = cluster_lines(input.as_bytes(), &mut output, |problem| panic!("{problem}")).unwrap();
    let took = started.elapsed();
    let mut stories: HashMap<String, String> = HashMap::new();
    for line in String::from_utf8(output).unwrap().lines() {
        let answer: Value = serde_json::from_str(line).unwrap();
        stories.insert(answer["id"].as_str().unwrap().to_owned(), answer["story"].as_str().unwrap().to_owned());
    }
    let (mut both, mut said, mut labelled) = (0.0, 0.0, 0.0);
    let wrong = std::env::var_os("SHOW_WRONG").is_some();
    for line in std::fs::read_to_string(pairs).unwrap().lines() {
        let pair: Value = serde_json::from_str(line).unwrap();
        let same = stories[pair["a"].as_str().unwrap()] == stories[pair["b"].as_str().unwrap()];
        let should = pair["same"].as_bool().unwrap();
        both += f64::from(same && should);
        said += f64::from(same);
        labelled += f64::from(should);
        if wrong && same != should {
            eprintln!("{} {}", if same { "joined " } else { "apart  " }, pair["titles"]);
        }
    }
    let f1 = 2.0 * both / (said + labelled);
    eprintln!(
        "headline pairs: F1 {f1:.3} (precision {:.3}, recall {:.3}), floor {FLOOR}, goal {GOAL}; {:.1} µs a title of {}",
        both / said,
        both / labelled,
        took.as_secs_f64() * 1e6 / lines.done as f64,
        lines.done
    );
    assert!(f1 >= FLOOR, "{f1}");
}

/// Mean over all items of the harmonic mean's parts (Bagga and Baldwin, 1998): of how much of what stands with an item belongs
/// with it, and how much of what belongs with it stands with it.
fn b_cubed(have: &[String], should: &[String]) -> (f64, f64, f64) {
    let (mut precision, mut recall) = (0.0, 0.0);
    for at in 0..have.len() {
        let with: Vec<usize> = (0..have.len()).filter(|other| have[*other] == have[at]).collect();
        let belongs = (0..have.len()).filter(|other| should[*other] == should[at]).count();
        let right = with.iter().filter(|other| should[**other] == should[at]).count() as f64;
        precision += right / with.len() as f64;
        recall += right / belongs as f64;
    }
    let (precision, recall) = (precision / have.len() as f64, recall / have.len() as f64);
    (2.0 * precision * recall / (precision + recall), precision, recall)
}

/// Our own texts: 70 events told by two to five newsrooms each, and 60 texts that only resemble them.
#[test]
fn titles_with_summaries() {
    let (mut input, mut should) = (String::new(), Vec::new());
    for (number, line) in include_str!("../../data/stories.tsv").lines().enumerate() {
        let [story, publisher, published, title, text] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("line {}: five fields", number + 1)
        };
        let record =
            json!({"id": number, "title": title, "text": text, "published": published, "publisher": publisher});
        input.push_str(&format!("{record}\n"));
        should.push(story.to_owned());
    }
    let mut output = Vec::new();
    cluster_lines(input.as_bytes(), &mut output, |problem| panic!("{problem}")).unwrap();
    let answers = String::from_utf8(output).unwrap();
    let have: Vec<String> =
        answers.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["story"].to_string()).collect();
    assert_eq!(have.len(), should.len());
    let (f1, precision, recall) = b_cubed(&have, &should);
    eprintln!(
        "titles with summaries: B-cubed F1 {f1:.3} (precision {precision:.3}, recall {recall:.3}), floor {SUMMARIES_FLOOR}, \
         goal {SUMMARIES_GOAL}"
    );
    assert!(f1 >= SUMMARIES_FLOOR, "{f1}");
}
