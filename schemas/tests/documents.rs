//! The committed documents are what the code says, and every golden event stays readable.

use std::{fs, path::Path};

use carewire_schemas::{CuratedV1, DeadLetterV1, DecisionV1, EntryV1, ItemV1, TaggedV1, document, topics};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// `UPDATE_GENERATED=1 cargo test -p carewire-schemas` writes the files anew.
fn assert_generated(name: &str, value: &Value) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("generated").join(name);
    let text = format!("{}\n", serde_json::to_string_pretty(value).unwrap());
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&file, text).unwrap();
        return;
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == text,
        "{} differs from the code: run UPDATE_GENERATED=1 cargo test --release -p carewire-schemas",
        file.display()
    );
}

#[test]
fn json_schemas_are_those_of_the_code() {
    for (_, event_type, schema) in document::schemas() {
        assert_generated(&format!("{event_type}.schema.json"), &schema);
    }
}

#[test]
fn asyncapi_is_that_of_the_code() {
    assert_generated("asyncapi.json", &document::asyncapi());
}

fn assert_golden<T: Serialize + DeserializeOwned>(name: &str) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut read = 0;
    for version in fs::read_dir(folder).unwrap() {
        let file = version.unwrap().path().join(name);
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let before: Value = serde_json::from_str(&text).unwrap();
        let event: T = serde_json::from_value(before.clone())
            .unwrap_or_else(|error| panic!("{} is no longer readable: {error}", file.display()));
        let after = serde_json::to_value(event).unwrap();
        assert_eq!(before, after, "{} does not survive reading and writing", file.display());
        read += 1;
    }
    read
}

#[test]
fn golden_events_of_every_version_stay_readable() {
    let read = [
        assert_golden::<EntryV1>("entry.json"),
        assert_golden::<TaggedV1>("tagged.json"),
        assert_golden::<ItemV1>("item.json"),
        assert_golden::<DecisionV1>("decision.json"),
        assert_golden::<CuratedV1>("curated.json"),
        assert_golden::<DeadLetterV1>("dead-letter.json"),
    ];
    assert!(read.iter().all(|&count| count >= 1), "a golden file is missing: {read:?}");
    assert_eq!(read.len(), topics::ALL.len(), "each topic has its golden event");
}

#[test]
fn required_fields_of_v1_do_not_grow() {
    // A consumer's old event lacks what was added later: only the fields of the golden files may be required.
    for (_, event_type, schema) in document::schemas() {
        let name = event_type.trim_start_matches("carewire.").trim_end_matches(".v1");
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/v1/{name}.json"));
        let golden: Value = serde_json::from_str(&fs::read_to_string(golden).unwrap()).unwrap();
        for required in schema["required"].as_array().into_iter().flatten() {
            let field = required.as_str().unwrap();
            assert!(golden.get(field).is_some(), "{event_type}: `{field}` is required but not in the golden event");
        }
    }
}
