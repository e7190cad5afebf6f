//! Bytes to text.

use crate::Problem;
use std::borrow::Cow;

/// Text with the encoding it was in.
#[derive(Debug, Clone)]
pub struct Decoded<'a> {
    /// The text; borrowed where the bytes were valid UTF-8.
    pub text: Cow<'a, str>,
    /// The encoding used, see [`crate::Parsed::encoding`].
    pub encoding: &'static str,
    /// What was wrong or was repaired.
    pub problems: Vec<Problem>,
}

/// Decodes a document. Order of trust: byte order mark, HTTP charset, XML declaration, detection. Never fails: bytes
/// that are invalid are replaced and reported.
pub fn decode<'a>(_bytes: &'a [u8], _content_type: Option<&str>) -> Decoded<'a> {
    todo!()
}
