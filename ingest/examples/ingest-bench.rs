//! What polling costs: CPU of this process alone, the publishers being another one. Real store (SQLite) and embedded bus.
//!
//! `cargo run --release -p carewire-ingest --example ingest-bench [FEEDS [HOSTS]]`: a first fetch, a round of 304s, a round of 200s with one
//! new entry each. `… ingest-bench rest [FEEDS]`: memory of a worker with so many feeds registered of which none is due.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use axum::{Router, extract::Path, http::HeaderMap, response::IntoResponse, routing::get};
use carewire_bus::{Bus, Cleanup, EmbeddedConfig, Health, TopicSpec};
use carewire_fetch::{Client, FetchConfig};
use carewire_ingest::{Ingest, IngestConfig};
use carewire_schemas::{Slug, topics};
use carewire_store::{FeedKind, NewFeed, NewOrganization, PollDone, Proof, Standing, Store, StoreConfig, Target};
use tokio_util::sync::CancellationToken;

const ENTRIES: usize = 40;

/// The publishers' part: feeds whose window moves on by one entry a round.
async fn serve() -> anyhow::Result<()> {
    static ROUND: AtomicUsize = AtomicUsize::new(0);
    let words = "health care news about diabetes, nutrition and exercise for patients and their families ".repeat(12);
    let words: &'static str = words.leak();
    let feed = move |Path(n): Path<usize>, headers: HeaderMap| async move {
        let round = ROUND.load(Ordering::Relaxed);
        let etag = format!("\"{round}\"");
        if headers.get("if-none-match").is_some_and(|sent| sent.as_bytes() == etag.as_bytes()) {
            return (axum::http::StatusCode::NOT_MODIFIED, [("etag", etag)]).into_response();
        }
        let mut body =
            format!("<rss version=\"2.0\"><channel><title>Feed {n}</title><link>https://example.org/{n}</link>");
        for entry in (round..round + ENTRIES).rev() {
            let (day, hour) = (1 + (entry / 24) % 28, entry % 24);
            body.push_str(&format!(
                "<item><guid>https://example.org/{n}/{entry}</guid><link>https://example.org/{n}/{entry}</link><title>Entry {entry} of feed {n}</title>\
                 <pubDate>{day:02} Oct 2026 {hour:02}:00:00 GMT</pubDate><description>{words}{n} {entry}</description></item>"
            ));
        }
        body.push_str("</channel></rss>");
        ([("etag", etag), ("content-type", "application/rss+xml".to_owned())], body).into_response()
    };
    let router = Router::new()
        .route("/feed/{n}", get(feed))
        .route("/round", get(|| async { ROUND.fetch_add(1, Ordering::Relaxed).to_string() }));
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await?;
    println!("{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, router).await?)
}

/// User and system time of this process (Linux: ticks of 10 ms in fields 14 and 15 of `/proc/self/stat`).
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(2);
    Duration::from_millis(10 * fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>())
}

/// Resident memory now and at its highest, in MiB (Linux: `VmRSS` and `VmHWM` of `/proc/self/status`).
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()
    };
    (of("VmRSS:").unwrap_or_default() / 1024, of("VmHWM:").unwrap_or_default() / 1024)
}

/// An address of its own for each host; all of them are this machine.
fn host(n: usize) -> String {
    format!("127.0.{}.{}", 1 + n / 250, 2 + n % 250)
}

/// Polls that ended, as the worker's own metric counts them.
fn ended() -> f64 {
    let families = prometheus::gather();
    let polls = families.iter().filter(|family| family.name() == "carewire_ingest_polls_total");
    polls.flat_map(|family| family.get_metric()).map(|metric| metric.get_counter().get_value()).sum()
}

struct Bench {
    store: Store,
    bus: Bus,
    client: Client,
    feeds: usize,
}

impl Bench {
    /// Runs a worker until every feed was polled once more, and prints what that cost.
    async fn round(&self, name: &str) -> anyhow::Result<()> {
        let (before, cpu_before, started) = (ended(), cpu(), Instant::now());
        let stop = CancellationToken::new();
        let (store, bus, client) = (self.store.clone(), self.bus.clone(), self.client.clone());
        let deps = Ingest { store, bus, client, config: IngestConfig::default(), health: Health::new("ingest") };
        let worker = tokio::spawn(carewire_ingest::run(deps, stop.clone()));
        while ended() - before < self.feeds as f64 && !worker.is_finished() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        worker.await??;
        let (cpu, wall, feeds) =
            ((cpu() - cpu_before).as_secs_f64(), started.elapsed().as_secs_f64(), self.feeds as f64);
        let (now, most) = memory();
        println!(
            "{name:<28} {:>9.3} ms CPU a feed {:>9.0} feeds/s {now:>6} MiB, {most} MiB at most",
            cpu * 1e3 / feeds,
            feeds / wall
        );
        Ok(())
    }

