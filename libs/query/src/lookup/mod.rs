//! Coded look-up for EHRs: the HL7 Infobutton request as a URL ([`request`]), and the answer in the shape that
//! MedlinePlus Connect gives ([`answer`]), so that its clients work by changing the host. Pure.
//!
//! Sources: HL7 Version 3 Context-Aware Knowledge Retrieval Application ("Infobutton"), URL-Based Implementation Guide and
//! Service-Oriented Architecture Implementation Guide; <https://medlineplus.gov/medlineplus-connect/web-service/>.

mod answer;
mod request;
pub mod systems;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use request::{Criterion, LookupError, LookupRequest, Recipient, Response};
