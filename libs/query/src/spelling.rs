//! What was meant by a word that nothing has: the nearest word of the vocabulary or of the items. Pure.

use carewire_conditions::Vocabulary;
use rustc_hash::FxHashMap;

use crate::text::Words;

/// The words of the vocabulary's names: folded as search folds them, and as people write them.
pub struct Spoken {
    words: FxHashMap<String, (String, u32)>,
}

impl Spoken {
    /// Reads all names. Some ten milliseconds and megabytes: once a process.
    #[must_use]
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let mut words: FxHashMap<String, (String, u32)> = FxHashMap::default();
        let mut folded = String::new();
        for name in vocabulary.iter().flat_map(|condition| condition.names()) {
            let mut read = Words::new(name.text);
            while let Some((start, end)) = read.next_into(&mut folded) {
                if folded.chars().all(char::is_numeric) {
                    continue;
                }
                let spoken = || (name.text[start..end].to_lowercase(), 0);
                match words.get_mut(&folded) {
                    Some((_, count)) => *count += 1,
                    None => {
                        let _ = words.insert(folded.clone(), spoken());
                    }
                }
            }
        }
        Self { words }
    }

    /// The folded words, and in how many more names each stands.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.words.iter().map(|(folded, (_, count))| (folded.as_str(), *count))
    }

    /// The word as people write it; one that no name has, as it is.
    #[must_use]
    pub fn written<'a>(&'a self, folded: &'a str) -> &'a str {
        self.words.get(folded).map_or(folded, |(written, _)| written)
    }
}

/// How many changes a word of that many characters may be away from what was typed; none: too short to guess.
#[must_use]
pub fn reach(characters: usize) -> Option<usize> {
    match characters {
        0..=3 => None,
        4..=5 => Some(1),
        _ => Some(2),
    }
}

/// The least number of characters added, taken away, changed or swapped with the next (optimal string alignment) between
/// two words; none beyond `most`.
#[must_use]
pub fn distance(a: &[char], b: &[char], most: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        if row.iter().min().is_some_and(|least| *least > most) {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|distance| *distance <= most)
}

/// Takes in words and keeps the one that was most likely meant.
pub struct Nearest {
    typed: Vec<char>,
    reach: usize,
    /// Whether no item has it, changes, how rare it is; the word. Smaller is likelier: what nothing has would find nothing.
    best: Option<(bool, usize, u64, String)>,
}

impl Nearest {
    /// For a folded word; none for one that is too short to guess at.
    #[must_use]
    pub fn to(word: &str) -> Option<Self> {
        let typed: Vec<char> = word.chars().collect();
        let reach = reach(typed.len())?;
        Some(Self { typed, reach, best: None })
    }

    /// Looks at a word that stands in `items` items and `names` names.
    pub fn look(&mut self, word: &str, items: u64, names: u64) {
        // Bytes are at least characters, at most four times as many.
        let length = self.typed.len();
        if word.len() + self.reach < length || word.len() > (length + self.reach) * 4 {
            return;
        }
        let characters: Vec<char> = word.chars().collect();
        let Some(changes) = distance(&self.typed, &characters, self.reach) else { return };
        let known = (items == 0, changes, u64::MAX - items - names);
        let better = match &self.best {
            None => changes > 0,
            Some((none, least, rare, best)) => changes > 0 && (known, word) < ((*none, *least, *rare), best.as_str()),
        };
        if better {
            self.best = Some((known.0, known.1, known.2, word.to_owned()));
        }
    }

    /// The likeliest word.
    #[must_use]
    pub fn found(self) -> Option<String> {
        self.best.map(|(.., word)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted() {
        let table = [
            ("diabetis", "diabetes", 2, Some(1)),
            ("astma", "asthma", 1, Some(1)),
            ("migrane", "migraine", 2, Some(1)),
            ("alzhiemer", "alzheimer", 2, Some(1)),
            ("heart", "stroke", 2, None),
            ("gout", "gout", 1, Some(0)),
            ("", "ab", 2, Some(2)),
            ("abc", "abcdef", 2, None),
        ];
        for (a, b, most, expected) in table {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            assert_eq!(distance(&a, &b, most), expected, "{a:?} {b:?}");
            assert_eq!(distance(&b, &a, most), expected, "{b:?} {a:?}");
        }
    }

    #[test]
    fn the_nearest_then_the_commonest_is_meant() {
        let mut nearest = Nearest::to("astma").expect("long enough");
        for (word, items, names) in [("asthma", 3, 10), ("aston", 900, 0), ("asta", 0, 1), ("estma", 1, 0)] {
            nearest.look(word, items, names);
        }
        assert_eq!(nearest.found().as_deref(), Some("asthma"));
        assert!(Nearest::to("flu").is_none());
    }

    #[test]
    fn words_come_back_as_people_write_them() {
        let spoken = Spoken::new(Vocabulary::bundled());
        assert_eq!(spoken.written("diabete"), "diabetes");
        assert_eq!(spoken.written("quux"), "quux");
    }
}
