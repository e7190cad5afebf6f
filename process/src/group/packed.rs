//! What the index knows of an item, packed: in memory once per item of the window, and in the store as its `index`.
//!
//! Layout, little-endian: version `1` · published (i64, ms) · number of terms (u8) · per term hash (u32) and weight (u16) ·
//! whether the sketch is complete (u8) · hashes of the sketch (u32 each, to the end).

use super::{copies::Sketch, stories::Terms};

const VERSION: u8 = 1;
const HEAD: usize = 10;
const TERM: usize = 6;

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packed(Box<[u8]>);

impl Packed {
    /// Packs what is known of an item published at `published` (milliseconds since the epoch).
    #[must_use]
    pub fn new(published: i64, terms: &Terms, sketch: &Sketch) -> Self {
        let mut out = Vec::with_capacity(HEAD + terms.len() * TERM + 1 + sketch.hashes.len() * 4);
        out.push(VERSION);
        out.extend_from_slice(&published.to_le_bytes());
        // At most `TERMS`, which is below 256.
        out.push(terms.len() as u8);
        for (term, weight) in terms {
            out.extend_from_slice(&term.to_le_bytes());
            out.extend_from_slice(&weight.to_le_bytes());
        }
        out.push(u8::from(sketch.complete));
        for hash in &sketch.hashes {
            out.extend_from_slice(&hash.to_le_bytes());
        }
        Self(out.into())
    }

    /// Reads what was stored; none when it is of another version or damaged, and the item is then not looked for.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let count = usize::from(*bytes.get(HEAD - 1)?);
        let sketch = bytes.len().checked_sub(HEAD + count * TERM + 1)?;
        (bytes[0] == VERSION && sketch % 4 == 0).then(|| Self(bytes.into()))
    }

    /// As it is stored.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// When it was published, in milliseconds since the epoch.
    #[must_use]
    pub fn published(&self) -> i64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[1..9]);
        i64::from_le_bytes(bytes)
    }

    fn term_bytes(&self) -> &[u8] {
        &self.0[HEAD..HEAD + usize::from(self.0[HEAD - 1]) * TERM]
    }

    /// Its weighted terms, ascending.
    pub fn terms(&self) -> impl ExactSizeIterator<Item = (u32, u16)> + '_ {
        self.term_bytes()
            .chunks_exact(TERM)
            .map(|b| (u32::from_le_bytes([b[0], b[1], b[2], b[3]]), u16::from_le_bytes([b[4], b[5]])))
    }

    /// The hashes of its sketch, ascending, and whether these are all.
    #[must_use]
    pub fn sketch(&self) -> (smallvec::SmallVec<[u32; super::copies::SKETCH]>, bool) {
        let from = HEAD + self.term_bytes().len();
        let hashes = self.0[from + 1..].chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        (hashes.collect(), self.0[from] == 1)
    }
}
