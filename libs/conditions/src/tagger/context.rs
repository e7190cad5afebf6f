//! Words that mean something else in ordinary text; negation, and what else is said of a condition that is named.
//!
//! Rules for ambiguous words come from `vocabulary/ambiguous.tsv`: a default, the words near it that make it the
//! condition, and those that make it something else. Negated, hypothetical and a
//! relative's conditions follow ConText (Harkema et al., "ConText: An
//! algorithm for determining negation, experiencer, and temporal status from clinical reports", 2009): a phrase
//! before or after the name, within a few words of the same clause. It is stricter there where journalism is not
//! clinical: "no link between vaccines and autism" is still about autism.

use carewire_schemas::{Field, Qualifier};
use rustc_hash::FxHashMap;

use super::{
    matcher::Hit,
    tokens::{Dictionary, Token},
};
use crate::{
    Vocabulary,
    normalise::{Gap, Shape},
    vocabulary::{
        format::{Table, Tables},
        term,
    },
};

/// How far around a word its rule looks, in words.
const NEAR: usize = 12;
/// How far a negation reaches, in words.
const REACH: usize = 5;

/// What a phrase beside a name says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// It is not there.
    Negated,
    /// It is named as possible, as a relative's, or to set something apart.
    Qualified(Qualifier),
}

/// Phrases before a name, separated by `|`, and what they say of it.
const BEFORE: [(Mark, &str); 4] = [
    (
        Mark::Negated,
        "no evidence of|no sign of|no signs of|no symptoms of|no history of|no known|negative for|ruled out|rule out|absence of|\
         denies|denied|does not have|did not have|do not have|never had|doesn't have|didn't have|free of|tested negative for|\
         no trace of|not diagnosed with|never been diagnosed with|without any",
    ),
    (
        Mark::Qualified(Qualifier::Hypothetical),
        "if you have|if you get|if you develop|if you think you have|if your child has|in case of|risk of|risk for|at risk of|at risk for|\
         risks of|chance of|chances of|likelihood of|odds of|might have|may have|could have|suspected|suspicion of|possible|fear of|\
         fears of|worried about|screened for|tested for",
    ),
    (
        Mark::Qualified(Qualifier::Family),
        "family history of|family histories of|mother had|father had|mother has|father has|mother with|father with|parent with|\
         parents with|brother with|sister with|sibling with|siblings with|relative with|relatives with|grandmother had|\
         grandfather had|relatives had|runs in the family of",
    ),
    (
        Mark::Qualified(Qualifier::Contrast),
        "unlike|not to be confused with|rather than|as opposed to|different from|mistaken for|confused with|instead of|other than",
    ),
];
/// Words that negate only what follows at once, and only in running text.
const AT_ONCE: [&str; 3] = ["no", "without", "not"];
/// Words that end what a negation reaches.
const ENDS: [&str; 14] = [
    "but", "however", "although", "though", "except", "because", "who", "which", "may", "might", "can", "could",
    "will", "would",
];
/// Phrases after a name, and what they say of it.
const AFTER: [(Mark, &str); 2] = [
    (
        Mark::Negated,
        "was ruled out|were ruled out|is ruled out|has been ruled out|was excluded|were excluded|was not found|was not detected",
    ),
    (
        Mark::Qualified(Qualifier::Family),
        "in the family|in their family|in your family|runs in families|runs in the family|in a parent",
    ),
];

/// A phrase's words, and what it says.
type Phrase = (Vec<u32>, Mark);

#[derive(Default)]
struct Cues {
    near: Vec<u32>,
    previous: Vec<u32>,
    next: Vec<u32>,
    /// The word must (or must not) begin with a capital inside a sentence.
    capital: bool,
}

struct Rule {
    default: bool,
    wanted: Cues,
    unwanted: Cues,
}

/// A condition that is another one near certain words ("human case of bird flu").
struct Switch {
    from: u32,
    to: u32,
    cues: Cues,
}

