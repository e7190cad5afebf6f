//! Changes as lines of JSON and as server-sent events (WHATWG HTML, section 9.2): written once, shared by all clients.

use std::sync::OnceLock;

use bytes::Bytes;
use carewire_schemas::ChangeSeq;

use crate::matching::{Change, Kind, Value};

/// A change as JSON in one line, with its line break: `{"seq":…,"item":…,"state":…,"value":…}`. `state` is `curated`,
/// `withdrawn`, or `left` (then without `value`): the item answers the question no longer, for whatever reason.
pub fn line(change: &Change, kind: Kind) -> Vec<u8> {
    let (seq, item) = (change.row.seq, change.row.item);
    let told = |state: &str, value: &Value| {
        format!("{{\"seq\":{seq},\"item\":\"{item}\",\"state\":\"{state}\",\"value\":{}}}\n", value.json).into_bytes()
    };
    match (kind, &change.value) {
        (Kind::Added | Kind::Updated, Some(value)) => told("curated", value),
        (Kind::Removed, Some(value)) if !value.curated => told("withdrawn", value),
        _ => format!("{{\"seq\":{seq},\"item\":\"{item}\",\"state\":\"left\"}}\n").into_bytes(),
    }
}

/// A server-sent event. Without `id`, a client that is cut goes on from the last one that had one.
fn event(name: &str, id: Option<ChangeSeq>, data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(data.len() + 64);
    if let Some(id) = id {
        out.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    out.extend_from_slice(format!("event: {name}\ndata: ").as_bytes());
    out.extend_from_slice(data.trim_ascii_end());
    out.extend_from_slice(b"\n\n");
    out.into()
}

/// The event of a change.
pub fn frame(change: &Change, kind: Kind, with_id: bool) -> Bytes {
    let name = match kind {
        Kind::Added => "add",
        Kind::Updated => "update",
        Kind::Removed => "remove",
    };
    event(name, with_id.then_some(change.row.seq), &line(change, kind))
}

/// From here on the client has everything up to `position`, and hears of changes as they come.
pub fn synced(position: ChangeSeq) -> Bytes {
    event("synced", Some(position), format!("{{\"seq\":{position}}}").as_bytes())
}

/// Says that the stream is there, and moves `Last-Event-ID` without an event.
pub fn heartbeat(position: ChangeSeq) -> Bytes {
    format!(": here\nid: {position}\n\n").into()
}

/// The beginning: how long to wait before connecting again, in milliseconds.
pub fn opening(retry_ms: u32) -> Bytes {
    format!("retry: {retry_ms}\n\n").into()
}

/// A change that all streams of a process share, and its three events.
#[derive(Debug)]
pub struct Shared {
    pub change: Change,
    frames: [OnceLock<Bytes>; 3],
}

impl Shared {
    pub fn new(change: Change) -> Self {
        Self { change, frames: Default::default() }
    }

    /// The event, written when the first client needs it.
    pub fn frame(&self, kind: Kind) -> Bytes {
        self.frames[kind as usize].get_or_init(|| frame(&self.change, kind, true)).clone()
    }
}
