//! Flags of a term: a sequence of words that names one condition or several, or that names none on purpose.

/// The words stand for no condition ("stroke of luck"): they are consumed, nothing is tagged.
pub const STOP: u32 = 1;
/// All conditions of the term are topics.
pub const TOPIC: u32 = 1 << 1;
/// One of the project's own lay terms.
pub const LAY: u32 = 1 << 2;
/// Made by rule from a name ("liver damage" from "Liver Diseases").
pub const GENERATED: u32 = 1 << 3;
/// Counts only in certain languages, one bit each ("gripe", the Spanish flu): see [`language`].
pub const FOREIGN: u32 = 0x3f << 24;
/// The languages of [`FOREIGN`]'s bits.
const LANGUAGES: [&str; 6] = ["es", "fr", "de", "pt", "it", "nl"];

/// The bit of a BCP 47 tag's language; 0 for English and for languages without own terms.
#[must_use]
pub fn language(tag: &str) -> u32 {
    let primary = tag.split(['-', '_']).next().unwrap_or(tag);
    LANGUAGES.iter().position(|l| l.eq_ignore_ascii_case(primary)).map_or(0, |at| 1 << (24 + at))
}

/// Learned from labelled abstracts: counts only in scientific reports.
pub const LEARNED: u32 = 1 << 5;
/// First bit of the context rule's number + 1; 0 for none.
pub const RULE_SHIFT: u32 = 8;

/// Of a term's condition: a treatment, test or pathogen that stands for it.
pub const PROXY: u32 = 1 << 30;
/// Of a term's condition: names it, but an item with it in its title is not thereby about it.
pub const WEAK: u32 = 1 << 31;

/// The condition of an entry of [`super::format::Table::TermCondition`], without [`PROXY`] and [`WEAK`].
#[must_use]
pub fn condition(entry: u32) -> u32 {
    entry & (PROXY - 1)
}

/// The context rule of a term's flags.
#[must_use]
pub fn rule(flags: u32) -> Option<usize> {
    (((flags & !FOREIGN) >> RULE_SHIFT) as usize).checked_sub(1)
}