    async fn all_due(&self) -> anyhow::Result<()> {
        let mut after = None;
        loop {
            let feeds = self.store.feeds(&carewire_store::FeedFilter::default(), after, 1000).await?;
            let Some(last) = feeds.last() else { return Ok(()) };
            after = Some(last.id);
            for feed in feeds {
                anyhow::ensure!(feed.last_error.is_none(), "{}: {:?}", feed.url, feed.last_error);
                self.store.poll_now(feed.id).await?;
            }
        }
    }
}

/// What a worker holds in memory when nothing is due.
async fn at_rest(store: Store, bus: Bus, client: Client, feeds: usize) -> anyhow::Result<()> {
    let day = Duration::from_secs(24 * 3600);
    loop {
        let claims = store.claim_hosts(uuid::Uuid::new_v4(), 256, 64, day).await?;
        if claims.is_empty() {
            break;
        }
        let now = jiff::Timestamp::now();
        let done = claims.iter().flat_map(|claim| &claim.feeds);
        let done = done.map(|feed| PollDone { next_poll: now + day, ..PollDone::of(feed, now) }).collect();
        store.finish_polls(done).await?;
        for claim in &claims {
            store.release_host(&claim.lease).await?;
        }
    }
    let (before, cpu_before) = (memory().0, cpu());
    let stop = CancellationToken::new();
    let deps = Ingest { store, bus, client, config: IngestConfig::default(), health: Health::new("ingest") };
    let worker = tokio::spawn(carewire_ingest::run(deps, stop.clone()));
    let watched = Duration::from_secs(20);
    tokio::time::sleep(watched).await;
    let (now, _) = memory();
    let busy = (cpu() - cpu_before).as_secs_f64() / watched.as_secs_f64();
    println!("{feeds} feeds at rest: {now} MiB (before the worker {before} MiB), {:.2} % of a core", busy * 100.0);
    stop.cancel();
    worker.await?
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let first = std::env::args().nth(1);
    if first.as_deref() == Some("serve") {
        return serve().await;
    }
    let rest = first.as_deref() == Some("rest");
    let number = |n: usize| std::env::args().nth(n).map(|text| text.parse::<usize>()).transpose();
    let feeds = if rest { number(2)?.unwrap_or(100_000) } else { number(1)?.unwrap_or(1000) };
    let hosts = if rest { feeds / 20 } else { number(2)?.unwrap_or(50) };
    let mut publishers = std::process::Command::new(std::env::current_exe()?)
        .arg("serve")
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let mut port = String::new();
    if let Some(out) = publishers.stdout.take() {
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut port)?;
    }
    let port = port.trim();
    let folder = tempfile::tempdir()?;
    let store = Store::open(&StoreConfig::new(Target::Sqlite(folder.path().join("network.db")))).await?;
    let bus = Bus::embedded(EmbeddedConfig::new(folder.path().join("log.db"))).await?;
    let entries = TopicSpec {
        name: topics::ENTRIES.to_owned(),
        partitions: 8,
        replication: 1,
        cleanup: Cleanup::Forever,
        max_record_bytes: topics::MAX_RECORD_BYTES,
    };
    bus.ensure_topics(&[entries]).await?;
    let fetch =
        FetchConfig { allow: vec!["127.0.0.0/8".parse()?], min_host_pause: Duration::ZERO, ..FetchConfig::default() };
    let client = Client::new(&fetch)?;
    let organization = NewOrganization {
        slug: Slug::new("bench")?,
        name: "Bench".to_owned(),
        site: None,
        country: None,
        kind: None,
        standing: Standing::Accepted,
    };
    let organization = store.add_organization(organization).await?.id;
    let new = (0..feeds).map(|n| {
        let host = if rest { format!("h{}.example", n % hosts) } else { host(n % hosts) };
        NewFeed {
            organization,
            url: format!("http://{host}:{port}/feed/{n}"),
            kind: FeedKind::Feed,
            title: None,
            site_url: None,
            host,
            proof: Proof::Vouched,
            interval_s: 1800,
        }
    });
    let new: Vec<NewFeed> = new.collect();
    for new in new.chunks(10_000) {
        for added in store.add_feeds(new.to_vec()).await? {
            added?;
        }
    }
    if rest {
        publishers.kill()?;
        publishers.wait()?;
        return at_rest(store, bus, client, feeds).await;
    }
    let round_url = format!("http://127.0.0.1:{port}/round").parse()?;
    let bench = Bench { store, bus, client: client.clone(), feeds };
    println!("{feeds} feeds of {ENTRIES} entries on {hosts} hosts");
    bench.round("first fetch").await?;
    bench.all_due().await?;
    bench.round("304").await?;
    client.send(carewire_fetch::Request::get(round_url)).await?;
    bench.all_due().await?;
    bench.round("one new entry").await?;
    publishers.kill()?;
    publishers.wait()?;
    Ok(())
}
