//! What a request costs at 40,000 items: processor time of the whole process (Linux), and time on the clock.
//!
//! `cargo run --release -p carewire-portal --example portal-bench [ITEMS]`

#[allow(dead_code)]
#[path = "../tests/portal/support.rs"]
mod support;

use std::time::Instant;

use carewire_schemas::OutcomeState;

/// Requests of each kind.
const REQUESTS: u32 = 300;
/// Ticks of processor time in a second (`USER_HZ`, fixed on Linux).
const TICKS: f64 = 100.0;

#[tokio::main]
async fn main() {
    let items = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(40_000);
    let network = support::network().await;
    let filler = "Most people with diabetes can do this at home with a nurse's help. ".repeat(20);
    let start = Instant::now();
    for from in (0..items).step_by(1000) {
        let batch = (from..items.min(from + 1000)).map(|number| {
            let mut item =
                support::item(&network, number, &format!("Type 2 diabetes, part {number}"), OutcomeState::Curated);
            item.cleaned.html = format!("<p>{filler}</p>");
            item
        });
        network.put(batch.collect()).await;
    }
    println!("{items} items taken in and indexed in {:.1} s", start.elapsed().as_secs_f64());
    println!("{:40} {:>9} {:>9} {:>9}", "request", "CPU ms", "ms", "bytes");
    let first = network.get("/v1/items?limit=1").await.json();
    let id = first["items"][0]["id"].as_str().unwrap_or_default().to_owned();
    let one = format!("/items/{id}");
    for path in [
        "/v1/items?limit=100",
        "/v1/items?limit=100&condition=D003920",
        "/v1/items?limit=100&q=part",
        "/",
        "/conditions/D003924",
        &one,
    ] {
        let bytes = network.get(path).await.body.len();
        let (cpu, start) = (ticks(), Instant::now());
        for _ in 0..REQUESTS {
            assert!(network.get(path).await.status.is_success(), "{path}");
        }
        let each = |seconds: f64| seconds * 1000.0 / f64::from(REQUESTS);
        let shown: String = path.chars().take(40).collect();
        println!(
            "{shown:40} {:9.3} {:9.3} {bytes:9}",
            each((ticks() - cpu) / TICKS),
            each(start.elapsed().as_secs_f64())
        );
    }
}

/// Processor time of the process so far, user and system, in ticks (proc(5), fields 14 and 15 of `stat`).
fn ticks() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = after_name.split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum()
}
