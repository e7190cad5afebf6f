//! What the index knows of an item, packed: in memory once per item of the window, and in the store as its `index`.
//!
//! Words of 32 bits: published (two words, ms) · number of terms, and bit 8 where the sketch is complete · hashes of the
//! terms · their weights, two a word · hashes of the sketch. Stored as a version byte and the words, little-endian.

use super::{copies::Sketch, stories::Terms};

const VERSION: u8 = 2;
const HEAD: usize = 3;
const COMPLETE: u32 = 1 << 8;

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packed(Box<[u32]>);

impl Packed {
    /// Packs what is known of an item published at `published` (milliseconds since the epoch).
    #[must_use]
    pub fn new(published: i64, terms: &Terms, sketch: &Sketch) -> Self {
        // At most `TERMS`, which is below 256.
        let count = terms.len();
        let mut words = Vec::with_capacity(HEAD + count + count.div_ceil(2) + sketch.hashes.len());
        words.extend([published as u32, (published >> 32) as u32]);
        words.push(count as u32 | if sketch.complete { COMPLETE } else { 0 });
        words.extend(terms.iter().map(|(term, _)| *term));
        words.extend(terms.chunks(2).map(|pair| {
            let weight = |at: usize| pair.get(at).map_or(0, |(_, weight)| u32::from(*weight));
            weight(0) | weight(1) << 16
        }));
        words.extend_from_slice(&sketch.hashes);
        Self(words.into())
    }

    /// Reads what was stored; none when it is of another version or damaged, and the item is then not looked for.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (words, rest) = rest.as_chunks::<4>();
        let packed = Self(words.iter().map(|word| u32::from_le_bytes(*word)).collect());
        let long_enough = packed.0.len() >= HEAD && packed.0.len() >= packed.sketch_at();
        (*version == VERSION && rest.is_empty() && long_enough).then_some(packed)
    }

    /// As it is stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 + self.0.len() * 4);
        out.push(VERSION);
        out.extend(self.0.iter().flat_map(|word| word.to_le_bytes()));
        out
    }

    /// When it was published, in milliseconds since the epoch.
    #[must_use]
    pub fn published(&self) -> i64 {
        i64::from(self.0[1]) << 32 | i64::from(self.0[0])
    }

    fn count(&self) -> usize {
        (self.0[2] & 0xff) as usize
    }

    fn sketch_at(&self) -> usize {
        HEAD + self.count() + self.count().div_ceil(2)
    }

    /// Its weighted terms, ascending.
    pub fn terms(&self) -> impl ExactSizeIterator<Item = (u32, u16)> + '_ {
        let (hashes, weights) = self.0[HEAD..self.sketch_at()].split_at(self.count());
        hashes.iter().enumerate().map(|(at, hash)| (*hash, (weights[at / 2] >> (at % 2 * 16)) as u16))
    }

    /// The hashes of its sketch, ascending, and whether these are all.
    #[must_use]
    pub fn sketch(&self) -> (&[u32], bool) {
        (&self.0[self.sketch_at()..], self.0[2] & COMPLETE != 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            published in any::<i64>(),
            terms in prop::collection::vec(any::<(u32, u16)>(), 0..28),
            hashes in prop::collection::vec(any::<u32>(), 0..48),
            complete in any::<bool>(),
            noise in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let terms: Terms = terms.into();
            let sketch = Sketch { hashes: hashes.into(), complete };
            let packed = Packed::new(published, &terms, &sketch);
            prop_assert_eq!(packed.published(), published);
            prop_assert_eq!(packed.terms().collect::<Terms>(), terms);
            prop_assert_eq!(packed.sketch(), (&sketch.hashes[..], complete));
            let bytes = packed.to_bytes();
            prop_assert_eq!(Packed::read(&bytes), Some(packed));
            // Whatever stands in the store is read or refused, and what is read can be looked at.
            for damaged in [&bytes[..bytes.len() - 1], &noise, &[&[VERSION], &noise[..]].concat()] {
                if let Some(read) = Packed::read(damaged) {
                    let _ = (read.published(), read.terms().count(), read.sketch());
                }
            }
        }
    }
}