/// The rules, as numbers of words.
pub struct Context {
    switches: Vec<Switch>,
    rules: Vec<Rule>,
    /// Last word of a phrase before → the phrases.
    before: FxHashMap<u32, Vec<Phrase>>,
    at_once: Vec<u32>,
    /// Words that end what a negation reaches.
    ends: Vec<u32>,
    /// First word of a phrase after → the phrases.
    after: FxHashMap<u32, Vec<Phrase>>,
}

impl Cues {
    /// Words separated by `|`; `<word` stands right before, `>word` right after, `@class` is a class of words,
    /// `^` a capital.
    fn parse(text: &str, classes: &FxHashMap<String, String>, dictionary: &mut Dictionary) -> Self {
        let mut cues = Self::default();
        for cue in text.split('|').map(str::trim).filter(|c| !c.is_empty()) {
            if let Some(words) = cue.strip_prefix('@').and_then(|class| classes.get(class)) {
                for word in words.split('|') {
                    cues.near.extend(dictionary.phrase(word));
                }
            } else if let Some(word) = cue.strip_prefix('<') {
                cues.previous.extend(dictionary.phrase(word));
            } else if let Some(word) = cue.strip_prefix('>') {
                cues.next.extend(dictionary.phrase(word));
            } else if cue == "^" {
                cues.capital = true;
            } else {
                cues.near.extend(dictionary.phrase(cue));
            }
        }
        for list in [&mut cues.near, &mut cues.previous, &mut cues.next] {
            list.sort_unstable();
            list.dedup();
        }
        cues
    }

    fn match_at(&self, tokens: &[Token], first: usize, last: usize) -> bool {
        let has = |list: &[u32], at: usize| tokens.get(at).is_some_and(|t| list.binary_search(&t.word).is_ok());
        if first > 0 && tokens[first].gap == Gap::Join && has(&self.previous, first - 1) {
            return true;
        }
        if tokens.get(last + 1).is_some_and(|t| t.gap == Gap::Join) && has(&self.next, last + 1) {
            return true;
        }
        if self.capital && tokens[first].shape == Shape::Initial && first > 0 && tokens[first].gap == Gap::Join {
            return true;
        }
        if self.near.is_empty() {
            return false;
        }
        let from = first.saturating_sub(NEAR);
        let to = (last + 1 + NEAR).min(tokens.len());
        (from..first).chain(last + 1..to).any(|at| has(&self.near, at))
    }
}

impl Context {
    pub fn new(vocabulary: &Vocabulary, dictionary: &mut Dictionary) -> Self {
        let tables = &vocabulary.tables;
        let lines: Vec<&str> = tables.get(Table::Rule).iter().map(|&s| tables.string(s)).collect();
        let mut classes = FxHashMap::default();
        for line in &lines {
            if let Some((name, words)) = line.strip_prefix('@').and_then(|l| l.split_once('\t')) {
                classes.insert(name.to_owned(), words.to_owned());
            }
        }
        let rules = lines
            .iter()
            .map(|line| {
                let columns: Vec<&str> = line.split('\t').collect();
                let column = |i: usize| columns.get(i).copied().unwrap_or_default();
                Rule {
                    default: column(1) == "yes",
                    wanted: Cues::parse(column(2), &classes, dictionary),
                    unwanted: Cues::parse(column(3), &classes, dictionary),
                }
            })
            .collect();
        let mut phrases = |lists: &[(Mark, &str)], key: fn(&[u32]) -> Option<&u32>| {
            let mut by_word: FxHashMap<u32, Vec<Phrase>> = FxHashMap::default();
            for (mark, list) in lists {
                for phrase in list.split('|') {
                    let words = dictionary.phrase(phrase);
                    if let Some(&word) = key(&words) {
                        by_word.entry(word).or_default().push((words, *mark));
                    }
                }
            }
            by_word
        };
        let before = phrases(&BEFORE, |words| words.last());
        let after = phrases(&AFTER, |words| words.first());
        let switches = tables
            .get(Table::Switch)
            .iter()
            .filter_map(|&s| {
                let mut columns = tables.string(s).split('\t');
                let from = vocabulary.index(columns.next()?)?;
                let to = vocabulary.index(columns.next()?)?;
                Some(Switch { from, to, cues: Cues::parse(columns.next()?, &classes, dictionary) })
            })
            .collect();
        let at_once = AT_ONCE.iter().flat_map(|w| dictionary.phrase(w)).collect();
        let ends = ENDS.iter().flat_map(|w| dictionary.phrase(w)).collect();
        Self { switches, rules, before, at_once, ends, after }
    }

