//! Records into events.

use carewire_bus::Received;
use carewire_schemas::{EventHeaders, topics};
use serde::de::DeserializeOwned;

/// The event in a record of the topic `name`. Says why there is none: such a record can never be handled.
pub fn event<T: DeserializeOwned>(record: &Received, name: &str) -> Result<T, String> {
    let wanted = topics::by_name(name).map(|topic| topic.event_type).unwrap_or_default();
    let have = EventHeaders::type_of(record.headers.iter().map(|(name, value)| (name.as_str(), value.as_ref())));
    if have != Some(wanted) {
        return Err(format!("an event of the type `{}`, not `{wanted}`", have.unwrap_or("(none)")));
    }
    let value = record.value.as_deref().ok_or("a tombstone, which this topic has none of")?;
    serde_json::from_slice(value).map_err(|error| error.to_string())
}
