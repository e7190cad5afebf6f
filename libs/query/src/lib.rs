//! The query language, matching, search index, rendering of feeds
