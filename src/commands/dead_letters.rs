//! `carewire dead-letters …`: what could not be handled, and sending it again.

use anyhow::{Context, Result, bail};
use carewire_bus::{Bus, Record};
use carewire_schemas::{
    DeadLetterV1,
    topics::{self, Kept},
};
use carewire_store::Store;
use serde::Serialize;

use super::{answer, open_store};
use crate::{cli::DeadLettersCommand, config::Config, engine};

/// Records read at a time.
const PAGE: usize = 200;

/// A dead letter with its place.
#[derive(Serialize)]
struct Letter {
    /// Partition and offset, joined by `-`.
    id: String,
    /// Whether it was sent again.
    sent_again: bool,
    #[serde(flatten)]
    letter: DeadLetterV1,
    #[serde(skip)]
    place: (i32, i64),
}

pub async fn run(config: Config, command: DeadLettersCommand) -> Result<()> {
    let (store, bus) = (open_store(&config).await?, engine::open_bus(&config).await?);
    match command {
        DeadLettersCommand::List { all, json } => {
            let letters = letters(&store, &bus, all).await?;
            answer(json, &letters, || {
                if letters.is_empty() {
                    return "no dead letters".to_owned();
                }
                letters.iter().map(line).collect::<Vec<_>>().join("\n")
            })
        }
        DeadLettersCommand::Show { id, json } => {
            let letter = find(letters(&store, &bus, true).await?, &id)?;
            answer(json, &letter, || show(&letter))
        }
        DeadLettersCommand::Retry { id, json, .. } => {
            let letters = match &id {
                Some(id) => vec![find(letters(&store, &bus, true).await?, id)?],
                None => letters(&store, &bus, false).await?,
            };
            let (mut sent, mut left) = (Vec::new(), Vec::new());
            for letter in letters {
                match send(&store, &bus, &letter).await {
                    Ok(()) => sent.push(letter.id),
                    // One was asked for: then this is the answer.
                    Err(error) if id.is_some() => return Err(error),
                    Err(error) => left.push(format!("{}: {error:#}", letter.id)),
                }
            }
            answer(json, &serde_json::json!({"sent": sent, "left": left}), || {
                let mut text = format!("{} sent again", sent.len());
                left.iter().for_each(|one| text.push_str(&format!("\nleft: {one}")));
                text
            })
        }
    }
}

/// All dead letters that the bus still keeps, by time; those that were sent again only with `all`.
async fn letters(store: &Store, bus: &Bus, all: bool) -> Result<Vec<Letter>> {
    let sent = store.dead_letters_sent().await?;
    let mut letters = Vec::new();
    for ends in bus.watermarks(topics::DEAD_LETTERS).await? {
        let mut offset = ends.low;
        while offset < ends.high {
            let records = bus.read(topics::DEAD_LETTERS, ends.partition, offset, PAGE).await?;
            let Some(last) = records.last() else { break };
            offset = last.offset + 1;
            for record in records {
                let place = (record.partition, record.offset);
                let sent_again = sent.contains(&place);
                let read = record.value.as_deref().map(serde_json::from_slice::<DeadLetterV1>);
                let Some(Ok(letter)) = read else { continue };
                if all || !sent_again {
                    letters.push(Letter { id: format!("{}-{}", place.0, place.1), sent_again, letter, place });
                }
            }
        }
    }
    letters.sort_by_key(|letter| (letter.letter.at, letter.place));
    Ok(letters)
}

fn find(letters: Vec<Letter>, id: &str) -> Result<Letter> {
    let found = letters.into_iter().find(|letter| letter.id == id);
    found.with_context(|| format!("there is no dead letter `{id}`; `carewire dead-letters list --all` shows all"))
}

fn line(letter: &Letter) -> String {
    let Letter { id, sent_again, letter, .. } = letter;
    let again = if *sent_again { "  (sent again)" } else { "" };
    format!("{id:<8} {}  {:<6} {}  {}  ! {}{again}", letter.at, letter.stage, letter.topic, letter.key, letter.error)
}

fn show(letter: &Letter) -> String {
    let value = letter.letter.value_bytes().unwrap_or_default();
    let mut text = line(letter);
    text.push_str(&format!("\nstood at {}/{}/{}", letter.letter.topic, letter.letter.partition, letter.letter.offset));
    for (name, value) in &letter.letter.headers {
        text.push_str(&format!("\n{name}: {value}"));
    }
    // What could not be read may be anything: control characters must not reach the terminal.
    let shown: String = String::from_utf8_lossy(&value).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.push_str(&format!("\n\n{shown}"));
    text
}

/// Sends a record again to where it stood.
async fn send(store: &Store, bus: &Bus, letter: &Letter) -> Result<()> {
    let DeadLetterV1 { topic, key, value, headers, .. } = &letter.letter;
    let known = topics::by_name(topic).with_context(|| format!("there is no topic `{topic}`"))?;
    if !matches!(known.kept, Kept::Time(_)) || known.name == topics::DEAD_LETTERS {
        bail!(
            "`{topic}` has one writer, and an old value must not win over a newer one: `carewire reclassify` makes what belongs there anew"
        );
    }
    let bytes = letter.letter.value_bytes();
    if bytes.is_none() && value.is_some() {
        bail!("its record cannot be read");
    }
    let headers = headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes().into())).collect();
    let record =
        Record { key: key.clone().into_bytes().into(), value: bytes.map(Into::into), headers, timestamp: None };
    bus.producer().send(topic, record).await?;
    store.dead_letter_sent(letter.place.0, letter.place.1).await?;
    Ok(())
}
