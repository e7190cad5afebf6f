//! What an overlay adds to the vocabulary and takes from it.

use carewire_conditions::{
    ConditionCode, Document, Role, Tagger, Vocabulary,
    overlay::{self, Overlay, OverlayError},
};

static FILE: &[u8] = include_bytes!("../vocabulary/vocabulary.bin");

const OVERLAY: &str = r#"
version = "7"
[[name]]
name = "sugar trouble"
code = "icd10cm:E11"
[[name]]
name = "leg wrap"
code = "D014648"
kind = "proxy"
[[condition]]
code = "local:carer-burnout"
name = "Burn-out of carers"
names = ["tired carer"]
parents = ["D001523"]
[[not]]
name = "shingles"
[[not]]
name = "flu shot"
code = "D007251"
"#;

fn with(text: &str) -> Result<Vocabulary, OverlayError> {
    let overlay: Overlay = toml::from_str(text)?;
    Vocabulary::decode(FILE)?.with_overlay(&overlay, &overlay.version)
}

#[test]
fn an_overlay_adds_and_takes_away() {
    let vocabulary: &'static Vocabulary = Box::leak(Box::new(with(OVERLAY).expect("a good overlay")));
    let tagger = Tagger::new(vocabulary);
    let about = |title: &str| -> Vec<String> {
        let tags = tagger.tag(&Document { title, text: "", language: Some("en"), categories: &[] });
        tags.into_iter().filter(|t| t.role == Role::About && !t.topic).map(|t| t.code.0).collect()
    };
    assert_eq!(about("My sugar trouble"), ["D003924"]);
    assert_eq!(about("A new leg wrap"), ["D014648"]);
    assert_eq!(about("Help for the tired carer"), ["local:carer-burnout"]);
    assert_eq!(about("Roofers lay shingles"), [""; 0]);
    assert_eq!(about("Get your flu shot"), [""; 0]);
    // The rest is as it was.
    assert_eq!(about("Type 1 diabetes and the flu"), ["D003922", "D007251"]);

    let own = ConditionCode("local:carer-burnout".to_owned());
    let condition = vocabulary.get(&own).expect("the overlay's condition");
    assert_eq!((condition.name(), condition.label(None).as_ref()), ("Burn-out of carers", "Burn-out of carers"));
    assert!(vocabulary.is_within(&own, &ConditionCode("D001523".to_owned())));
    assert_eq!(vocabulary.resolve("LOCAL:carer-burnout"), Some(own.clone()));
    assert_eq!(vocabulary.by_name("burn-out of carers"), Some(own));
    assert!(vocabulary.find_names("sugar tr", 5).iter().any(|hit| hit.code.as_str() == "D003924"));
    let diabetes = vocabulary.get(&ConditionCode("D003924".to_owned())).expect("diabetes");
    assert!(diabetes.names().any(|name| name.text == "sugar trouble"));
    // The version says which overlay it is.
    let bare = Vocabulary::decode(FILE).expect("the committed file");
    assert_eq!(vocabulary.version(), format!("{}+7", bare.version()));
}

#[test]
fn bad_overlays_are_refused() {
    for text in [
        "",
        "version = 1",
        "version = \"1\"\nnames = 1",
        "version = \"1\"\n[[name]]\nname = \"x\"\ncode = \"D999999\"",
        "version = \"1\"\n[[name]]\nname = \"...\"\ncode = \"D003920\"",
        "version = \"1\"\n[[condition]]\ncode = \"D003920\"\nname = \"x\"",
        "version = \"1\"\n[[condition]]\ncode = \"local:a\"\nname = \"a a\"\nparents = [\"local:b\"]",
        "version = \"1\"\n[[not]]\nname = \"cold\"\ncode = \"nonsense\"",
    ] {
        assert!(with(text).is_err(), "{text}");
    }
}

/// The only test here that touches the process's own vocabulary.
#[test]
fn an_overlay_is_installed_once_and_early() {
    overlay::install("version = \"a\"\n[[name]]\nname = \"zuckerle\"\ncode = \"D003920\"").expect("a good overlay");
    assert!(Vocabulary::bundled().version().contains("+a-"), "{}", Vocabulary::bundled().version());
    let document = Document { title: "Living with zuckerle", text: "", language: Some("en"), categories: &[] };
    assert_eq!(Tagger::bundled().tag(&document)[0].code.as_str(), "D003920");
    assert!(matches!(overlay::install("version = \"b\""), Err(OverlayError::TooLate)));
}
