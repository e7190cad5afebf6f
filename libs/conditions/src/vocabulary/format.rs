//! The compiled file: tables of numbers and one pool of strings, zstd-compressed.
//!
//! Layout before compression, little-endian: the magic, the number of tables, each table as its length and its
//! `u32`s, then the length of the string pool and the pool (UTF-8). Strings are numbered; [`Table::StringEnd`] has
//! the end of each in the pool. Lists of lists are two tables: where each list ends, and the elements.

/// First bytes of the file's content; the last digit is the format's version.
const MAGIC: &[u8; 8] = b"CWVOCAB4";
/// More than any real file: a bound for what decoding allocates.
const LARGEST: usize = 256 << 20;

/// The tables of the file, in its order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Table {
    /// End of each string in the pool, in bytes.
    StringEnd,
    /// Condition → its code's string; conditions are in order of code.
    Code,
    /// Condition → string of its plain English name.
    Label,
    /// Condition → 1 for a topic.
    Topic,
    /// Condition → weight of a mention, in thousandths.
    Weight,
    /// Condition → end of its names.
    NameEnd,
    /// Names' strings, the preferred one first.
    NameText,
    /// Names' kind (low byte) and language (string number × 256).
    NameMeta,
    /// Condition → end of its parents.
    ParentEnd,
    /// Parents' condition numbers.
    Parent,
    /// Condition → end of its codes of other systems.
    XrefEnd,
    /// The systems' strings.
    XrefSystem,
    /// The codes' strings.
    XrefCode,
    /// Condition → end of its tree numbers.
    TreeEnd,
    /// Tree numbers' strings.
    Tree,
    /// All codes of other systems, as strings `system:code` in lower case, in order.
    LookupKey,
    /// The condition of each.
    LookupCondition,
    /// Folded names, in order.
    SearchKey,
    /// The condition of each.
    SearchCondition,
    /// The name (position in [`Table::NameText`]) of each.
    SearchName,
    /// Hash of each word in a name, low half; words are numbered from 1.
    WordLow,
    /// High half.
    WordHigh,
    /// Trie node → end of its children; children are numbered one after the other from 1.
    ChildEnd,
    /// The word that leads to each child, in order within a node.
    ChildWord,
    /// Trie node → term + 1 that ends there, in any capitals; 0 for none.
    NodeTerm,
    /// Trie node → term + 1 that ends there where the words are written in capitals; 0 for none.
    NodeCaps,
    /// Trie node → term + 1 that ends there in scientific reports, before the others; 0 for none.
    NodeLearned,
    /// Term → flags, see [`super::term`].
    TermFlags,
    /// Term → end of its conditions.
    TermEnd,
    /// Conditions of terms, with how the term stands for each, see [`super::term::condition`].
    TermCondition,
    /// Hash of terms written as one word (hashtags), low half, in order of the whole hash.
    CompactLow,
    /// High half.
    CompactHigh,
    /// The term of each.
    CompactTerm,
    /// Context rules, as strings: lines of `ambiguous.tsv`.
    Rule,
    /// Conditions that are another one near certain words, as strings: code, code, words.
    Switch,
    /// The learned model, as strings: its lines.
    Model,
}

/// Number of tables.
const TABLES: usize = Table::Model as usize + 1;

/// The content of a compiled file.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Tables {
    tables: Vec<Vec<u32>>,
    /// The string pool.
    pub pool: String,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Not zstd.
    #[error("the vocabulary file cannot be decompressed: {0}")]
    Compression(#[from] std::io::Error),
    /// Another version, or another kind of file.
    #[error("the vocabulary file does not begin as this version does")]
    Magic,
    /// Cut off, or a number out of range.
    #[error("the vocabulary file is damaged")]
    Damaged,
}

impl Tables {
    /// Empty tables.
    #[must_use]
    pub fn new() -> Self {
        Self { tables: vec![Vec::new(); TABLES], pool: String::new() }
    }

