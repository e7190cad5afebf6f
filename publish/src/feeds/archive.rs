//! Archives (RFC 5005 §4): fixed ranges of `first`, so that a page's address always means the same items.
//!
//! Items get their number `first` when they are first curated, in order and for ever. A range is *dyadic*: its length
//! is a power of two of at least 64, its start a multiple of its length. Where items are dense pages are short ranges,
//! where they are sparse (a rare condition) long ones: each page leads to the longest range directly before it that
//! holds at most 100 items of the feed, and over empty ranges. As `first` never changes, neither do a page's items nor
//! the page before it, save for corrections and withdrawals.

use std::{fmt, str::FromStr};

use carewire_schemas::ChangeSeq;

/// Shortest range.
const SHORTEST: u32 = 6;
/// Items that a page should hold at most.
pub(super) const PAGE: usize = 100;

/// A dyadic range of `first`: from, and up to but without. As text: `64-127`, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Range {
    pub from: ChangeSeq,
    pub to: ChangeSeq,
}

/// Why a text is no range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RangeError;

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to - 1)
    }
}

impl FromStr for Range {
    type Err = RangeError;
    fn from_str(text: &str) -> Result<Self, RangeError> {
        let (from, last) = text.split_once('-').ok_or(RangeError)?;
        let (from, last): (ChangeSeq, ChangeSeq) =
            (from.parse().map_err(|_| RangeError)?, last.parse().map_err(|_| RangeError)?);
        let length = last.checked_sub(from).and_then(|n| n.checked_add(1)).filter(|n| *n >= 1 << SHORTEST);
        let range = Self { from, to: last.checked_add(1).ok_or(RangeError)? };
        let dyadic = from >= 0 && length.is_some_and(|n| n.count_ones() == 1 && from % n == 0);
        // One spelling each: no leading zeros or signs.
        if dyadic && range.to_string() == text { Ok(range) } else { Err(RangeError) }
    }
}

/// The end of the newest archive of a feed whose newest item has the number `newest` and whose first item that is
/// not shown any more has `hidden`: the most aligned number in between, so that archives above it are few.
pub(super) fn newest_end(hidden: ChangeSeq, newest: ChangeSeq) -> Option<ChangeSeq> {
    let (low, high) = (hidden + 1, newest);
    if low > high || low <= 0 {
        return None;
    }
    // The highest bit in which low-1 and high differ: high with all below it cleared is the most aligned number.
    let bit = 63 - ((low - 1) ^ high).leading_zeros();
    (bit >= SHORTEST).then(|| high >> bit << bit)
}

/// The page before `end`. `firsts` are the numbers of the feed's items below `end`, newest first, [`PAGE`] + 1 of them
/// or all.
pub(super) fn before(end: ChangeSeq, firsts: &[ChangeSeq]) -> Option<Range> {
    let mut end = end;
    while let Some(&newest) = firsts.iter().find(|first| **first < end) {
        if end <= 0 || end % (1 << SHORTEST) != 0 {
            return None;
        }
        let longest = end.trailing_zeros().clamp(SHORTEST, 62);
        let range = |level: u32| Range { from: end - (1 << level), to: end };
        let holds = |range: Range| firsts.iter().filter(|first| (range.from..range.to).contains(first)).count();
        let fitting = (SHORTEST..=longest).rev().map(range).find(|range| holds(*range) <= PAGE);
        let chosen = fitting.unwrap_or_else(|| range(SHORTEST));
        if newest >= chosen.from {
            return Some(chosen);
        }
        end = chosen.from;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_one_spelling() {
        for good in ["0-63", "64-127", "128-255", "0-1023"] {
            assert_eq!(good.parse::<Range>().map(|range| range.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "1", "0-62", "1-64", "64-191", "-64--1", "00-63", "+0-63", "0-9223372036854775807", "0-31"] {
            assert!(bad.parse::<Range>().is_err(), "{bad}");
        }
    }

    /// Walks all archives from the newest; every item below it must be found exactly once.
    fn walk(firsts: &[ChangeSeq]) -> Vec<Range> {
        let mut newest_first = firsts.to_vec();
        newest_first.sort_unstable_by(|a, b| b.cmp(a));
        let below = |end: ChangeSeq| -> Vec<ChangeSeq> {
            newest_first.iter().copied().filter(|first| *first < end).take(PAGE + 1).collect()
        };
        let Some(&hidden) = newest_first.get(PAGE) else { return Vec::new() };
        let mut end = newest_end(hidden, newest_first[0]).expect("a hundred numbers hold a multiple of 64");
        assert!(end > hidden && end <= newest_first[0]);
        let mut pages = Vec::new();
        while let Some(page) = before(end, &below(end)) {
            assert!(page.to <= end && page.to_string().parse::<Range>() == Ok(page));
            let held = firsts.iter().filter(|first| (page.from..page.to).contains(first)).count();
            assert!((1..=PAGE).contains(&held), "{page}: {held}");
            end = page.from;
            pages.push(page);
        }
        let missed =
            firsts.iter().filter(|first| **first <= hidden && !pages.iter().any(|p| (p.from..p.to).contains(first)));
        assert_eq!(missed.count(), 0);
        pages
    }

    #[test]
    fn archives_hold_everything_once() {
        assert!(walk(&(1..=100).collect::<Vec<_>>()).is_empty());
        let dense = walk(&(1..=1_000).collect::<Vec<_>>());
        assert!(dense.len() <= 16, "{dense:?}");
        let sparse = walk(&(1..=500).map(|n| n * 997).collect::<Vec<_>>());
        assert!(sparse.len() <= 16, "{}", sparse.len());
        walk(&(1..=300).map(|n| n * n).collect::<Vec<_>>());
        walk(&(0..150).map(|n| if n < 75 { n + 1 } else { n + 5_000_000 }).collect::<Vec<_>>());
    }
}
