//! What is wrong with a feed, kept over time: what began and what ended with each poll. Pure.

use std::collections::HashSet;

use carewire_feeds::{
    Parsed,
    lint::{Finding, lint},
};
use carewire_fetch::Response;
use carewire_store::{FeedMemory, FeedProblem, FindingsChange, NewFinding};
use carewire_visit::exchange;
use jiff::Timestamp;
use url::Url;

/// Codes kept of one feed at a time.
const MAX: usize = 60;
/// Before the codes of polls that failed; these end with the next that does not.
const FAILED: &str = "failed-";

/// The finding of a poll that failed.
pub(crate) fn failure(code: &str, message: &str) -> NewFinding {
    NewFinding { code: format!("{FAILED}{code}"), severity: "error".to_owned(), message: message.to_owned() }
}

/// What the linter finds in a document and in how the server answered.
pub(crate) fn of_document(
    parsed: &Parsed,
    response: &Response,
    asked: Option<&Url>,
    now: Timestamp,
) -> Vec<NewFinding> {
    let answered = asked.map(|asked| exchange(response, asked));
    let finding = |finding: Finding| NewFinding {
        code: finding.rule.code.to_owned(),
        severity: finding.rule.severity.name().to_owned(),
        message: match finding.detail.is_empty() {
            true => finding.rule.title.to_owned(),
            false => format!("{}: {}", finding.rule.title, finding.detail.chars().take(300).collect::<String>()),
        },
    };
    lint(parsed, answered.as_ref(), now).into_iter().map(finding).collect()
}

/// The finding of a problem of a document that the linter does not know. That it is read all the same makes it a warning.
pub(crate) fn problem(problem: &FeedProblem) -> NewFinding {
    NewFinding { code: problem.code.clone(), severity: "warning".to_owned(), message: problem.message.clone() }
}

/// After a document was read: `found` is all that is wrong now.
pub(crate) fn after_reading(memory: &mut FeedMemory, found: Vec<NewFinding>) -> FindingsChange {
    let mut codes = HashSet::new();
    let found: Vec<NewFinding> =
        found.into_iter().filter(|finding| codes.insert(finding.code.clone())).take(MAX).collect();
    let ended: Vec<String> = memory.findings.iter().filter(|code| !codes.contains(*code)).cloned().collect();
    let begun: Vec<NewFinding> =
        found.iter().filter(|finding| !memory.findings.contains(&finding.code)).cloned().collect();
    if !begun.is_empty() || !ended.is_empty() {
        memory.findings = found.into_iter().map(|finding| finding.code).collect();
    }
    FindingsChange { begun, ended }
}

/// After an answer that said nothing new: the document is as wrong as before, but it is reached.
pub(crate) fn after_answer(memory: &mut FeedMemory) -> FindingsChange {
    let (ended, kept) = memory.findings.drain(..).partition(|code| code.starts_with(FAILED));
    memory.findings = kept;
    FindingsChange { begun: Vec::new(), ended }
}

/// After a poll that failed: what was wrong with the document stays, other failures have ended.
pub(crate) fn after_failure(memory: &mut FeedMemory, found: NewFinding) -> FindingsChange {
    let (ended, kept): (Vec<String>, Vec<String>) =
        memory.findings.drain(..).partition(|code| code.starts_with(FAILED) && *code != found.code);
    memory.findings = kept;
    if memory.findings.contains(&found.code) {
        return FindingsChange { begun: Vec::new(), ended };
    }
    memory.findings.push(found.code.clone());
    FindingsChange { begun: vec![found], ended }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(codes: &[&str]) -> Vec<NewFinding> {
        let finding = |code: &&str| NewFinding { code: (*code).into(), severity: "warning".into(), message: "".into() };
        codes.iter().map(finding).collect()
    }

    fn told(change: &FindingsChange) -> (Vec<&str>, Vec<&str>) {
        (change.begun.iter().map(|f| f.code.as_str()).collect(), change.ended.iter().map(String::as_str).collect())
    }

    #[test]
    fn findings_begin_last_and_end() {
        let mut memory = FeedMemory::default();
        assert_eq!(told(&after_reading(&mut memory, found(&["a", "b", "a"]))), (vec!["a", "b"], vec![]));
        assert_eq!(told(&after_reading(&mut memory, found(&["b", "a"]))), (vec![], vec![]));
        assert_eq!(told(&after_failure(&mut memory, failure("dns", ""))), (vec!["failed-dns"], vec![]));
        assert_eq!(told(&after_failure(&mut memory, failure("dns", ""))), (vec![], vec![]));
        assert_eq!(
            told(&after_failure(&mut memory, failure("connect", ""))),
            (vec!["failed-connect"], vec!["failed-dns"])
        );
        assert_eq!(told(&after_answer(&mut memory)), (vec![], vec!["failed-connect"]));
        assert_eq!(memory.findings, ["a", "b"], "a 304 says nothing of the document");
        assert_eq!(told(&after_reading(&mut memory, found(&["b", "c"]))), (vec!["c"], vec!["a"]));
        assert_eq!(memory.findings, ["b", "c"]);
    }
}
