//! `carewire parse`, `tag` and `cluster`: the pipeline's own code on files, without store or bus.

use std::{
    io::{self, BufRead, BufReader, BufWriter, Write},
    process::ExitCode,
};

use anyhow::{Context, Result};
use carewire_feeds::Parsed;
use carewire_fetch::{Client, Request};
use carewire_process::commands::{self, Lines};
use url::Url;

use super::{answer, bytes_of};
use crate::config::Config;

/// Ends with 1 when nothing that is a feed was found.
pub async fn parse(config: &Config, source: &str, json: bool) -> Result<ExitCode> {
    let parsed = match Url::parse(source) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => fetched(config, url).await?,
        _ => {
            let bytes = bytes_of(source)?;
            carewire_feeds::parse(&bytes, &carewire_feeds::Context::default())
        }
    };
    answer(json, &carewire_feeds::report(&parsed), || describe(&parsed))?;
    Ok(if parsed.format.is_feed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn fetched(config: &Config, url: Url) -> Result<Parsed> {
    let client = Client::new(&config.fetch)?;
    let response = client
        .follow(Request::get(url.clone()), &carewire_fetch::OpenGate)
        .await
        .with_context(|| format!("{url} cannot be fetched"))?;
    anyhow::ensure!((200..300).contains(&response.status), "{url} answered with status {}", response.status);
    let content_type = response.headers.get("content-type").and_then(|value| value.to_str().ok());
    let context = carewire_feeds::Context {
        content_type,
        url: Some(&response.url),
        content_language: response.headers.get("content-language").and_then(|value| value.to_str().ok()),
    };
    Ok(carewire_feeds::parse(&response.body, &context))
}

fn describe(parsed: &Parsed) -> String {
    let report = carewire_feeds::report(parsed);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let title = |entry: &serde_json::Value| match entry["made_title"].as_str() {
        Some(made) => format!("{made}  (made from its text)"),
        None => text(&entry["title"]),
    };
    let mut out = format!(
        "{} · {:?} · {} · {} entries",
        text(&report["feed"]["title"]),
        parsed.format,
        parsed.encoding,
        parsed.entries.len()
    );
    for entry in report["entries"].as_array().into_iter().flatten() {
        out.push_str(&format!(
            "\n{:<20}  {}\n{:<20}  {}",
            text(&entry["published"]),
            title(entry),
            "",
            text(&entry["url"])
        ));
    }
    for problem in &parsed.problems {
        out.push_str(&format!("\nproblem {}: {} ({})", problem.code, problem.message, problem.where_));
    }
    out
}

pub fn tag(source: &str) -> Result<ExitCode> {
    lines(source, commands::tag_lines)
}

pub fn cluster(source: &str) -> Result<ExitCode> {
    lines(source, commands::cluster_lines)
}

type LineFunction = fn(Box<dyn BufRead>, BufWriter<io::StdoutLock<'static>>, fn(String)) -> io::Result<Lines>;

/// Ends with 1 when a line was no record; the others are answered all the same.
fn lines(source: &str, function: LineFunction) -> Result<ExitCode> {
    let reader: Box<dyn BufRead> = if source == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::new(std::fs::File::open(source).with_context(|| format!("{source} cannot be read"))?))
    };
    let report: fn(String) = |problem| {
        let _ = writeln!(io::stderr(), "carewire: {problem}");
    };
    match function(reader, BufWriter::new(io::stdout().lock()), report) {
        Ok(lines) if lines.bad == 0 => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::FAILURE),
        // The reader of our pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error.into()),
    }
}
