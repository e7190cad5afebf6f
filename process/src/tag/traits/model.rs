//! The linear model of kinds and traits: what each feature of [`super::features`] speaks for and against.
//!
//! Logistic regression, trained by `examples/train-traits` on the texts of `process/data`; its weights stand in
//! `traits.model` as signed bytes. Sums over whole numbers, so the same everywhere.

use std::sync::LazyLock;

use super::features::{Part, scan};

/// Columns of the weights: 12 kinds, then 8 designs (none first), 8 aspects, 4 audiences.
pub const COLUMNS: usize = 32;
/// Columns that are kinds, which are the first.
pub const KINDS: usize = 12;
/// Most sorts of phrases that the table of phrases sums.
pub const SUMS: usize = 40;
/// Most bytes of a text that are looked at: what a text is shows early.
pub const READ: usize = 800;
/// A text with more features than this counts as if it had so many: else a long one would say everything loudly.
const FULL: f32 = 60.0;
/// Places of the features' table; a power of two.
const SLOTS: usize = 16_384;
/// Most features of a model.
pub const MOST: usize = SLOTS / 2;
/// Bits that say at once of most keys that they are unknown; a power of two.
const BITS: usize = 65_536;
/// A sum of phrases counts at most so much, in units of [`UNIT`].
const CAP: f32 = 1.5;
/// What a sum of phrases is divided by.
const UNIT: f32 = 6.0;

/// A feature that was found.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    row: u16,
    /// Whether it stands in the title.
    pub title: bool,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// A model.
pub struct Model {
    /// Keys by place; 0 is free.
    keys: Box<[u32]>,
    rows: Box<[u16]>,
    /// Bits of the keys' upper halves.
    known: Box<[u64]>,
    weights: Box<[[i8; COLUMNS]]>,
    /// What a weight of 1 stands for.
    unit: f32,
    bias: [f32; COLUMNS],
    sums: Box<[[f32; COLUMNS]]>,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    Model::from_bytes(include_bytes!("traits.model")).unwrap_or_else(|| unreachable!("traits.model is damaged"))
});

/// A trained model before it is put into bytes.
#[derive(Clone, Default)]
pub struct Weights {
    /// Keys of features with their weights.
    pub features: Vec<(u32, [f32; COLUMNS])>,
    /// Weights of the sums of phrases.
    pub sums: Vec<[f32; COLUMNS]>,
    /// Constants.
    pub bias: [f32; COLUMNS],
}

impl Weights {
    /// The file's form: counts, unit, constants and sums as little-endian numbers, then each key with its weights.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let most = self.features.iter().flat_map(|(_, row)| row).fold(0f32, |most, weight| most.max(weight.abs()));
        let unit = (most / 127.0).max(f32::MIN_POSITIVE);
        let mut bytes = Vec::new();
        bytes.extend((self.features.len() as u32).to_le_bytes());
        bytes.extend((self.sums.len() as u32).to_le_bytes());
        bytes.extend(unit.to_le_bytes());
        for number in self.bias.iter().chain(self.sums.iter().flatten()) {
            bytes.extend(number.to_le_bytes());
        }
        for (key, row) in &self.features {
            bytes.extend(key.to_le_bytes());
            bytes.extend(row.iter().map(|weight| (weight / unit).round() as i8 as u8));
        }
        bytes
    }
}

