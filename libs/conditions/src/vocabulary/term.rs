//! Flags of a term: a sequence of words that names one condition or several, or that names none on purpose.

/// The words stand for no condition ("stroke of luck"): they are consumed, nothing is tagged.
pub const STOP: u32 = 1;
/// All conditions of the term are topics.
pub const TOPIC: u32 = 1 << 1;
/// One of the project's own lay terms.
pub const LAY: u32 = 1 << 2;
/// Made by rule from a name ("liver damage" from "Liver Diseases").
pub const GENERATED: u32 = 1 << 3;
/// Counts only outside English ("gripe", the Spanish flu).
pub const FOREIGN: u32 = 1 << 5;
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
    ((flags >> RULE_SHIFT) as usize).checked_sub(1)
}
