//! Stories: weighted terms of title and lead, compared by cosine.
//!
//! Weights are tf × idf, with document frequencies counted over the window plus a prior: without one, the first texts of
//! a new network would meet in "health" and "study". A vector keeps the weights of its time, quantised, so that an
//! index rebuilt from the store compares as the one before it did.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use unicode_normalization::UnicodeNormalization;
use xxhash_rust::xxh3::xxh3_64;

use super::copies::words;

/// Words of the text that are read after the title.
const LEAD: usize = 60;
/// Terms kept of an item, by weight.
pub const TERMS: usize = 28;
/// Letters that count of a word's stem: "enrol" and "enrolment", "approve" and "approval" meet in their beginnings.
const STEM: usize = 7;
/// What a cosine over only two common terms counts: two words may meet by chance in short titles ("quality of life").
const TWO_TERMS: f32 = 0.75;
/// Documents that the prior stands for.
const PRIOR: f32 = 2_000.0;

/// Words without meaning of their own, in the languages that members write in most.
const STOP: &str = "a about after all also am an and any are as at be been before being but by can could did do does for from get \
    gets had has have he her here hers him his how i if in into is it its just may me might more most my no not nothing now of off on one other others \
    only or our out over says said say she should so some such than that the their them then there these they this those to too \
    up us via was we were what when where which who why will with would you your rt new read \
    der die das und ist ein eine einer eines mit von zu im den dem des auf für bei nicht sich auch als nach wie wir sie \
    le la les des du un une et en est pour dans sur par que qui au aux avec ce cette ces plus ne pas \
    el los las una uno del y es para por con su sus se al como más que lo \
    o os as um uma do da dos das e em no na nos nas com não ao";

/// Words that much of what is written about health has, each with how many of a thousand texts have it: a rough
/// estimate of our own, which counts less and less as the window fills.
const COMMON: &str = "health 90 study 60 cancer 45 patient 40 drug 40 risk 35 care 35 medical 25 hospital 25 disease 30 \
    doctor 25 research 25 researcher 20 woman 25 people 20 men 12 child 20 kid 15 help 20 treatment 18 heart 18 brain 15 \
    test 15 trial 12 virus 12 vaccine 12 flu 12 food 15 diet 12 weight 12 year 20 day 15 week 12 first 12 time 12 life 12 \
    death 12 case 14 make 12 find 15 found 10 show 12 may 20 way 10 tip 10 video 10 news 10 report 12 state 12 world 12 \
    national 8 public 10 support 10 group 10 community 10 learn 10 join 8 today 10 month 10 mental 8 diabetes 10 blood 10 \
    symptom 8 treat 8 prevent 8 good 8 best 10 need 10 know 10 family 8 home 8 work 8 use 10 using 6 high 8 low 6 early 8 \
    increase 8 reduce 8 cause 10 link 10 linked 8 approve 6 fda 10 cdc 6 who 6 u 8 s 8 uk 6 nhs 8 ebola 8 outbreak 8";

/// The weighted terms of an item: term hash and weight (of 65,535), ascending by hash. At most [`TERMS`].
pub type Terms = SmallVec<[(u32, u16); TERMS]>;

/// Counts of the terms of one text, before weighting: ascending by hash, without repeats.
pub type Counts = Vec<(u32, u16)>;

/// What is counted of a text's title and lead.
#[must_use]
pub fn counts(title: &str, text: &str) -> Counts {
    let mut terms: Vec<u32> = Vec::with_capacity(LEAD + 16);
    let mut buffer = String::new();
    collect(title, usize::MAX, &mut buffer, &mut terms);
    // Many texts begin with their title, which then counts once.
    let rest = text.strip_prefix(title).unwrap_or(text);
    collect(rest, LEAD, &mut buffer, &mut terms);
    terms.sort_unstable();
    let mut counts: Counts = Vec::with_capacity(terms.len());
    for term in terms {
        match counts.last_mut() {
            Some((last, count)) if *last == term => *count = count.saturating_add(1),
            _ => counts.push((term, 1)),
        }
    }
    counts
}

/// Hashes of the terms among the first `limit` words; addresses and mentions of accounts are passed over.
fn collect(text: &str, limit: usize, buffer: &mut String, terms: &mut Vec<u32>) {
    let head = &text[..text.floor_char_boundary(4_000)];
    let pieces = head
        .split_whitespace()
        .filter(|piece| !piece.contains("://") && !piece.starts_with('@') && !piece.starts_with("www."));
    // "[…]" at the end of a title is the source's own mark, not a word: digits alone say little in short texts.
    for word in pieces.flat_map(words).take(limit) {
        if let Some(term) = term(word, buffer) {
            terms.push(term);
        }
    }
}

/// The hash of a word's stem; none for words without meaning of their own.
fn term(word: &str, buffer: &mut String) -> Option<u32> {
    buffer.clear();
    if word.is_ascii() {
        buffer.extend(word.bytes().map(|b| char::from(b.to_ascii_lowercase())));
    } else {
        buffer.extend(
            word.nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).flat_map(char::to_lowercase),
        );
    }
    if is_stop(buffer) || buffer.is_ascii() && buffer.len() < 2 {
        return None;
    }
    stem(buffer);
    Some(hash(buffer))
}

