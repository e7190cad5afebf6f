//! The table of phrases, and what of it a text has.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use carewire_schemas::{Aspect, Audience, Evidence, Field, ItemKind, StudyDesign};

/// What a phrase speaks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Label {
    /// A kind.
    Kind(ItemKind),
    /// A design of a study.
    Design(StudyDesign),
    /// An aspect.
    Aspect(Aspect),
    /// An audience.
    Audience(Audience),
}

/// Where a phrase must stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Anywhere,
    Title,
    Address,
}

/// One meaning of a phrase.
#[derive(Clone, Copy)]
struct Rule {
    label: u8,
    weight: f32,
    place: Place,
}

/// A phrase of the table.
struct Phrase {
    /// Stands for any ending.
    open: bool,
    rules: Vec<Rule>,
}

/// The compiled table.
struct Table {
    automaton: AhoCorasick,
    phrases: Vec<Phrase>,
    labels: Vec<Label>,
}

/// Most labels of the table.
const LABELS: usize = 40;
/// Most bytes of a text that are looked at: what a text is shows early.
const READ: usize = 3_000;
/// What a phrase in the title counts more.
const TITLE: f32 = 2.0;
/// Phrases kept as evidence of a label.
const EVIDENCE: usize = 3;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    Table::read(include_str!("phrases.txt")).unwrap_or_else(|error| unreachable!("phrases.txt: {error}"))
});

impl Table {
    /// Reads the table; says which line is wrong. The committed one is read by a test.
    fn read(text: &str) -> Result<Self, String> {
        let mut labels: Vec<Label> = Vec::new();
        let mut phrases: Vec<Phrase> = Vec::new();
        let mut places = rustc_hash::FxHashMap::<(&str, bool), usize>::default();
        let mut patterns: Vec<&str> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let wrong = |what: &str| format!("line {}: {what}: {line}", number + 1);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                labels.push(label(name).ok_or_else(|| wrong("no such label"))?);
                continue;
            }
            let (head, list) = line.split_once(' ').ok_or_else(|| wrong("no weight"))?;
            let place = match head.chars().last() {
                Some('t') => Place::Title,
                Some('u') => Place::Address,
                _ => Place::Anywhere,
            };
            let weight: f32 = head.trim_end_matches(['t', 'u']).parse().map_err(|_| wrong("no weight"))?;
            let label = labels.len().checked_sub(1).ok_or_else(|| wrong("before the first section"))? as u8;
            for phrase in list.split('|') {
                let (phrase, open) = phrase.strip_suffix('*').map_or((phrase, false), |phrase| (phrase, true));
                if phrase.trim() != phrase || phrase.is_empty() {
                    return Err(wrong("an empty phrase, or one with white space at its ends"));
                }
                let at = *places.entry((phrase, open)).or_insert_with(|| {
                    patterns.push(phrase);
                    phrases.push(Phrase { open, rules: Vec::new() });
                    phrases.len() - 1
                });
                phrases[at].rules.push(Rule { label, weight, place });
            }
        }
        if labels.len() > LABELS {
            return Err(format!("{} labels, at most {LABELS}", labels.len()));
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&patterns)
            .map_err(|error| error.to_string())?;
        Ok(Self { automaton, phrases, labels })
    }
}

fn label(name: &str) -> Option<Label> {
    let (group, name) = name.split_once(' ')?;
    match group {
        "kind" => ItemKind::named(name).map(Label::Kind),
        "design" => StudyDesign::named(name).map(Label::Design),
        "aspect" => Aspect::named(name).map(Label::Aspect),
        "audience" => Audience::named(name).map(Label::Audience),
        _ => None,
    }
}

/// What speaks for a label: the sum of its phrases' weights, and the first of them.
#[derive(Clone, Copy, Default)]
pub struct Score {
    /// The sum; each phrase counts once in a field.
    pub sum: f32,
    hits: [Option<Hit>; EVIDENCE],
}

#[derive(Clone, Copy)]
struct Hit {
    title: bool,
    start: u32,
    end: u32,
    weight: f32,
}

impl Score {
    fn add(&mut self, hit: Hit) {
        self.sum += hit.weight;
        if let Some(free) = self.hits.iter_mut().find(|have| have.is_none()) {
            *free = Some(hit);
        } else if let Some(least) = self.hits.iter_mut().flatten().min_by(|a, b| a.weight.total_cmp(&b.weight))
            && least.weight < hit.weight
        {
            *least = hit;
        }
    }

    /// The words that it rests on, the heaviest first.
    #[must_use]
    pub fn evidence(&self, title: &str, text: &str) -> Vec<Evidence> {
        let mut hits: Vec<Hit> = self.hits.iter().flatten().copied().collect();
        hits.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.start.cmp(&b.start)));
        let show = |hit: &Hit| {
            let (source, field) = if hit.title { (title, Field::Title) } else { (text, Field::Text) };
            let words = source.get(hit.start as usize..hit.end as usize)?;
            let start = source.get(..hit.start as usize)?.chars().count();
            Some(Evidence { text: words.to_owned(), start, end: start + words.chars().count(), field })
        };
        hits.iter().filter_map(show).collect()
    }
}

