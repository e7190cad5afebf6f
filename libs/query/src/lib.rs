//! The query language, matching, search, rendering of feeds.
//!
//! - [`query`]: one [`Query`] for every output: read from parameters, written in one canonical form, matched
//!   against the filterable fields of a change.
//! - [`text`]: words as search and streams compare them.
//! - [`index`]: the full-text index of one serving process, fed from the sequence of changes.
//! - [`recent`]: the newest change rows in memory, shared by whatever is kept fresh by them.
//! - [`lookup`]: the Infobutton request and its answer; [`fhir`]: items as FHIR R4 documents.
//! - [`snippet`]: where in a text the words of a question stand; [`spelling`]: what was meant by a word that nothing has.
//! - [`rights`]: what a licence lets others copy.
//! - [`render`]: Atom 1.0, RSS 2.0 and JSON Feed 1.1 of items: pure.
//!
//! Parsing, matching and rendering are pure functions over values; only [`index`] and [`recent`] read the store.

pub mod fhir;
pub mod index;
pub mod lookup;
pub mod metrics;
pub mod public;
pub mod query;
pub mod recent;
pub mod render;
pub mod rights;
pub mod snippet;
pub mod spelling;
pub mod text;

pub use index::{Ask, Cursor, Facet, FacetKind, Facets, Hit, Hits, SearchIndex};
pub use query::{Query, QueryError, Sort, Tri};
pub use recent::Recent;
