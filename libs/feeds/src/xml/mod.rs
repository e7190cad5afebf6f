//! XML as it is found, not as it should be: a scanner that never fails, on the markup scanners of quick-xml.
//!
//! quick-xml's own `Reader` stops at the first syntax error; feeds go on after theirs. So [`Scanner`] finds text and
//! tags itself and uses quick-xml's parsers for what has inner structure (tags with quoted attributes, comments,
//! attributes, entity names), each with a repair where it finds no end.

mod entities;
mod scan;

pub(crate) use entities::{Entities, named, unescape_html};
pub(crate) use scan::{Scanner, Tag, Token};

/// The part of a qualified name after its prefix.
pub(crate) fn local_name(qname: &str) -> &str {
    qname.rsplit_once(':').map_or(qname, |(_, l)| l)
}