fn hash(stem: &str) -> u32 {
    (xxh3_64(stem.as_bytes()) >> 32) as u32
}

fn is_stop(word: &str) -> bool {
    static WORDS: std::sync::LazyLock<rustc_hash::FxHashSet<&'static str>> =
        std::sync::LazyLock::new(|| STOP.split_whitespace().collect());
    WORDS.contains(word)
}

/// Takes off the commonest endings of English (and what is like them elsewhere), so that "vaccines" and "vaccinated" come
/// near "vaccine", and then what is beyond [`STEM`]. Rough on purpose: both sides of every comparison go through it.
fn stem(word: &mut String) {
    without_ending(word);
    if word.is_ascii() {
        word.truncate(STEM);
    }
}

fn without_ending(word: &mut String) {
    if !word.is_ascii() || word.len() < 4 || word.bytes().any(|b| b.is_ascii_digit()) {
        return;
    }
    for (suffix, keep, add) in [
        ("ies", 2, "y"),
        ("sses", 2, "ss"),
        ("ations", 4, "at"),
        ("ation", 4, "at"),
        ("ings", 4, ""),
        ("ing", 4, ""),
        ("ers", 4, ""),
        ("ed", 4, ""),
        ("er", 4, ""),
        ("es", 4, ""),
        ("s", 3, ""),
        ("e", 4, ""),
    ] {
        if let Some(stem) = word.strip_suffix(suffix)
            && stem.len() >= keep
            && !(suffix == "s" && (stem.ends_with('s') || stem.ends_with('u') || stem.ends_with('i')))
        {
            let length = stem.len();
            word.truncate(length);
            word.push_str(add);
            if suffix == "s" && word.len() > 4 && word.ends_with('e') {
                word.pop();
            }
            return;
        }
    }
}

/// Document frequencies over the window, with the prior.
#[derive(Default)]
pub struct Frequencies {
    documents: u32,
    of: FxHashMap<u32, u32>,
}

impl Frequencies {
    /// Counts a document's terms.
    pub fn add(&mut self, terms: impl Iterator<Item = u32>) {
        self.documents += 1;
        for term in terms {
            *self.of.entry(term).or_default() += 1;
        }
    }

    /// Takes a document's terms back.
    pub fn remove(&mut self, terms: impl Iterator<Item = u32>) {
        self.documents = self.documents.saturating_sub(1);
        for term in terms {
            if let Some(count) = self.of.get_mut(&term) {
                *count -= 1;
                if *count == 0 {
                    self.of.remove(&term);
                }
            }
        }
    }

    fn idf(&self, term: u32) -> f32 {
        let seen = self.of.get(&term).copied().unwrap_or(0) as f32;
        let prior = prior().get(&term).copied().unwrap_or(0.5);
        ((self.documents as f32 + PRIOR) / (seen + prior)).ln()
    }

    /// The unit vector of a text's terms: (1 + ln tf) × idf, the heaviest [`TERMS`] kept.
    #[must_use]
    pub fn weigh(&self, counts: &Counts) -> Terms {
        let mut weights: Vec<(u32, f32)> =
            counts.iter().map(|(term, count)| (*term, (1.0 + f32::from(*count).ln()) * self.idf(*term))).collect();
        if weights.len() > TERMS {
            weights.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            weights.truncate(TERMS);
            weights.sort_unstable_by_key(|(term, _)| *term);
        }
        let norm = weights.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        weights.into_iter().map(|(term, weight)| (term, (weight / norm * 65_535.0) as u16)).collect()
    }
}

/// Documents of the prior that have a term.
fn prior() -> &'static FxHashMap<u32, f32> {
    static TABLE: std::sync::LazyLock<FxHashMap<u32, f32>> = std::sync::LazyLock::new(|| {
        let mut table = FxHashMap::default();
        let mut words = COMMON.split_whitespace();
        while let (Some(word), Some(share)) = (words.next(), words.next()) {
            let mut word = word.to_owned();
            stem(&mut word);
            table.insert(hash(&word), share.parse().unwrap_or(1.0) / 1_000.0 * PRIOR);
        }
        table
    });
    &TABLE
}

/// Cosine of two vectors, 0 to 1; 0 where only one term is common, which may be anything in a short title, and less than
/// it is where only two are.
#[must_use]
pub fn cosine(a: &[(u32, u16)], b: impl Iterator<Item = (u32, u16)>) -> f32 {
    let mut i = 0;
    let (mut sum, mut common) = (0u64, 0);
    for (term, weight) in b {
        while i < a.len() && a[i].0 < term {
            i += 1;
        }
        if i < a.len() && a[i].0 == term {
            sum += u64::from(a[i].1) * u64::from(weight);
            common += 1;
        }
    }
    let cosine = sum as f32 / (65_535.0 * 65_535.0);
    match common {
        0 | 1 => 0.0,
        2 => cosine * TWO_TERMS,
        _ => cosine,
    }
}
