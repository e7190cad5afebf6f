//! Speed of the tagger, one thread: MB/s of text on abstracts, headlines and long texts, time to load, adversarial texts.

use std::time::Instant;

use carewire_conditions::{Document, Tagger, Vocabulary, evaluation};

fn main() {
    let before = resident();
    let (start, used) = (Instant::now(), cpu());
    let vocabulary = Vocabulary::bundled();
    println!("vocabulary: {} conditions in {:?}, {:.2} s of CPU", vocabulary.len(), start.elapsed(), cpu() - used);
    let start = Instant::now();
    let tagger = Tagger::bundled();
    println!("tagger: {:?}, {} KiB resident for both", start.elapsed(), resident().saturating_sub(before));
    let folder = evaluation::data_folder(env!("CARGO_MANIFEST_DIR"));
    for set in ["headlines.dev", "bc5cdr.dev", "ncbi-disease.dev", "medquad.dev", "who-outbreak-news.to-2022"] {
        let records = evaluation::records(&folder.join(format!("{set}.jsonl")));
        let bytes: usize = records.iter().map(|r| r.title.len() + r.text.len()).sum();
        if bytes == 0 {
            continue;
        }
        let rounds = (20_000_000 / bytes).clamp(1, 200);
        let start = cpu();
        let mut tags = 0;
        for _ in 0..rounds {
            for record in &records {
                tags += evaluation::tag(tagger, record).len();
            }
        }
        let seconds = (cpu() - start).max(0.01);
        let texts = records.len() * rounds;
        println!(
            "{set}: {:.1} MB/s, {:.1} µs a text, {:.1} tags a text",
            (bytes * rounds) as f64 / 1e6 / seconds,
            seconds * 1e6 / texts as f64,
            tags as f64 / texts as f64
        );
    }
    let abbreviations: String = (0..10_000).map(|i| format!("acute bad coughing disease (AB{i}) and ")).collect();
    let adversarial = [
        ("one word", "cancer ".repeat(10_000_000 / 7)),
        ("one letter", "a".repeat(10_000_000)),
        ("abbreviations", abbreviations),
        ("combining marks", format!("e{}", "\u{301}".repeat(5_000_000))),
        ("coordination", "breast and ".repeat(900_000)),
        ("right to left", "سرطان الثدي ".repeat(450_000)),
        ("parentheses", "(A".repeat(5_000_000)),
    ];
    for (name, text) in &adversarial {
        let start = cpu();
        let tags = tagger.tag(&Document { title: "", text, language: None, categories: &[] });
        let seconds = cpu() - start;
        println!("{name}: {:.1} MB in {seconds:.2} s, {} tags", text.len() as f64 / 1e6, tags.len());
    }
}

/// CPU time of this process in seconds, in hundredths: on a shared machine the clock on the wall says little.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Resident memory in KiB, 0 where the system does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default().to_owned();
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
}
