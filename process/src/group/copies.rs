//! Copies by text: a bottom-k sketch of the 5-word shingles, by which containment of one text in another is estimated.
//!
//! A sketch holds the smallest hashes of a text's shingles (MinHash with one hash function, Broder 1997). Up to the
//! smaller of two sketches' largest hashes both sketches are complete samples of their texts, drawn by the same rule, so the
//! share of one sample that is in the other estimates the containment, whatever the lengths. Copies with other
//! headers, cut to a third or edited here and there stay above one half; different texts on one event stay near zero.

use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

/// Words in a shingle.
const SHINGLE: usize = 5;
/// Hashes kept of a text.
pub const SKETCH: usize = 48;
/// The first of them are looked up: a copy cut to 30 % misses all of them with probability .7^16 = .3 %.
pub const INDEXED: usize = 16;
/// Fewest words of a text that counts: below, common phrases look like copies.
const MIN_WORDS: usize = 25;
/// Words read of a text; a copy agrees long before.
const MAX_WORDS: usize = 5_000;
/// Containment from which on a text is a copy.
const COPY: f32 = 0.5;
/// Fewest common hashes: less is chance, or a phrase.
const MIN_COMMON: usize = 5;

/// The sketch of a text; empty when the text is too short to count.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Sketch {
    /// The smallest hashes, ascending.
    pub hashes: SmallVec<[u32; SKETCH]>,
    /// Whether the text has no more shingles than these.
    pub complete: bool,
}

impl Sketch {
    /// The sketch of a plain text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut window = [0u64; SHINGLE];
        let mut hashes: Vec<u32> = Vec::with_capacity(text.len() / 6);
        let mut lower = String::new();
        let mut count = 0;
        for word in words(text).take(MAX_WORDS) {
            lower.clear();
            lower.extend(word.chars().flat_map(char::to_lowercase));
            window.rotate_left(1);
            window[SHINGLE - 1] = xxh3_64(lower.as_bytes());
            count += 1;
            if count >= SHINGLE {
                let mixed = window
                    .iter()
                    .fold(0u64, |hash, word| (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                hashes.push((mixed >> 32) as u32);
            }
        }
        if count < MIN_WORDS {
            return Self::default();
        }
        if hashes.len() > SKETCH * 4 {
            // Repeats may hide among the smallest; four times as many leave room for them, and a text that repeats
            // itself more than that only gets a shorter sketch.
            hashes.select_nth_unstable(SKETCH * 4);
            hashes.truncate(SKETCH * 4);
        }
        let all = count - SHINGLE < SKETCH * 4;
        hashes.sort_unstable();
        hashes.dedup();
        let complete = all && hashes.len() <= SKETCH;
        hashes.truncate(SKETCH);
        Self { hashes: SmallVec::from_vec(hashes), complete }
    }

    /// Whether there is nothing to compare.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// Words of a text: runs of letters and digits. Scripts that write without spaces are cut into single characters.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()).flat_map(|run| {
        let unspaced = run.chars().next().is_some_and(is_unspaced);
        let mut rest = run;
        std::iter::from_fn(move || {
            let length = if unspaced { rest.chars().next().map_or(0, char::len_utf8) } else { rest.len() };
            let (word, tail) = rest.split_at(length);
            rest = tail;
            (!word.is_empty()).then_some(word)
        })
    })
}

fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// Whether one of two texts is contained in the other for at least one half, by their sketches (ascending hashes, and
/// whether these are all).
#[must_use]
pub fn is_copy(a: (&[u32], bool), b: (&[u32], bool)) -> bool {
    let (common, least) = common(a, b);
    common >= MIN_COMMON && common as f32 >= COPY * least as f32
}

/// How much of the smaller of two texts the other contains, 0 to 1, as [`is_copy`] sees it.
#[must_use]
pub fn containment(a: (&[u32], bool), b: (&[u32], bool)) -> f32 {
    let (common, least) = common(a, b);
    common as f32 / least.max(1) as f32
}

/// Common hashes in the range that both sketches sample, and how many the smaller one has there.
fn common(a: (&[u32], bool), b: (&[u32], bool)) -> (usize, usize) {
    let bound =
        |(hashes, complete): (&[u32], bool)| if complete { u32::MAX } else { hashes.last().copied().unwrap_or(0) };
    let bound = bound(a).min(bound(b));
    let below = |hashes: &[u32]| hashes.partition_point(|hash| *hash <= bound);
    let (a, b) = (&a.0[..below(a.0)], &b.0[..below(b.0)]);
    let (mut i, mut j, mut common) = (0, 0, 0usize);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                common += 1;
                i += 1;
                j += 1;
            }
        }
    }
    (common, a.len().min(b.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(a: &str, b: &str) -> bool {
        let (a, b) = (Sketch::of(a), Sketch::of(b));
        is_copy((&a.hashes, a.complete), (&b.hashes, b.complete))
    }

    /// A text of `count` words that depends on `seed` only.
    fn text(seed: u64, count: usize) -> Vec<String> {
        let mut state = seed;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                format!("w{}", (state >> 33) % 2000)
            })
            .collect()
    }

    /// Copies with another header and footer, cut to 30 %, or edited in one word of twenty are found; others are not.
    #[test]
    fn copies_are_told_from_other_texts() {
        let (mut wrapped, mut cut, mut edited, mut wrong) = (0, 0, 0, 0);
        for seed in 0..300 {
            let words = text(seed, 120 + (seed as usize * 7) % 600);
            let whole = words.join(" ");
            wrapped += usize::from(copy(
                &whole,
                &format!("Our network reports today {whole} {}", text(seed + 1000, 25).join(" ")),
            ));
            cut += usize::from(copy(&whole, &words[..words.len() * 3 / 10].join(" ")));
            let other: Vec<_> = words
                .iter()
                .enumerate()
                .map(|(n, word)| if n % 20 == 7 { "edited".to_owned() } else { word.clone() })
                .collect();
            edited += usize::from(copy(&whole, &other.join(" ")));
            wrong += usize::from(copy(&whole, &text(seed + 5000, 200).join(" ")));
        }
        assert!(wrapped >= 298 && cut >= 298 && edited >= 298, "{wrapped} {cut} {edited} of 300");
        assert_eq!(wrong, 0);
    }

    #[test]
    fn short_texts_make_no_copies() {
        assert!(!copy("flu season begins early this year", "flu season begins early this year"));
        assert!(!copy("", ""));
        assert!(Sketch::of(&"spam ".repeat(100_000)).hashes.len() == 1);
    }
}
