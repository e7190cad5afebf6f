//! Measures the tagger on the sets of `../shared/data/tagging` and prints reached, floor and goal.
//!
//! `evaluate-tagging [--misses SET | --headlines]`: `--misses` prints what a set (a file's name, `own`, `later`, `own-topics` or `later-topics`) gets
//! wrong, `--headlines` tags the volume of headlines. `VOCABULARY=FILE` takes another compiled file than the committed one.

use std::{collections::BTreeSet, path::PathBuf, sync::LazyLock};

use carewire_conditions::{Document, Tagger, Vocabulary, evaluation};

/// The committed vocabulary, or the one that is being worked on.
static VOCABULARY: LazyLock<&'static Vocabulary> = LazyLock::new(|| match std::env::var_os("VOCABULARY") {
    Some(path) => {
        let file = std::fs::read(path).expect("VOCABULARY is a file");
        Box::leak(Box::new(Vocabulary::decode(&file).expect("VOCABULARY is a compiled vocabulary")))
    }
    None => Vocabulary::bundled(),
});
static TAGGER: LazyLock<Tagger> = LazyLock::new(|| Tagger::new(*VOCABULARY));

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = evaluation::data_folder(env!("CARGO_MANIFEST_DIR"));
    if let [flag, set] = arguments.as_slice()
        && flag == "--misses"
    {
        misses(&folder, set);
        return;
    }
    if arguments.first().is_some_and(|a| a == "--headlines") {
        volume(&folder);
        return;
    }
    println!("{:<34} {:>7} {:>7} {:>7}", "measure", "reached", "floor", "goal");
    for figure in evaluation::evaluate(&folder, &TAGGER, *VOCABULARY) {
        println!(
            "{:<34} {:>7.3} {:>7.3} {:>7.3}  {}",
            figure.name, figure.reached, figure.floor, figure.goal, figure.detail
        );
    }
}

fn misses(folder: &std::path::Path, set: &str) {
    let vocabulary = *VOCABULARY;
    let name = |code: &String| {
        let name = vocabulary.get(&carewire_conditions::ConditionCode(code.clone())).map_or("?", |c| c.name());
        format!("{code} {name}")
    };
    let records = match set {
        "own" | "own-topics" => evaluation::own_headlines(folder, false),
        "later" | "later-topics" => evaluation::own_headlines(folder, true),
        set => evaluation::records(&folder.join(format!("{set}.jsonl"))),
    };
    for record in records {
        if !record.focus.is_empty() {
            focus(vocabulary, &record);
            continue;
        }
        let tags = evaluation::tag(&TAGGER, &record);
        let all = set.starts_with("ncbi") || set.starts_with("bc5");
        let topics = set.ends_with("-topics");
        let predicted: BTreeSet<String> = match (all, topics) {
            (true, _) => evaluation::all(&tags),
            (_, true) => evaluation::about_topics(&tags),
            _ => evaluation::about(&tags),
        };
        let (gold, optional) =
            if topics { (&record.topics, &record.optional_topics) } else { (&record.conditions, &record.optional) };
        let gold: BTreeSet<String> = gold.iter().cloned().collect();
        let missing: Vec<_> = gold.difference(&predicted).map(name).collect();
        let extra: Vec<_> = predicted.difference(&gold).filter(|c| !optional.contains(c)).map(name).collect();
        if !missing.is_empty() || !extra.is_empty() {
            let text: String = record.title.chars().chain(" ".chars()).chain(record.text.chars()).take(200).collect();
            println!("{} -{missing:?} +{extra:?} | {text}", record.id);
        }
    }
}

/// Prints a text whose focus is not found.
fn focus(vocabulary: &Vocabulary, record: &evaluation::Record) {
    let tags = evaluation::tag(&TAGGER, record);
    let wanted = evaluation::focus_codes(vocabulary, record);
    if wanted.is_empty() {
        println!("{} no code for {:?} {:?}", record.id, record.focus, record.umls);
    } else if !tags.iter().any(|t| wanted.contains(&t.code.0)) {
        let found: Vec<_> = tags.iter().take(3).map(|t| format!("{} {}", t.code, t.name)).collect();
        println!("{} not found {:?} {wanted:?}, but {found:?}", record.id, record.focus);
    }
}

fn volume(folder: &std::path::Path) {
    let path: PathBuf = folder.join("../volume/health-headlines.jsonl");
    for (number, line) in std::fs::read_to_string(path).unwrap_or_default().lines().enumerate() {
        let Ok(value) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let title = value["text"].as_str().unwrap_or_default();
        let tags = TAGGER.tag(&Document { title, text: "", language: Some("en"), categories: &[] });
        let shown: Vec<String> = tags
            .iter()
            .filter(|t| !t.topic)
            .map(|t| format!("{}={:?}", t.evidence.first().map_or("", |e| e.text.as_str()), t.name))
            .collect();
        println!("{number}\t{}\t{title}", shown.join("; "));
    }
}
