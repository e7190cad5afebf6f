//! Where in an item the words of a question stand: its title with them marked, and the piece of its text that has most
//! of them. Pure.

use std::collections::HashMap;

use carewire_conditions::{NameKind, Vocabulary};
use carewire_schemas::CuratedV1;

use crate::{
    query::{BODY_LIMIT, TextQuery},
    text::{Words, append_plain, escape_html},
};

/// Words of a piece.
const PIECE: usize = 34;
/// Words before the first mark of a piece.
const LEAD: usize = 8;
/// Names of one condition that are looked for.
const MAX_NAMES: usize = 60;
/// Bytes of text that are looked through: what stands further down is found, not shown.
const LOOKED_AT: usize = 40_000;

/// A text in parts; those that answer the question are marked.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Marked {
    /// Text, and whether it is marked.
    pub parts: Vec<(String, bool)>,
}

impl Marked {
    /// As HTML: escaped, with `<mark>` around what is marked. No other markup can be in it.
    #[must_use]
    pub fn html(&self) -> String {
        let mut html = String::new();
        for (text, marked) in &self.parts {
            html.push_str(if *marked { "<mark>" } else { "" });
            escape_html(text, &mut html);
            html.push_str(if *marked { "</mark>" } else { "" });
        }
        html
    }

    /// Whether anything is marked.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.parts.iter().any(|(_, marked)| *marked)
    }
}

/// What to mark for a question: its words, and all names of conditions that they name.
pub struct Marker {
    /// Runs of folded words and the clause that they satisfy, by their first word.
    runs: HashMap<String, Vec<(Vec<String>, usize)>>,
    clauses: usize,
}

impl Marker {
    /// For the words of a question.
    #[must_use]
    pub fn new(q: &TextQuery, vocabulary: &Vocabulary) -> Self {
        let mut marker = Self { runs: HashMap::new(), clauses: 0 };
        for clause in q.clauses.iter().filter(|clause| !clause.not) {
            let number = marker.clauses;
            marker.clauses += 1;
            marker.add(clause.words.clone(), number);
            let Some(condition) = clause.code.as_ref().and_then(|code| vocabulary.get(code)) else { continue };
            for name in condition.names().filter(|name| name.kind != NameKind::Proxy).take(MAX_NAMES) {
                // A name of one short word is often an abbreviation of something else.
                let words = crate::text::tokens(name.text);
                if words.len() > 1 || words.first().is_some_and(|word| word.chars().count() > 3) {
                    marker.add(words, number);
                }
            }
        }
        marker
    }

    fn add(&mut self, words: Vec<String>, clause: usize) {
        let Some(first) = words.first() else { return };
        let runs = self.runs.entry(first.clone()).or_default();
        if !runs.iter().any(|(known, _)| *known == words) {
            runs.push((words, clause));
        }
    }

    /// The item's title, whole.
    #[must_use]
    pub fn title(&self, item: &CuratedV1) -> Marked {
        let read = self.read(&item.title);
        cut(&item.title, &read, 0, read.words.len())
    }

    /// The piece of the item's text that satisfies most of the question; where nothing of it stands there, its beginning.
    #[must_use]
    pub fn text(&self, item: &CuratedV1) -> Marked {
        let mut text = String::new();
        let html = if item.html.is_empty() { &item.summary } else { &item.html };
        append_plain(html, LOOKED_AT.min(BODY_LIMIT), &mut text);
        let read = self.read(&text);
        let start = self.best(&read).saturating_sub(LEAD);
        cut(&text, &read, start, (start + PIECE).min(read.words.len()))
    }

    fn read(&self, text: &str) -> Read {
        let mut read = Read { words: Vec::new(), marks: Vec::new() };
        let (mut words, mut word, mut folded) = (Words::new(text), String::new(), Vec::new());
        while let Some(range) = words.next_into(&mut word) {
            read.words.push(range);
            folded.push(word.clone());
        }
        let mut at = 0;
        while at < folded.len() {
            let longest = self.runs.get(&folded[at]).and_then(|runs| {
                let fits = |run: &&(Vec<String>, usize)| folded[at..].starts_with(&run.0);
                runs.iter().filter(fits).max_by_key(|run| run.0.len())
            });
            match longest {
                Some((run, clause)) => {
                    read.marks.push((at, at + run.len(), *clause));
                    at += run.len();
                }
                None => at += 1,
            }
        }
        read
    }

