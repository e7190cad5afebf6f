//! The fuzz targets of `fuzz/` on the stable compiler: over their corpus and the samples, and over thousands of changed copies of
//! these, the same at each run. `CAREWIRE_FUZZ_ROUNDS` sets how many copies of each target's files (3,000 without it).

#[path = "../../../fuzz/targets.rs"]
mod targets;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Pieces that mean something to one of the readers.
const TOKENS: [&[u8]; 44] = [
    b"<",
    b">",
    b"</",
    b"/>",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?xml",
    b"?>",
    b"<!DOCTYPE x [<!ENTITY a \"b\">]>",
    b"&",
    b"&amp;",
    b"&#x0;",
    b"&#1114112;",
    b"\"",
    b"'",
    b"=",
    b" xmlns=\"http://www.w3.org/2005/Atom\"",
    b" xml:base=\"../\"",
    b" xml:lang=\"en\"",
    b"<item>",
    b"</item>",
    b"<entry>",
    b"<title>",
    b"</title>",
    b"<link href=\"/a\"/>",
    b"<content type=\"xhtml\">",
    b"<media:group>",
    b"<outline xmlUrl=\"a.example\">",
    b"<url><loc>https://clinic.example/x</loc>",
    b"<script type=\"application/ld+json\">",
    b"</script>",
    b"{\"@type\":\"Article\"}",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\xFF\xFE",
    b"\xC3\xA2\xE2\x82\xAC\xE2\x84\xA2",
    b"\0",
    b"2026-01-02T03:04:05Z",
    b"Disallow: /*$",
    b"-99999999999",
];

/// A generator that gives the same numbers everywhere (Marsaglia's xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let n = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        usize::try_from(n).unwrap_or(0) % end.max(1)
    }
}

/// A changed copy of one file, with up to eight changes.
fn changed(files: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = files[numbers.below(files.len())].clone();
    for _ in 0..=numbers.below(8) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(64)).min(bytes.len());
        match numbers.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => {
                let token = TOKENS[numbers.below(TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            4 => {
                let token = TOKENS[numbers.below(TOKENS.len())];
                bytes.splice(at..end, token.iter().copied());
            }
            5 => {
                let other = &files[numbers.below(files.len())];
                let from = numbers.below(other.len() + 1);
                let to = (from + numbers.below(400)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            _ => {
                let value = u8::try_from(numbers.below(256)).unwrap_or(0);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
        }
        bytes.truncate(64 << 10);
    }
    bytes
}

/// The corpus of a target, and further folders of this crate.
fn files(target: &str, more: &[&str]) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![root.join("../../fuzz/corpus").join(target)];
    folders.extend(more.iter().map(|folder| root.join("tests").join(folder)));
    let mut paths: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())))
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    let files: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).expect("a file")).collect();
    assert!(!files.is_empty(), "{target} has no corpus");
    files
}

/// Runs a target over its files and changed copies; an input that makes it fail, or takes it long, is kept and named.
fn run(name: &str, more: &[&str], target: fn(&[u8])) {
    let rounds = std::env::var("CAREWIRE_FUZZ_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_000);
    let files = files(name, more);
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let copies: Vec<Vec<u8>> = (0..rounds).map(|_| changed(&files, &mut numbers)).collect();
    for bytes in files.iter().chain(&copies) {
        let started = Instant::now();
        let outcome = std::panic::catch_unwind(|| target(bytes));
        let took = started.elapsed();
        if outcome.is_err() || took > Duration::from_secs(5) {
            let kept = std::env::temp_dir().join(format!("carewire-fuzz-{name}"));
            std::fs::write(&kept, bytes).expect("a temporary file");
            panic!("{name} fails, or takes {took:?}, on {} bytes, kept in {}", bytes.len(), kept.display());
        }
    }
}

#[test]
fn decode() {
    run("decode", &["samples"], targets::decode);
}

#[test]
fn parse() {
    run("parse", &["samples"], targets::parse);
}

#[test]
fn dates() {
    run("dates", &[], targets::dates);
}

#[test]
fn html() {
    run("html", &["pages"], targets::html);
}

#[test]
fn opml() {
    run("opml", &[], targets::opml);
}

#[test]
fn sitemap() {
    run("sitemap", &["samples"], targets::sitemap);
}

#[test]
fn robots() {
    run("robots", &[], targets::robots);
}
