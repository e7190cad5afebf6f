//! The table of phrases, and what of it a text has.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
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
    /// In lower case as far as it is ASCII.
    words: Box<str>,
    /// Stands for any ending.
    open: bool,
    rules: Vec<Rule>,
}

/// The compiled table.
struct Table {
    phrases: Vec<Phrase>,
    /// Phrases of title and text by [`slot`] of their beginning: looked up where words begin, which is far fewer places
    /// than an automaton over all bytes would look at.
    slots: Box<[Box<[Candidate]>]>,
    /// Which of them hold any: small enough to stay near.
    filled: Box<[u64]>,
    /// Which bytes begin a phrase without being of a letter or digit.
    openers: [bool; 256],
    /// Phrases that count in an address, where nothing parts words.
    addresses: AhoCorasick,
    /// The phrases of `addresses` by its own numbers.
    address_phrases: Vec<u16>,
    labels: Vec<Label>,
}

/// A phrase with what its first eight bytes are, so that nearly all others are told apart by one comparison.
struct Candidate {
    mask: u64,
    begin: u64,
    at: u16,
}

/// Places of [`Table::slots`]; a power of two.
const SLOTS: usize = 8192;

/// Where phrases with this beginning are listed: by their first three bytes, or by as many as they have.
fn slot(beginning: &[u8]) -> usize {
    let key = beginning.iter().take(3).fold(1u32, |key, byte| key << 8 | u32::from(byte.to_ascii_lowercase()));
    (key.wrapping_mul(0x9e37_79b1) >> 19) as usize % SLOTS
}

/// The first eight bytes in lower case, zeros after the end.
fn eight(bytes: &[u8]) -> u64 {
    let mut eight = [0u8; 8];
    let length = bytes.len().min(8);
    eight[..length].copy_from_slice(&bytes[..length]);
    eight.make_ascii_lowercase();
    u64::from_le_bytes(eight)
}

/// Most labels of the table.
const LABELS: usize = super::model::SUMS;
/// Most phrases of the table.
const MOST: usize = 4096;
/// Which phrases were found in a field already.
type Seen = [u64; MOST.div_ceil(64)];
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
                    phrases.push(Phrase { words: phrase.to_ascii_lowercase().into(), open, rules: Vec::new() });
                    phrases.len() - 1
                });
                phrases[at].rules.push(Rule { label, weight, place });
            }
        }
        if labels.len() > LABELS || phrases.len() > MOST {
            return Err(format!("{} labels, {} phrases: at most {LABELS}, {MOST}", labels.len(), phrases.len()));
        }
        let mut slots: Vec<Vec<Candidate>> = (0..SLOTS).map(|_| Vec::new()).collect();
        let (mut filled, mut address_phrases) = (vec![0u64; SLOTS / 64], Vec::new());
        let mut openers = [false; 256];
        for (at, phrase) in phrases.iter().enumerate() {
            let at = u16::try_from(at).map_err(|_| "too many phrases".to_owned())?;
            if phrase.rules.iter().any(|rule| rule.place == Place::Address) {
                address_phrases.push(at);
            }
            if phrase.rules.iter().any(|rule| rule.place != Place::Address) {
                let words = phrase.words.as_bytes();
                let mask = if words.len() >= 8 { u64::MAX } else { (1u64 << (8 * words.len())) - 1 };
                slots[slot(words)].push(Candidate { mask, begin: eight(words), at });
                filled[slot(words) / 64] |= 1 << (slot(words) % 64);
                openers[usize::from(words[0])] |= !is_word(words[0]);
            }
        }
        let addresses = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(address_phrases.iter().map(|at| &*phrases[usize::from(*at)].words))
            .map_err(|error| error.to_string())?;
        let slots = slots.into_iter().map(Vec::into_boxed_slice).collect();
        Ok(Self { phrases, slots, filled: filled.into(), openers, addresses, address_phrases, labels })
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
struct Score {
    /// The sum of title and text; each phrase counts once in a field.
    sum: f32,
    /// What the address adds.
    address: f32,
    hits: [Option<Found>; EVIDENCE],
}

/// A piece of the title or text.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Span {
    /// Whether it is of the title.
    pub title: bool,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

impl Span {
    /// Whether the two share a byte.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.title == other.title && self.start < other.end && other.start < self.end
    }

    /// As evidence, in characters.
    #[must_use]
    pub fn show(&self, title: &str, text: &str) -> Option<Evidence> {
        let (source, field) = if self.title { (title, Field::Title) } else { (text, Field::Text) };
        let words = source.get(self.start as usize..self.end as usize)?;
        let start = source.get(..self.start as usize)?.chars().count();
        Some(Evidence { text: words.to_owned(), start, end: start + words.chars().count(), field })
    }
}

#[derive(Clone, Copy)]
struct Found {
    span: Span,
    weight: f32,
}