    /// The first word of the mark from which a piece satisfies the most clauses, then has the most marks.
    fn best(&self, read: &Read) -> usize {
        let worth = |from: usize| {
            let start = read.marks[from].0;
            let within: Vec<_> = read.marks[from..].iter().take_while(|mark| mark.1 <= start + PIECE - LEAD).collect();
            let clauses =
                (0..self.clauses.min(32)).filter(|clause| within.iter().any(|mark| mark.2 == *clause)).count();
            (clauses, within.len().min(6), std::cmp::Reverse(from))
        };
        (0..read.marks.len().min(500)).max_by_key(|from| worth(*from)).map_or(0, |from| read.marks[from].0)
    }
}

/// A text as words by their bytes, and marks by their words: from, up to but without, the clause.
struct Read {
    words: Vec<(usize, usize)>,
    marks: Vec<(usize, usize, usize)>,
}

/// The text from one word up to, but without, another; `…` where it was cut.
fn cut(text: &str, read: &Read, from: usize, to: usize) -> Marked {
    if from >= to {
        return Marked { parts: vec![(tidy(text), false)] };
    }
    let begin = if from == 0 { 0 } else { read.words[from].0 };
    let end = if to == read.words.len() { text.len() } else { read.words[to - 1].1 };
    let mut parts: Vec<(String, bool)> = Vec::new();
    let mut at = begin;
    for (first, last, _) in read.marks.iter().filter(|mark| mark.0 >= from && mark.1 <= to) {
        let (start, stop) = (read.words[*first].0, read.words[*last - 1].1);
        parts.push((tidy(&text[at..start]), false));
        parts.push((tidy(&text[start..stop]), true));
        at = stop;
    }
    parts.push((tidy(&text[at..end]), false));
    if let Some(first) = parts.first_mut() {
        first.0 = first.0.trim_start().to_owned();
        if from > 0 {
            first.0.insert_str(0, "… ");
        }
    }
    if let Some(last) = parts.last_mut() {
        last.0 = last.0.trim_end().to_owned();
        if to < read.words.len() {
            last.0.push_str(" …");
        }
    }
    parts.retain(|(text, _)| !text.is_empty());
    Marked { parts }
}

/// One space where there was white space.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_whitespace() {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(title: &str, html: &str) -> CuratedV1 {
        let value = serde_json::json!({
            "id": uuid::Uuid::nil(), "version": 1, "state": "curated", "title": title, "html": html,
            "published": "2026-11-01T08:00:00Z", "updated": "2026-11-01T08:00:00Z", "story": uuid::Uuid::nil(),
        });
        serde_json::from_value(value).expect("an item")
    }

    fn marker(q: &str) -> Marker {
        let vocabulary = Vocabulary::bundled();
        Marker::new(&TextQuery::parse(q, vocabulary).expect("words"), vocabulary)
    }

    #[test]
    fn words_and_names_are_marked() {
        let item = item(
            "Life after a <heart> attack",
            "<p>Many return to work.</p><p>Walking helps after a myocardial infarction &amp; after strokes.</p>",
        );
        let marker = marker("heart attack walking");
        assert_eq!(marker.title(&item).html(), "Life after a &lt;<mark>heart&gt; attack</mark>");
        assert_eq!(
            marker.text(&item).html(),
            "Many return to work. <mark>Walking</mark> helps after a <mark>myocardial infarction</mark> &amp; after strokes."
        );
    }

    #[test]
    fn the_best_piece_is_shown() {
        let filler = "nothing to see here. ".repeat(40);
        let item = item("A title", &format!("<p>insulin once {filler} insulin and walking {filler}</p>"));
        let html = marker("insulin walking").text(&item).html();
        assert!(html.starts_with("… "), "{html}");
        assert!(html.ends_with(" …"), "{html}");
        assert!(html.contains("<mark>insulin</mark> and <mark>walking</mark>"), "{html}");
        assert!(html.split_whitespace().count() <= PIECE + 4, "{html}");
    }

    proptest! {
        #[test]
        fn any_text_gives_escaped_pieces(text in any::<String>(), q in "[a-z<&\"]{1,12}( [a-z]{1,8}){0,3}") {
            let vocabulary = Vocabulary::bundled();
            if let Ok(q) = TextQuery::parse(&q, vocabulary) {
                let item = item(&text, &text);
                let marker = Marker::new(&q, vocabulary);
                for html in [marker.title(&item).html(), marker.text(&item).html()] {
                    let plain = html.replace("<mark>", "").replace("</mark>", "");
                    prop_assert!(!plain.contains(['<', '>', '"']));
                }
            }
        }
    }
}
