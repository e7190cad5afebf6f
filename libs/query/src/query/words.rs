//! `q`: words, phrases, and names of conditions.

use carewire_conditions::Vocabulary;
use carewire_schemas::{ConditionCode, CuratedV1, Role};

use crate::text::{Words, append_plain, tokens};

/// Most words of a name that is looked up.
const MAX_NAME_WORDS: usize = 6;
/// Most clauses of one question: each costs a walk through its postings.
const MAX_CLAUSES: usize = 24;
/// Bytes of an item's plain text that full text looks at.
pub(crate) const BODY_LIMIT: usize = 100_000;

/// Words that say nothing by themselves; left out unless quoted or part of a name.
const STOP: &[&str] = &[
    "a", "an", "and", "are", "at", "by", "de", "del", "der", "die", "do", "el", "en", "et", "for", "from", "how", "in",
    "is", "la", "las", "le", "les", "los", "of", "on", "or", "para", "the", "to", "und", "what", "with", "y",
];

/// The words of a question: all clauses must hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextQuery {
    /// The clauses in order; never empty.
    pub clauses: Vec<Clause>,
}

/// One demand on the text of an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clause {
    /// As it was asked, in lower case.
    pub text: String,
    /// The words, folded; they must follow one another. Never empty.
    pub words: Vec<String>,
    /// Whether it was asked in quotes: taken literally.
    pub quoted: bool,
    /// Whether the words must not occur.
    pub not: bool,
    /// The condition that the words name: items about it satisfy the clause under whichever name.
    pub code: Option<ConditionCode>,
}

impl TextQuery {
    /// Reads `q`.
    ///
    /// # Errors
    /// Says what is wrong: no word at all, only words that are excluded, too many words.
    pub fn parse(q: &str, vocabulary: &Vocabulary) -> Result<Self, String> {
        let mut clauses = Vec::new();
        let mut rest = q;
        while !rest.is_empty() {
            let (plain, quoted, after) = match rest.find('"') {
                None => (rest, None, ""),
                Some(open) => match rest[open + 1..].find('"') {
                    // A quote that is never closed is none.
                    None => (rest, None, ""),
                    Some(len) => (&rest[..open], Some(&rest[open + 1..open + 1 + len]), &rest[open + len + 2..]),
                },
            };
            let (plain, not_quoted) = match (plain.strip_suffix('-'), quoted) {
                (Some(before), Some(_)) if before.is_empty() || before.ends_with(' ') => (before, true),
                _ => (plain, false),
            };
            read_plain(plain, vocabulary, &mut clauses);
            if let Some(phrase) = quoted {
                let words = tokens(phrase);
                if !words.is_empty() {
                    clauses.push(Clause { text: tidy(phrase), words, quoted: true, not: not_quoted, code: None });
                }
            }
            rest = after;
        }
        // Stop words go, unless there is nothing else.
        let says = |clause: &Clause| {
            clause.quoted
                || clause.code.is_some()
                || !matches!(&clause.words[..], [one] if STOP.contains(&one.as_str()))
        };
        if clauses.iter().any(says) {
            clauses.retain(says);
        }
        let mut seen = Vec::<Clause>::new();
        for clause in clauses {
            if !seen.contains(&clause) {
                seen.push(clause);
            }
        }
        match seen.len() {
            0 => Err("must hold a word".to_owned()),
            n if n > MAX_CLAUSES => Err(format!("must be at most {MAX_CLAUSES} words")),
            _ if seen.iter().all(|clause| clause.not) => Err("must hold a word that is not excluded by -".to_owned()),
            _ => Ok(Self { clauses: seen }),
        }
    }

    /// The words as they would be asked again.
    #[must_use]
    pub fn canonical(&self) -> String {
        let one = |clause: &Clause| {
            let (not, quote) = (if clause.not { "-" } else { "" }, if clause.quoted { "\"" } else { "" });
            format!("{not}{quote}{}{quote}", clause.text)
        };
        self.clauses.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    /// Whether an item satisfies all clauses, as the search index would say.
    #[must_use]
    pub fn matches(&self, item: &CuratedV1, vocabulary: &Vocabulary) -> bool {
        let mut body = String::new();
        append_plain(if item.html.is_empty() { &item.summary } else { &item.html }, BODY_LIMIT, &mut body);
        let (title, body) = (tokens(&item.title), tokens(&body));
        let occurs = |words: &[String]| {
            [&title, &body].iter().any(|text| text.windows(words.len()).any(|window| window == words))
        };
        self.clauses.iter().all(|clause| {
            let about = || {
                let asked = clause.code.as_ref();
                asked.is_some_and(|asked| {
                    item.codes(Role::About).any(|have| have == asked || vocabulary.is_within(have, asked))
                })
            };
            (occurs(&clause.words) || about()) != clause.not
        })
    }
}

/// Lower case, one space between words.
fn tidy(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads words outside quotes: excluded ones, names of conditions (the longest first), single words.
fn read_plain(text: &str, vocabulary: &Vocabulary, clauses: &mut Vec<Clause>) {
    let (mut words, mut word, mut run) = (Words::new(text), String::new(), Vec::<(usize, usize, String, bool)>::new());
    while let Some((start, end)) = words.next_into(&mut word) {
        // `-word` excludes; `type-2` does not.
        let head = text[..start].strip_suffix('-');
        let not = head.is_some_and(|head| head.is_empty() || head.ends_with(char::is_whitespace));
        run.push((start, end, word.clone(), not));
    }
    let mut at = 0;
    while at < run.len() {
        let (start, _, _, not) = run[at];
        let longest = (at + 1..=run.len().min(at + MAX_NAME_WORDS)).rev().find_map(|end| {
            let part = &run[at..end];
            if not || part.iter().any(|word| word.3) {
                return None;
            }
            vocabulary.by_name(&text[start..part[part.len() - 1].1]).map(|code| (end, code))
        });
        let (end, code) = longest.map_or((at + 1, None), |(end, code)| (end, Some(code)));
        let part = &run[at..end];
        clauses.push(Clause {
            text: tidy(&text[start..part[part.len() - 1].1]),
            words: part.iter().map(|word| word.2.clone()).collect(),
            quoted: false,
            not,
            code,
        });
        at = end;
    }
}
