//! Compares what the demo put out with what the sample put in, over HTTP, as a subscriber sees it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use carewire_feeds::Parsed;
use carewire_fetch::{Client, FetchConfig, OpenGate, Request, Response};
use serde::Serialize;
use url::Url;

use super::{address, sample::Sample};

/// What was looked at, and whether it was as it should be.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Everything was.
    pub ok: bool,
    /// Items in the output.
    pub items: usize,
    /// Each look.
    pub checks: Vec<Check>,
}

/// One look.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What should be.
    pub name: &'static str,
    /// Whether it is.
    pub ok: bool,
    /// What is.
    pub detail: String,
}

impl Report {
    /// Prints it.
    ///
    /// # Errors
    /// Never for this type.
    pub fn print(&self, json: bool) -> Result<()> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        println!("\n{} items came out.", self.items);
        for check in &self.checks {
            println!("{}  {}  ({})", if check.ok { "ok    " } else { "FAILED" }, check.name, check.detail);
        }
        Ok(())
    }
}

/// Fetches the outputs and looks at them.
///
/// # Errors
/// When an output cannot be fetched at all.
pub async fn outputs(base: &Url, fetch: &FetchConfig, sample: &Sample) -> Result<Report> {
    let client = Client::new(fetch)?;
    let atom = feed(&client, base, "/feeds/all.atom").await?;
    let mut checks = Vec::new();
    let mut check = |name, ok, detail: String| checks.push(Check { name, ok, detail });

    let expected = expected_titles(sample);
    let got: BTreeMap<String, usize> = titles(&atom).into_iter().fold(BTreeMap::new(), |mut count, title| {
        *count.entry(title).or_default() += 1;
        count
    });
    let missing: Vec<&String> = expected.iter().filter(|title| !got.contains_key(*title)).collect();
    let surplus: Vec<&String> =
        got.iter().filter(|(title, count)| **count > 1 || !expected.contains(*title)).map(|(title, _)| title).collect();
    check(
        "every entry of accepted organizations is in the feed, exactly once",
        missing.is_empty() && surplus.is_empty(),
        format!("{} expected, missing {missing:?}, surplus {surplus:?}", expected.len()),
    );

    let rss = titles(&feed(&client, base, "/feeds/all.rss").await?);
    let json = titles(&feed(&client, base, "/feeds/all.json").await?);
    let (a, b, c): (BTreeSet<_>, BTreeSet<_>, BTreeSet<_>) =
        (got.keys().cloned().collect(), rss.into_iter().collect(), json.into_iter().collect());
    check(
        "Atom, RSS and JSON Feed say the same",
        a == b && b == c,
        format!("{}, {} and {} items", a.len(), b.len(), c.len()),
    );

    let copies = api(&client, base, "/v1/items?q=inhaler&limit=10").await?;
    let sources = copies["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| item["sources"].as_array().map_or(0, Vec::len))
        .max()
        .unwrap_or(0);
    check(
        "the same text of two organizations is one item with both as sources",
        sources == 2,
        format!("{sources} sources"),
    );

    let diabetes = titles(&feed(&client, base, "/feeds/conditions/D003920.atom").await?);
    let found = [
        "Newly diagnosed with type 2 diabetes: your first week",
        "Diabetes tipo 2: comer rico con poco dinero",
        "School trips with an insulin pump",
    ];
    let lacking: Vec<_> = found.iter().filter(|title| !diabetes.iter().any(|got| got == *title)).collect();
    check(
        "the diabetes feed holds its narrower conditions, in two languages",
        lacking.is_empty(),
        format!("{} items, lacking {lacking:?}", diabetes.len()),
    );

    let lay = api(&client, base, "/v1/items?q=heart+attack&limit=50").await?;
    let lay = lay["items"].as_array().map_or(0, Vec::len);
    check("a search for `heart attack` finds something", lay > 0, format!("{lay} items"));

    let plan = api(&client, base, "/v1/items?q=pollen&limit=10").await?;
    let corrected = plan["items"].to_string().contains("Correction:");
    check("a correction has reached the output", corrected, format!("asthma plan corrected: {corrected}"));

    let deleted = atom.deleted.len();
    let recalled = got.keys().any(|title| title.starts_with("Metformin"));
    check(
        "what was withdrawn has left the feed and left a withdrawal",
        !recalled && deleted == 1,
        format!("{deleted} deleted-entry, still listed: {recalled}"),
    );

    let held = got.keys().any(|title| title.starts_with("Osteoarthritis"));
    check("the organization that is not accepted is not in the feed", !held, format!("listed: {held}"));

    let again = conditional(&client, base, "/feeds/all.atom").await?;
    check("an unchanged feed answers 304", again == 304, format!("status {again}"));

    let ok = checks.iter().all(|check| check.ok);
    Ok(Report { ok, items: got.values().sum(), checks })
}

fn expected_titles(sample: &Sample) -> BTreeSet<String> {
    let entries = sample
        .organization
        .iter()
        .filter(|organization| !organization.applied)
        .flat_map(|organization| &organization.entry);
    let entries = entries
        // The copy joins the item of the one who had it first.
        .filter(|entry| entry.withdrawn_after.is_none() && entry.id != "asthma-copy")
        .map(|entry| entry.title.clone());
    let videos = sample.channel.iter().flat_map(|channel| &channel.video).map(|video| video.title.clone());
    entries.chain(videos).collect()
}

fn titles(parsed: &Parsed) -> Vec<String> {
    let report = carewire_feeds::report(parsed);
    report["entries"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["title"].as_str().map(str::to_owned))
        .collect()
}

async fn get(client: &Client, base: &Url, path: &str) -> Result<Response> {
    let url = Url::parse(&address(base, path))?;
    let response = client
        .follow(Request::get(url.clone()), &OpenGate)
        .await
        .with_context(|| format!("{url} cannot be fetched"))?;
    anyhow::ensure!(response.status == 200, "{url} answered with status {}", response.status);
    Ok(response)
}

async fn feed(client: &Client, base: &Url, path: &str) -> Result<Parsed> {
    let response = get(client, base, path).await?;
    let content_type = response.headers.get("content-type").and_then(|value| value.to_str().ok());
    Ok(carewire_feeds::parse(
        &response.body,
        &carewire_feeds::Context { content_type, url: Some(&response.url), ..Default::default() },
    ))
}

async fn api(client: &Client, base: &Url, path: &str) -> Result<serde_json::Value> {
    Ok(serde_json::from_slice(&get(client, base, path).await?.body)?)
}

async fn conditional(client: &Client, base: &Url, path: &str) -> Result<u16> {
    let first = get(client, base, path).await?;
    let mut request = Request::get(Url::parse(&address(base, path))?);
    request.etag = first.headers.get("etag").and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(client.follow(request, &OpenGate).await?.status)
}
