//! Prints the JSON report of a file: `cargo run --release -p carewire-feeds --example inspect FILE…`

use carewire_feeds::{Context, parse, report};

fn main() {
    let mut brief = false;
    for path in std::env::args().skip(1) {
        if path == "--brief" {
            brief = true;
            continue;
        }
        match std::fs::read(&path) {
            Ok(bytes) => {
                let parsed = parse(&bytes, &Context::default());
                if brief {
                    let codes: Vec<&str> = parsed.problems.iter().map(|p| p.code).collect();
                    println!(
                        "{path}\t{}\t{}\t{}\t{codes:?}",
                        parsed.format.name(),
                        parsed.entries.len(),
                        parsed.encoding
                    );
                } else {
                    println!("{:#}", report(&parsed));
                }
            }
            Err(e) => eprintln!("{path}: {e}"),
        }
    }
}