impl Score {
    fn add(&mut self, hit: Found) {
        self.sum += hit.weight;
        if let Some(free) = self.hits.iter_mut().find(|have| have.is_none()) {
            *free = Some(hit);
        } else if let Some(least) = self.hits.iter_mut().flatten().min_by(|a, b| a.weight.total_cmp(&b.weight))
            && least.weight < hit.weight
        {
            *least = hit;
        }
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
        let mut seen = [0u64; MOST.div_ceil(64)];
        found.scan(title, true, &mut seen);
        seen.fill(0);
        found.scan(&text[..text.floor_char_boundary(READ)], false, &mut seen);
        if let Some(url) = url {
            found.read_address(url);
        }
        found
    }

    /// The sum of each section of the table, in its order, without what the address says.
    #[must_use]
    pub fn sums(&self) -> [f32; LABELS] {
        self.scores.map(|score| score.sum)
    }

    fn score(&self, label: Label) -> Option<&Score> {
        TABLE.labels.iter().zip(&self.scores).find(|(have, _)| **have == label).map(|(_, score)| score)
    }

    /// What the address says for a label.
    #[must_use]
    pub fn address(&self, label: Label) -> f32 {
        self.score(label).map_or(0.0, |score| score.address)
    }

    /// The phrases that speak for a label, the heaviest first.
    #[must_use]
    pub fn spans(&self, label: Label) -> Vec<Span> {
        let hits = self.score(label).map_or([None; EVIDENCE], |score| score.hits);
        let mut hits: Vec<Found> = hits.into_iter().flatten().collect();
        hits.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.span.start.cmp(&b.span.start)));
        hits.into_iter().map(|hit| hit.span).collect()
    }

    /// `title`: whether `text` is the title.
    fn scan(&mut self, text: &str, title: bool, seen: &mut Seen) {
        let table = &*TABLE;
        let bytes = text.as_bytes();
        let mut within = false;
        for (start, byte) in bytes.iter().enumerate() {
            let word = is_word(*byte);
            if word && !within && word_begins(bytes, start) || table.openers[usize::from(*byte)] {
                let beginning = &bytes[start..];
                let begin = eight(beginning);
                for length in 1..=beginning.len().min(3) {
                    let slot = slot(&beginning[..length]);
                    if table.filled[slot / 64] >> (slot % 64) & 1 == 0 {
                        continue;
                    }
                    for candidate in table.slots[slot].iter().filter(|one| one.begin == begin & one.mask) {
                        let words = table.phrases[usize::from(candidate.at)].words.as_bytes();
                        // A shorter beginning stands for phrases that are no longer than it.
                        let same = |have: &[u8]| have.eq_ignore_ascii_case(words);
                        if (length == 3 || words.len() == length) && beginning.get(..words.len()).is_some_and(same) {
                            self.found(candidate.at, bytes, start, title, seen);
                        }
                    }
                }
            }
            within = word;
        }
    }

    /// A phrase stands at `start`, where a word begins.
    fn found(&mut self, at: u16, bytes: &[u8], start: usize, title: bool, seen: &mut Seen) {
        let at = usize::from(at);
        let phrase = &TABLE.phrases[at];
        let end = start + phrase.words.len();
        let bit = 1u64 << (at % 64);
        if seen[at / 64] & bit != 0 || !(phrase.open || word_ends(bytes, end)) {
            return;
        }
        seen[at / 64] |= bit;
        for rule in &phrase.rules {
            if rule.place == Place::Address || rule.place == Place::Title && !title {
                continue;
            }
            let weight = if title && rule.place == Place::Anywhere { rule.weight * TITLE } else { rule.weight };
            self.scores[rule.label as usize]
                .add(Found { span: Span { title, start: start as u32, end: end as u32 }, weight });
        }
    }

    /// What an address says.
    fn read_address(&mut self, url: &str) {
        let table = &*TABLE;
        for found in table.addresses.find_overlapping_iter(url) {
            let phrase = &table.phrases[usize::from(table.address_phrases[found.pattern().as_usize()])];
            let rules = phrase.rules.iter().filter(|rule| rule.place == Place::Address);
            rules.for_each(|rule| self.scores[rule.label as usize].address += rule.weight);
        }
    }
}

/// A byte of a letter or digit; beyond ASCII of most letters.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0xc3
}

/// Whether no letter or digit stands before `at`, or what begins there is none itself.
fn word_begins(bytes: &[u8], at: usize) -> bool {
    at == 0 || !is_word(bytes[at]) || !is_word(bytes[at - 1]) && (bytes[at - 1] < 0x80 || is_mark(bytes, at))
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
        let sums = Scores::of(title, text, None).sums();
        TABLE.labels.iter().copied().zip(sums).filter(|(_, sum)| *sum > 0.0).collect()
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
        let scores = Scores::of(title, text, None);
        for label in &TABLE.labels {
            for evidence in scores.spans(*label).iter().filter_map(|span| span.show(title, text)) {
                let source = if evidence.field == Field::Title { title } else { text };
                let words: String = source.chars().skip(evidence.start).take(evidence.end - evidence.start).collect();
                assert_eq!(words, evidence.text);
            }
        }
    }
}
