//! Hostile texts stay within time and memory. One test: memory is that of the process.

use std::time::Instant;

use carewire_conditions::{Document, Tagger};

/// Peak resident memory of this process in MiB; 0 where the system does not say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or_default().to_owned();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[test]
fn hostile_texts_stay_within_time_and_memory() {
    let abbreviations: String = (0..10_000).map(|i| format!("acute bad coughing disease (AB{i}) and ")).collect();
    let texts = [
        ("one word", "cancer ".repeat(10_000_000 / 7)),
        ("one letter", "a".repeat(10_000_000)),
        ("ten thousand abbreviations", abbreviations),
        ("combining marks", format!("e{}", "\u{301}".repeat(5_000_000))),
        ("marks on every letter", "c\u{301}a\u{300}n\u{303}c\u{327}e\u{301}r\u{30c} ".repeat(400_000)),
        ("lists", "breast and ".repeat(900_000)),
        ("commas", "breast, ovarian, lung, ".repeat(430_000)),
        ("right to left", "سرطان الثدي ".repeat(450_000)),
        ("right-to-left marks", "\u{202e}recnac\u{202c} cancer ".repeat(400_000)),
        ("parentheses", "(A".repeat(5_000_000)),
        ("hashtags", "#BreastCancerAwareness".repeat(450_000)),
        ("beginnings of long names", "chronic obstructive pulmonary ".repeat(330_000)),
        ("topics that give way", "new heart attack drug and ".repeat(380_000)),
    ];
    let tagger = Tagger::bundled();
    let before = peak();
    for (name, text) in &texts {
        let start = Instant::now();
        for (title, body) in [("", text.as_str()), (text.as_str(), "")] {
            let tags = tagger.tag(&Document { title, text: body, language: None, categories: &[] });
            assert!(tags.len() < 1000, "{name}: {} tags", tags.len());
            for evidence in tags.iter().flat_map(|t| &t.evidence) {
                assert!(evidence.start < evidence.end, "{name}");
            }
        }
        // 0.3 s on a quiet machine; what is not linear takes minutes.
        assert!(start.elapsed().as_secs() < 60, "{name}: {:?}", start.elapsed());
    }
    let grown = peak().saturating_sub(before);
    assert!(grown < 700, "{grown} MiB for texts of 10 MB");
}