impl Model {
    /// The committed one.
    #[must_use]
    pub fn committed() -> &'static Self {
        &MODEL
    }

    /// Reads what [`Weights::to_bytes`] wrote; none where it is something else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, mut rest) = bytes.split_at_checked(12)?;
        let word = |at: usize| Some(u32::from_le_bytes(numbers.get(at..at + 4)?.try_into().ok()?));
        let (count, sums, unit) = (word(0)? as usize, word(4)? as usize, f32::from_bits(word(8)?));
        if count > MOST || sums > SUMS + KINDS {
            return None;
        }
        let mut row = || {
            let mut row = [0f32; COLUMNS];
            for number in &mut row {
                let (head, tail) = rest.split_at_checked(4)?;
                *number = f32::from_le_bytes(head.try_into().ok()?);
                rest = tail;
            }
            Some(row)
        };
        let bias = row()?;
        let sums = (0..sums).map(|_| row()).collect::<Option<Box<[_]>>>()?;
        let mut known = vec![0u64; BITS / 64];
        let (mut keys, mut rows, mut weights) = (vec![0u32; SLOTS], vec![0u16; SLOTS], Vec::with_capacity(count));
        if rest.len() != count * (4 + COLUMNS) {
            return None;
        }
        for feature in rest.chunks_exact(4 + COLUMNS) {
            let key = u32::from_le_bytes(feature[..4].try_into().ok()?);
            let mut at = key as usize % SLOTS;
            while keys[at] != 0 {
                at = (at + 1) % SLOTS;
            }
            (keys[at], rows[at]) = (key, weights.len() as u16);
            known[(key >> 16) as usize / 64] |= 1 << (key >> 16 & 63);
            let mut row = [0i8; COLUMNS];
            row.iter_mut().zip(&feature[4..]).for_each(|(weight, byte)| *weight = *byte as i8);
            weights.push(row);
        }
        Some(Self {
            keys: keys.into(),
            rows: rows.into(),
            known: known.into(),
            weights: weights.into(),
            unit,
            bias,
            sums,
        })
    }

    #[inline]
    fn row(&self, key: u32) -> Option<u16> {
        if self.known[(key >> 16) as usize / 64] >> (key >> 16 & 63) & 1 == 0 {
            return None;
        }
        let mut at = key as usize % SLOTS;
        loop {
            match self.keys[at] {
                0 => return None,
                have if have == key => return Some(self.rows[at]),
                _ => at = (at + 1) % SLOTS,
            }
        }
    }

    /// The sums of all columns for a title and text; `sums` are those of the table of phrases, `hits` gets what was found.
    #[must_use]
    pub fn weigh(&self, title: &str, text: &str, sums: &[f32], hits: &mut Vec<Hit>) -> [f32; COLUMNS] {
        let mut all = self.bias;
        let text = &text[..text.floor_char_boundary(READ)];
        for (part, source) in [(Part::Title, title), (Part::Text, text)] {
            let mut found = [0i32; COLUMNS];
            let mut seen = [0u64; MOST / 64];
            let first = hits.len();
            let source = &source[..source.floor_char_boundary(READ)];
            scan(source, part, |key, start, end| {
                let Some(row) = self.row(key) else { return };
                let (place, bit) = (usize::from(row / 64), 1u64 << (row % 64));
                if seen[place] & bit == 0 {
                    seen[place] |= bit;
                    let weights = &self.weights[usize::from(row)];
                    found.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += i32::from(*weight));
                    hits.push(Hit { row, title: part == Part::Title, start: start as u32, end: end as u32 });
                }
            });
            let scale = self.unit * damp(part, hits.len() - first);
            all.iter_mut().zip(found).for_each(|(sum, found)| *sum += found as f32 * scale);
        }
        let add = |all: &mut [f32; COLUMNS], at: usize, value: f32| {
            if let Some(weights) = self.sums.get(at).filter(|_| value != 0.0) {
                all.iter_mut().zip(weights).for_each(|(all, weight)| *all += weight * value);
            }
        };
        sums.iter().enumerate().for_each(|(at, sum)| add(&mut all, at, phrase_value(*sum)));
        // What an item is says much of its design, aspects and audience.
        let kinds = shares(&all[..KINDS]);
        kinds.iter().enumerate().for_each(|(at, share)| add(&mut all, SUMS + at, *share));
        all
    }

    /// How much a hit speaks for a column.
    #[must_use]
    pub fn weight(&self, hit: &Hit, column: usize) -> f32 {
        f32::from(self.weights[usize::from(hit.row)][column]) * self.unit
    }
}

/// What the features of a part with so many of them are multiplied with.
#[must_use]
pub fn damp(part: Part, count: usize) -> f32 {
    if part == Part::Title { 1.0 } else { (FULL / count.max(1) as f32).sqrt().min(1.0) }
}

/// What a sum of phrases counts.
#[must_use]
pub fn phrase_value(sum: f32) -> f32 {
    (sum / UNIT).min(CAP)
}

/// How likely each kind is by its sum.
#[must_use]
pub fn shares(sums: &[f32]) -> [f32; KINDS] {
    let most = sums.iter().copied().fold(f32::MIN, f32::max);
    let mut shares = [0f32; KINDS];
    shares.iter_mut().zip(sums).for_each(|(share, sum)| *share = (sum - most).exp());
    let whole: f32 = shares.iter().sum();
    shares.map(|share| share / whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_damaged_is_not() {
        let mut key = 0;
        scan("mice", Part::Text, |found, _, _| key = found);
        let row = std::array::from_fn(|column| if column == 3 { 1.0 } else { -0.5 });
        let weights = Weights { features: vec![(key, row)], sums: vec![[2.0; COLUMNS]], bias: [0.25; COLUMNS] };
        let bytes = weights.to_bytes();
        let model = Model::from_bytes(&bytes).unwrap();
        let mut hits = Vec::new();
        let sums = model.weigh("", "mice", &[UNIT], &mut hits);
        assert!((sums[3] - 3.25).abs() < 0.02 && (sums[4] - 1.75).abs() < 0.02, "{sums:?}");
        assert_eq!((hits.len(), hits[0].start, hits[0].end), (1, 0, 4));
        for length in 0..bytes.len() {
            assert!(Model::from_bytes(&bytes[..length]).is_none(), "{length} bytes");
        }
        let many = [&u32::MAX.to_le_bytes()[..], &bytes[4..]].concat();
        assert!(Model::from_bytes(&many).is_none());
    }
}
