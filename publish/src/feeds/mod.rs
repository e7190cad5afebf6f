//! Feeds over HTTP.
