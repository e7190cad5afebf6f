//! The generated documents: a JSON Schema per event, and one AsyncAPI 3.0 document of all topics.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};
use serde_json::{Map, Value, json};

use crate::{
    curated::CuratedV1,
    dead_letter::DeadLetterV1,
    decision::DecisionV1,
    entry::EntryV1,
    item::ItemV1,
    tagged::TaggedV1,
    topics::{self, Kept},
};

/// An instant in JSON: RFC 3339 in UTC. Stands in for the time type in schemas.
pub struct DateTime;

impl JsonSchema for DateTime {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "DateTime".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

/// The JSON Schema of each event: topic name, event type, schema.
#[must_use]
pub fn schemas() -> Vec<(&'static str, &'static str, Value)> {
    topics::ALL
        .iter()
        .map(|topic| {
            let schema = match topic.name {
                topics::ENTRIES => schema_for!(EntryV1),
                topics::TAGGED => schema_for!(TaggedV1),
                topics::ITEMS => schema_for!(ItemV1),
                topics::DECISIONS => schema_for!(DecisionV1),
                topics::CURATED => schema_for!(CuratedV1),
                _ => schema_for!(DeadLetterV1),
            };
            (topic.name, topic.event_type, schema.to_value())
        })
        .collect()
}

fn kept(kept: Kept) -> Value {
    match kept {
        Kept::Time(time) => json!({"cleanup.policy": ["delete"], "retention.ms": millis(time)}),
        Kept::Compacted(tombstones) => {
            json!({"cleanup.policy": ["compact"], "delete.retention.ms": millis(tombstones)})
        }
        Kept::Forever => json!({"cleanup.policy": ["delete"], "retention.ms": -1}),
    }
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The AsyncAPI 3.0 document of all topics, for those who read them from Kafka.
#[must_use]
pub fn asyncapi() -> Value {
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    for (name, event_type, schema) in schemas() {
        let Some(topic) = topics::by_name(name) else { continue };
        messages.insert(
            event_type.to_owned(),
            json!({
                "name": event_type,
                "contentType": "application/json",
                "headers": {
                    "type": "object",
                    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time"],
                    "properties": {
                        "ce_specversion": {"const": "1.0"},
                        "ce_id": {"type": "string"},
                        "ce_type": {"const": event_type},
                        "ce_source": {"type": "string"},
                        "ce_subject": {"type": "string", "description": topic.key},
                        "ce_time": {"type": "string", "format": "date-time"},
                        "traceparent": {"type": "string"},
                    },
                },
                "payload": {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": schema},
                "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": "0.5.0"}},
            }),
        );
        channels.insert(
            name.to_owned(),
            json!({
                "address": name,
                "description": topic.description,
                "messages": {event_type: {"$ref": format!("#/components/messages/{event_type}")}},
                "bindings": {"kafka": {"topicConfiguration": kept(topic.kept), "bindingVersion": "0.5.0"}},
            }),
        );
        operations.insert(
            format!("read {name}"),
            json!({"action": "receive", "channel": {"$ref": format!("#/channels/{name}")}}),
        );
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Carewire topics",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Events of the Carewire network: JSON with CloudEvents 1.0 attributes in the record's headers (Kafka binary mode).",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    })
}
