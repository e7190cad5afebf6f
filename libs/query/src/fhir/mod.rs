//! FHIR R4 (hl7.org/fhir/R4): items as `DocumentReference`, found by the codes of conditions. Pure: from values to JSON.
//!
//! Only JSON, only reading: `metadata`, search and read. Conditions are the `category` of a document, its kind the `type`;
//! there is no `subject`, for nothing here is about a patient.

mod resources;
mod search;
#[cfg(test)]
mod tests;

pub use resources::{Bundle, capability_statement, document_reference, outcome};
pub use search::{FhirError, Handling, Instants, SearchRequest};

/// The media type of answers.
pub const MEDIA_TYPE: &str = "application/fhir+json; charset=utf-8";