    /// One table.
    #[must_use]
    pub fn get(&self, table: Table) -> &[u32] {
        &self.tables[table as usize]
    }

    /// One table, to fill it.
    pub fn get_mut(&mut self, table: Table) -> &mut Vec<u32> {
        &mut self.tables[table as usize]
    }

    /// Adds a string; its number.
    pub fn add_string(&mut self, text: &str) -> u32 {
        self.pool.push_str(text);
        let end = self.pool.len() as u32;
        let ends = self.get_mut(Table::StringEnd);
        ends.push(end);
        ends.len() as u32 - 1
    }

    /// The term of exactly these words, in any capitals.
    #[must_use]
    pub fn term_of(&self, words: &[u64]) -> Option<u32> {
        let (low, high) = (self.get(Table::WordLow), self.get(Table::WordHigh));
        let hash = |at: usize| u64::from(high[at]) << 32 | u64::from(low[at]);
        let mut node = 0;
        for word in words {
            // Words are numbered from 1 in order of their hashes.
            let (mut at, mut end) = (0, low.len());
            while at < end {
                let middle = (at + end) / 2;
                if hash(middle) < *word { at = middle + 1 } else { end = middle }
            }
            if at == low.len() || hash(at) != *word {
                return None;
            }
            let children = self.range(Table::ChildEnd, node);
            let start = children.start;
            node = start + self.get(Table::ChildWord)[children].binary_search(&(at as u32 + 1)).ok()? + 1;
        }
        self.get(Table::NodeTerm)[node].checked_sub(1)
    }

    /// The elements of list `index` of the lists that end at `end`.
    #[must_use]
    pub fn range(&self, end: Table, index: usize) -> std::ops::Range<usize> {
        let ends = self.get(end);
        let start = if index == 0 { 0 } else { ends[index - 1] as usize };
        start..ends[index] as usize
    }

    /// String number `index`.
    #[must_use]
    pub fn string(&self, index: u32) -> &str {
        self.pool.get(self.range(Table::StringEnd, index as usize)).unwrap_or_default()
    }

    /// The file's bytes: equal tables give equal bytes.
    ///
    /// # Errors
    /// When zstd fails.
    pub fn encode(&self) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(16 << 20);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&(TABLES as u32).to_le_bytes());
        for table in &self.tables {
            out.extend_from_slice(&(table.len() as u32).to_le_bytes());
            table.iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
        }
        out.extend_from_slice(&(self.pool.len() as u32).to_le_bytes());
        out.extend_from_slice(self.pool.as_bytes());
        zstd::bulk::compress(&out, 19)
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// When they are not what [`Tables::encode`] writes.
    pub fn decode(file: &[u8]) -> Result<Self, FormatError> {
        let bytes = zstd::stream::decode_all(file)?;
        if bytes.len() > LARGEST {
            return Err(FormatError::Damaged);
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or(FormatError::Magic)?;
        let mut rest = Reader(rest);
        if rest.number()? as usize != TABLES {
            return Err(FormatError::Magic);
        }
        let mut tables = Vec::with_capacity(TABLES);
        for _ in 0..TABLES {
            let length = rest.number()? as usize;
            let raw = rest.take(length.checked_mul(4).ok_or(FormatError::Damaged)?)?;
            tables.push(raw.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect());
        }
        let length = rest.number()? as usize;
        let pool = String::from_utf8(rest.take(length)?.to_vec()).map_err(|_| FormatError::Damaged)?;
        Ok(Self { tables, pool })
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(FormatError::Damaged)?;
        self.0 = tail;
        Ok(head)
    }

    fn number(&mut self) -> Result<u32, FormatError> {
        let (head, tail) = self.0.split_first_chunk::<4>().ok_or(FormatError::Damaged)?;
        self.0 = tail;
        Ok(u32::from_le_bytes(*head))
    }
}
