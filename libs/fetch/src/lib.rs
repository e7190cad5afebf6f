//! The guarded HTTP client: every request that Carewire sends to a server which somebody else named goes through it.
//!
//! Feeds, redirects, discovery, hubs, callbacks and webhooks are all addresses that outsiders choose. One client means
//! that the guards stand in one place and none of them can be forgotten:
//!
//! - only `http` and `https`, no user information in URLs, no cookies, no referrer, an honest `User-Agent`;
//! - the address that is *connected to* is checked ([`is_forbidden`]), not the name: literals in the URL, and what the
//!   resolver found, at every hop;
//! - limits on header, body, expansion, ratio, redirects, and on connect, header, idle and total time;
//! - content encodings are undone here, under those limits; a body that a server cut off is handed out as
//!   incomplete, so that the entries which came can still be read.
//!
//! | file | what |
//! | --- | --- |
//! | `config` | [`FetchConfig`] and what is wrong with it ([`ConfigError`]) |
//! | `net`, `address` | [`IpNet`] and [`is_forbidden`] |
//! | `resolve` | name resolution with a cache and the address filter |
//! | `message` | [`Request`], [`Response`], [`Hop`], [`BodyProblem`] |
//! | `client`, `transport` | [`Client`]: one hop; how it is set up |
//! | `follow` | redirects, [`HostGate`] |
//! | `wire`, `decode` | reading the body, undoing its encodings |
//! | `caching` | [`retry_after`], [`cache_lifetime`] (RFC 9110, RFC 9111) |
//! | `error` | [`FetchError`] |
//! | `metrics` | counters in the default Prometheus registry |

mod address;
mod caching;
mod client;
mod config;
mod decode;
mod error;
mod follow;
mod message;
mod metrics;
mod net;
mod resolve;
mod transport;
mod wire;

pub use address::is_forbidden;
pub use caching::{Freshness, MAX_RETRY_AFTER, cache_lifetime, retry_after};
pub use client::Client;
pub use config::{ConfigError, FetchConfig, ProxyUrl};
pub use error::{FetchError, GateError, Limited, TimeoutKind};
pub use follow::{HostGate, OpenGate};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method};
pub use message::{BodyProblem, Hop, Request, Response, host_of};
pub use net::{IpNet, IpNetError};
