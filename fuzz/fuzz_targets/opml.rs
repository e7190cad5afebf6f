//! See [`targets::opml`].

#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code)] // each program uses its own
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::opml(data));
