//! The fields of the index, and how words are cut for it.

use tantivy::{
    Index,
    schema::{Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions},
    tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer},
};

use super::facets::FacetKind;
use crate::text::{self, Words};

/// Raised when the fields change; an index of another version is built anew.
const SCHEMA_VERSION: u32 = 3;
const TOKENIZER: &str = "carewire";

/// The name of the folder of an index that this code can read.
pub(super) fn version() -> String {
    format!("v{SCHEMA_VERSION}-{}", text::VERSION)
}

/// The fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    /// The item's id, 16 bytes: what deletions name.
    pub id: Field,
    /// Upper and lower half of the id, as columns: what hits are read from.
    pub id_high: Field,
    pub id_low: Field,
    /// The number by which feeds are ordered.
    pub first: Field,
    /// When it was published, milliseconds since the epoch.
    pub published: Field,
    /// When its public form last changed, milliseconds since the epoch.
    pub updated: Field,
    /// Seconds of a video or sound.
    pub duration: Field,
    pub title: Field,
    pub body: Field,
    /// Codes and all that is above them.
    pub about: Field,
    pub mentioned: Field,
    pub organization: Field,
    pub kind: Field,
    /// Traits with the name of their sort: `level:easy`, `evidence:…`, `aspect:…`, `audience:…`, `study:…`.
    pub traits: Field,
    /// Years of school, in tenths.
    pub grade: Field,
    /// The tag and what is above it: `es-mx`, `es`.
    pub language: Field,
    /// Values by which answers are counted, as [`super::facets::key`]: columns in order of [`super::facets::FacetKind::ALL`].
    pub facets: [Field; FacetKind::ALL.len()],
}

/// The schema and its fields.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let words = || {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(TOKENIZER)
                .set_index_option(IndexRecordOption::WithFreqsAndPositions),
        )
    };
    let terms = || {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer("raw")
                .set_fieldnorms(false)
                .set_index_option(IndexRecordOption::Basic),
        )
    };
    let column = || NumericOptions::default().set_fast();
    let fields = Fields {
        id: builder.add_bytes_field("id", tantivy::schema::BytesOptions::default().set_indexed()),
        id_high: builder.add_u64_field("id_high", column()),
        id_low: builder.add_u64_field("id_low", column()),
        first: builder.add_i64_field("first", column()),
        published: builder.add_i64_field("published", column()),
        updated: builder.add_i64_field("updated", column()),
        duration: builder.add_u64_field("duration", column()),
        title: builder.add_text_field("title", words()),
        body: builder.add_text_field("body", words()),
        about: builder.add_text_field("about", terms()),
        mentioned: builder.add_text_field("mentioned", terms()),
        organization: builder.add_text_field("organization", terms()),
        kind: builder.add_text_field("kind", terms()),
        traits: builder.add_text_field("traits", terms()),
        grade: builder.add_u64_field("grade", column()),
        language: builder.add_text_field("language", terms()),
        facets: FacetKind::ALL.map(|kind| builder.add_u64_field(kind.column(), column())),
    };
    (builder.build(), fields)
}

/// Makes our words known to an index.
pub(super) fn register(index: &Index) {
    index.tokenizers().register(TOKENIZER, TextAnalyzer::builder(FoldedWords::default()).build());
}

/// [`Words`] as Tantivy wants them.
#[derive(Clone, Default)]
struct FoldedWords {
    token: Token,
}

struct FoldedStream<'a> {
    words: Words<'a>,
    token: &'a mut Token,
}

impl Tokenizer for FoldedWords {
    type TokenStream<'a> = FoldedStream<'a>;
    fn token_stream<'a>(&'a mut self, text: &'a str) -> FoldedStream<'a> {
        self.token.reset();
        FoldedStream { words: Words::new(text), token: &mut self.token }
    }
}

impl TokenStream for FoldedStream<'_> {
    fn advance(&mut self) -> bool {
        let Some((start, end)) = self.words.next_into(&mut self.token.text) else { return false };
        self.token.position = self.token.position.wrapping_add(1);
        (self.token.offset_from, self.token.offset_to) = (start, end);
        true
    }
    fn token(&self) -> &Token {
        self.token
    }
    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
