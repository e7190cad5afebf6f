//! Publish: the sink and change log, feeds, search, the curated topic
