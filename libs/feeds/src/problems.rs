//! Problems gathered while reading; repeated repairs are counted, not listed.

use crate::Problem;

/// Collects problems: each code is told once with a count and the place where it first occurred, save those that are
/// about one entry, which are all told up to a limit.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<(Problem, u32)>,
}

/// How many problems of one code are listed before they are only counted.
const LISTED_PER_CODE: usize = 20;

impl Problems {
    /// A repair that may occur thousands of times: only the first place is kept.
    pub(crate) fn repair(&mut self, code: &'static str, message: &str, place: impl FnOnce() -> String) {
        if let Some((_, n)) = self.list.iter_mut().find(|(p, _)| p.code == code) {
            *n += 1;
            return;
        }
        let problem = Problem { code, message: message.to_owned(), where_: place() };
        self.list.push((problem, 1));
    }

    /// A finding of its own, such as one about one entry.
    pub(crate) fn found(&mut self, code: &'static str, message: String, place: String) {
        let same = self.list.iter().filter(|(p, _)| p.code == code).count();
        if same >= LISTED_PER_CODE {
            if let Some((_, n)) = self.list.iter_mut().rev().find(|(p, _)| p.code == code) {
                *n += 1;
            }
            return;
        }
        self.list.push((Problem { code, message, where_: place }, 1));
    }

    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.list
            .into_iter()
            .map(|(mut p, n)| {
                if n > 1 {
                    p.message = format!("{} ({n} times)", p.message);
                }
                p
            })
            .collect()
    }
}

/// The line, from 1, of a byte position.
pub(crate) fn line_of(text: &str, pos: usize) -> String {
    let pos = pos.min(text.len());
    let n = memchr::memchr_iter(b'\n', &text.as_bytes()[..pos]).count();
    format!("line {}", n + 1)
}
