//! The line functions behind `carewire tag` and `carewire cluster`: JSON lines in, JSON lines out.

use std::io::{BufRead, Write};

/// What a line function did.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Lines {
    /// Lines answered.
    pub done: usize,
    /// Lines that were no record; each was named on standard error's behalf by the caller's `report`.
    pub bad: usize,
}

/// `{"id","title","text","language"?}` per line in; `{"id","conditions":[…],"language"}` out, in order. A bad line is named
/// by number to `report` and the others go on.
///
/// # Errors
/// When reading or writing fails.
pub fn tag_lines(reader: impl BufRead, writer: impl Write, report: impl FnMut(String)) -> std::io::Result<Lines> {
    let _ = (reader, writer, report);
    todo!()
}

/// `{"id","title","text","url"?,"published"?,"publisher"?}` per line in; `{"id","story","relation":"first"|"copy"|"same-story"}`
/// out, in the order of the input. Works through the records in order of `published` where given.
///
/// # Errors
/// When reading or writing fails.
pub fn cluster_lines(reader: impl BufRead, writer: impl Write, report: impl FnMut(String)) -> std::io::Result<Lines> {
    let _ = (reader, writer, report);
    todo!()
}
