//! Feeds: decode, repair, read, discover. Bytes in, values out; no I/O.

pub mod dates;
pub mod decode;
pub mod discover;
mod identity;
mod model;
pub mod opml;

pub use decode::{Decoded, decode};
pub use identity::{Identity, IdentityKind};
pub use model::*;

/// What is known about a document besides its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The `Content-Type` header as received.
    pub content_type: Option<&'a str>,
    /// The address the document came from, after redirects.
    pub url: Option<&'a url::Url>,
}

/// Reads a document. Never panics and is never all or nothing: the good entries come with the problems found.
pub fn parse(_bytes: &[u8], _ctx: &Context<'_>) -> Parsed {
    todo!()
}

/// The JSON of `carewire parse --json`.
pub fn report(_parsed: &Parsed) -> serde_json::Value {
    todo!()
}