    /// Whether a hit is a condition here: not of the stop list, and what its rule says.
    pub fn holds(&self, tables: &Tables, tokens: &[Token], hit: &Hit, field: Field) -> bool {
        let flags = tables.get(Table::TermFlags)[hit.term as usize];
        if flags & term::STOP != 0 {
            return false;
        }
        let Some(rule) = term::rule(flags).and_then(|r| self.rules.get(r)) else { return true };
        let (first, last) = (hit.first as usize, hit.last as usize);
        // A category or a hashtag is put there to say what it is about.
        if field == Field::Category || tokens[first].hashtag && tokens.len() > 1 && rule.default {
            return true;
        }
        // An abbreviation that stands for an ambiguous word does so by the text's own definition.
        if rule.unwanted.match_at(tokens, first, last) {
            false
        } else if rule.wanted.match_at(tokens, first, last) {
            true
        } else {
            rule.default
        }
    }

    /// The condition that `hit` is about instead of the one it names, in running text.
    pub fn switched(&self, tables: &Tables, tokens: &[Token], hit: &Hit, field: Field) -> Option<(u32, u32)> {
        if field != Field::Text {
            return None;
        }
        let conditions = &tables.get(Table::TermCondition)[tables.range(Table::TermEnd, hit.term as usize)];
        let switch = self.switches.iter().find(|s| conditions.iter().any(|&c| term::condition(c) == s.from))?;
        switch.cues.match_at(tokens, hit.first as usize, hit.last as usize).then_some((switch.from, switch.to))
    }

    /// What the phrases beside a hit say of it.
    pub fn mark(&self, tokens: &[Token], hit: &Hit, field: Field) -> Option<Mark> {
        let (first, last) = (hit.first as usize, hit.last as usize);
        let mut at = first;
        // A headline leaves words out: what is further away speaks of something else.
        let reach = if field == Field::Title { 2 } else { REACH };
        for distance in 0..reach {
            if at == 0 || tokens[at].gap != Gap::Join {
                break;
            }
            at -= 1;
            let word = tokens[at].word;
            if word == 0 {
                continue;
            }
            if field == Field::Text && distance == 0 && self.at_once.contains(&word) {
                return Some(Mark::Negated);
            }
            let phrases = self.before.get(&word).map_or(&[][..], Vec::as_slice);
            if let Some((_, mark)) = phrases.iter().find(|(p, _)| ends_at(tokens, at, p)) {
                return Some(*mark);
            }
            if self.ends.contains(&word) {
                break;
            }
        }
        let next = tokens.get(last + 1).filter(|t| t.gap == Gap::Join)?;
        let begins =
            |p: &[u32]| p.iter().enumerate().all(|(i, &w)| tokens.get(last + 1 + i).is_some_and(|t| t.word == w));
        self.after.get(&next.word)?.iter().find(|(p, _)| begins(p)).map(|(_, mark)| *mark)
    }
}

fn ends_at(tokens: &[Token], at: usize, phrase: &[u32]) -> bool {
    (at + 1)
        .checked_sub(phrase.len())
        .is_some_and(|start| tokens[start..=at].iter().zip(phrase).all(|(token, &word)| token.word == word))
}
