//! Tells on the terminal what happens in the demo.

use std::time::Instant;

use carewire_query::public;
use carewire_schemas::Role;
use carewire_store::{Changes, ItemState, Store};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{address, sample::Sample};

/// What to open, before anything happens.
pub fn welcome(base: &Url, sample: &Sample) {
    println!(
        "A network of {} sample organizations and {} video channels runs on this machine.\n\n\
         \x20 the network           {}\n\
         \x20 everything, as feed   {}\n\
         \x20 about diabetes        {}\n\
         \x20 search                {}\n\
         \x20 the API               {}\n\n\
         Subscribe to a feed in your reader and watch. Ctrl-C ends the demo; it keeps nothing.\n",
        sample.organization.len(),
        sample.channel.len(),
        address(base, "/"),
        address(base, "/feeds/all.atom"),
        address(base, "/feeds/conditions/D003920.atom"),
        address(base, "/search?q=heart+attack"),
        address(base, "/docs"),
    );
}

/// Prints each change of the public state until `stop`.
pub async fn follow(store: Store, started: Instant, stop: CancellationToken) {
    let mut sequence = store.sequence();
    let mut cursor = 0;
    loop {
        sequence.borrow_and_update();
        match store.changes(cursor, 200).await {
            Ok(Changes::Rows(rows)) => {
                for change in rows {
                    cursor = change.seq;
                    if let Ok(Some(row)) = store.item(change.item).await {
                        println!("{}", line(&row, change.before.is_some(), change.after.is_some(), started));
                    }
                }
            }
            Ok(Changes::TooOld) => return,
            Err(error) => tracing::debug!(%error, "the narrator waits"),
        }
        tokio::select! {
            changed = sequence.changed() => if changed.is_err() { return },
            () = stop.cancelled() => return,
        }
    }
}

fn line(row: &carewire_store::ItemRow, was_public: bool, is_public: bool, started: Instant) -> String {
    let seconds = started.elapsed().as_secs_f32();
    let what = match (was_public, is_public) {
        (false, _) => "new      ",
        (true, true) => "changed  ",
        (true, false) => "withdrawn",
    };
    let Ok(content) = public::content(row) else { return format!("{seconds:6.1}s  {what}  {}", row.id) };
    let conditions: Vec<&str> =
        content.conditions.iter().filter(|tag| tag.role == Role::About).map(|tag| tag.name.as_str()).collect();
    let sources: Vec<&str> = content.sources.iter().map(|source| source.organization.name.as_str()).collect();
    let mut text = format!("{seconds:6.1}s  {what}  {}\n                    {}", content.title, sources.join(" + "));
    if !conditions.is_empty() {
        text.push_str(&format!("  ·  about {}", conditions.join(", ")));
    }
    if row.state != ItemState::Curated
        && let Ok(Some(form)) = public::withdrawal(row)
        && let Some(withdrawn) = form.withdrawn
    {
        text.push_str(&format!("  ·  {}", withdrawn.reason));
    }
    text
}
