//! YouTube channels: gaps in the window of 15 entries, what the Data API v3 knows beside the feed, and videos that are gone.
//!
//! What is found out here goes the way of a poll: as a document that is read as if the feed had said it (videos of a gap, the removal of
//! one), or as the last revision told again (its length, captions, broadcast). Without a key the API is not asked: a gap is reported, an unknown duration stays
//! unknown.
//!
//! | file | what |
//! | --- | --- |
//! | `config` | [`YoutubeConfig`] |
//! | `api` | the API's answers: pure |
//! | `document` | documents as a channel's feed has them: pure |
//! | `watch` | what a poll says of its channel |
//! | `fetch` | [`Youtube`]: gaps filled, videos asked for, videos looked for |

mod api;
mod config;
mod document;
mod fetch;
pub(crate) mod watch;

pub use config::YoutubeConfig;
pub use fetch::Youtube;
