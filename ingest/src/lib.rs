//! Ingest: schedule, fetch, read, emit
