//! How common an English word is, for the difficulty mark: three classes from a list of our own.
//!
//! `data/words-en.txt` holds the words that occur at least eight times among 63,000 health headlines of 2011–2015 (their counts,
//! not their texts: UCI Health News in Twitter, CC BY 4.0), the commonest first, and a line of everyday words of our own.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// How common a word is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tier {
    /// Speaks to or of people.
    Personal,
    /// One of the commonest, or a word of every day.
    Plain,
    /// Known to readers of health news.
    Known,
    /// Neither.
    Rare,
}

/// How many of the list are among the commonest.
const COMMONEST: usize = 900;

const PERSONAL: [&str; 18] = [
    "you", "your", "yours", "yourself", "we", "our", "us", "i", "my", "me", "people", "women", "men", "children",
    "they", "who", "someone", "person",
];

static WORDS: LazyLock<FxHashMap<&'static str, Tier>> = LazyLock::new(|| {
    let mut words = FxHashMap::default();
    let mut lines = include_str!("../data/words-en.txt").lines().filter(|line| !line.starts_with('#'));
    let everyday = lines.next().unwrap_or_default();
    for (at, word) in lines.filter(|word| !word.is_empty()).enumerate() {
        words.insert(word, if at < COMMONEST { Tier::Plain } else { Tier::Known });
    }
    words.extend(everyday.split_whitespace().map(|word| (word, Tier::Plain)));
    words.extend(PERSONAL.map(|word| (word, Tier::Personal)));
    words
});

/// How common a word in lower case is; its endings of plural, past and the like are looked through.
#[must_use]
pub fn tier(word: &str) -> Tier {
    let words = &*WORDS;
    if let Some(tier) = words.get(word) {
        return *tier;
    }
    for ending in ["'s", "’s", "s", "es", "d", "ed", "ing", "ly", "er", "ers"] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.len() >= 3
            && let Some(tier) = words.get(stem)
        {
            return *tier;
        }
    }
    Tier::Rare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (word, want) in [
            ("you", Tier::Personal),
            ("help", Tier::Plain),
            ("helping", Tier::Plain),
            ("diabetes", Tier::Plain),
            ("seroconversion", Tier::Rare),
            ("heterogeneity", Tier::Rare),
        ] {
            assert_eq!(tier(word), want, "{word}");
        }
        assert!(WORDS.len() > 4_000, "the list is read: {}", WORDS.len());
    }
}