/// What the phrases of an item say, by label.
pub struct Scores {
    scores: [Score; LABELS],
}

impl Scores {
    /// Looks for the table's phrases in title, text and address.
    #[must_use]
    pub fn of(title: &str, text: &str, url: Option<&str>) -> Self {
        let mut found = Self { scores: [Score::default(); LABELS] };
        let mut seen = vec![0u64; TABLE.phrases.len().div_ceil(64)];
        found.scan(title, Some(true), &mut seen);
        seen.fill(0);
        found.scan(&text[..text.floor_char_boundary(READ)], Some(false), &mut seen);
        if let Some(url) = url {
            found.scan(url, None, &mut seen);
        }
        found
    }

    /// `title`: whether `text` is the title, the text, or (none) the address.
    fn scan(&mut self, text: &str, title: Option<bool>, seen: &mut [u64]) {
        let table = &*TABLE;
        let bytes = text.as_bytes();
        for found in table.automaton.find_overlapping_iter(text) {
            let at = found.pattern().as_usize();
            let phrase = &table.phrases[at];
            let bit = 1u64 << (at % 64);
            if seen[at / 64] & bit != 0 {
                continue;
            }
            let Some(title) = title else {
                let rules = phrase.rules.iter().filter(|rule| rule.place == Place::Address);
                rules.for_each(|rule| self.scores[rule.label as usize].sum += rule.weight);
                continue;
            };
            if !(word_begins(bytes, found.start()) && (phrase.open || word_ends(bytes, found.end()))) {
                continue;
            }
            seen[at / 64] |= bit;
            for rule in &phrase.rules {
                if rule.place == Place::Address || rule.place == Place::Title && !title {
                    continue;
                }
                let weight = if title && rule.place == Place::Anywhere { rule.weight * TITLE } else { rule.weight };
                let hit = Hit { title, start: found.start() as u32, end: found.end() as u32, weight };
                self.scores[rule.label as usize].add(hit);
            }
        }
    }

    /// The labels with what speaks for them.
    pub fn iter(&self) -> impl Iterator<Item = (Label, &Score)> {
        TABLE.labels.iter().copied().zip(&self.scores)
    }
}

/// Whether no letter or digit stands before `at`, or what begins there is none itself.
fn word_begins(bytes: &[u8], at: usize) -> bool {
    let within = |b: u8| b.is_ascii_alphanumeric() || b >= 0xc3;
    at == 0 || !within(bytes[at]) || !within(bytes[at - 1]) && (bytes[at - 1] < 0x80 || is_mark(bytes, at))
}

/// Whether no letter or digit follows, or what ended was none itself.
fn word_ends(bytes: &[u8], at: usize) -> bool {
    let last = bytes[at - 1];
    let Some(next) = bytes.get(at) else { return true };
    !(last.is_ascii_alphanumeric() || last >= 0x80) || !(next.is_ascii_alphanumeric() || (0xc3..=0xdf).contains(next))
}

/// Whether the character that ends before `at` is a quotation mark or dash (U+2000 to U+206F) or a no-break space.
fn is_mark(bytes: &[u8], at: usize) -> bool {
    at >= 3 && bytes[at - 3] == 0xe2 && bytes[at - 2] <= 0x81 || at >= 2 && bytes[at - 2] == 0xc2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(title: &str, text: &str) -> Vec<(Label, f32)> {
        Scores::of(title, text, None).iter().filter(|(_, s)| s.sum > 0.0).map(|(l, s)| (l, s.sum)).collect()
    }

    #[test]
    fn the_table_can_be_read() {
        let table = Table::read(include_str!("phrases.txt")).unwrap();
        assert!(table.phrases.len() > 1_000 && table.labels.len() > 25);
        for wrong in ["[kind nonsense]", "3 before|sections", "[kind job]\nx y", "[kind job]\n3 a||b"] {
            assert!(Table::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn phrases_are_whole_words() {
        let mice = Label::Design(StudyDesign::AnimalOrCell);
        let has = |text: &str| labels("", text).iter().any(|(label, _)| *label == mice);
        assert!(has("In mice.") && has("(mice)") && has("“Mice” it said") && has("MICE"));
        assert!(!has("permice") && !has("micelle") && !has("émice"));
    }

    #[test]
    fn a_phrase_counts_once_in_a_field_and_double_in_the_title() {
        let job = Label::Kind(ItemKind::Job);
        let sum = |title, text| labels(title, text).iter().find(|(label, _)| *label == job).map(|(_, sum)| *sum);
        assert_eq!(sum("", "We are hiring! We are hiring!"), sum("", "We are hiring!"));
        assert!(sum("We are hiring!", "") > sum("", "We are hiring!"));
    }

    #[test]
    fn evidence_stands_where_it_says() {
        let (title, text) = ("Étude: “mice” again", "Ça va: in mice, and 5 rats — that is all.");
        for (_, score) in Scores::of(title, text, None).iter() {
            for evidence in score.evidence(title, text) {
                let source = if evidence.field == Field::Title { title } else { text };
                let words: String = source.chars().skip(evidence.start).take(evidence.end - evidence.start).collect();
                assert_eq!(words, evidence.text);
            }
        }
    }
}
