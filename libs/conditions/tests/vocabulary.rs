//! The committed vocabulary: look-up by code and name, parents, suggestions.

use carewire_conditions::{ConditionCode, NameKind, Vocabulary};

fn code(text: &str) -> ConditionCode {
    ConditionCode(text.to_owned())
}

#[test]
fn codes_of_any_system_resolve() {
    let vocabulary = Vocabulary::bundled();
    for (asked, wanted) in [
        ("D003924", Some("D003924")),
        ("d003924", Some("D003924")),
        ("mesh:D003924", Some("D003924")),
        ("icd10cm:E11", Some("D003924")),
        ("ICD10CM:E11.9", Some("D003924")),
        ("icd10cm:E119", Some("D003924")),
        ("icd10cm:E11.65", Some("D003924")),
        ("doid:9352", Some("D003924")),
        ("DOID:9352", Some("D003924")),
        ("umls:C0011860", Some("D003924")),
        ("snomedct:44054006", Some("D003924")),
        ("icd10cm:I10", Some("D000075222")),
        ("icd10cm:J45.909", Some("D001249")),
        ("umls:C0006142", Some("D001943")),
        ("icd10cm:ZZZ", None),
        ("icd10cm:", None),
        ("icd10cm:é", None),
        ("nothing:1", None),
        (":", None),
        ("", None),
    ] {
        assert_eq!(vocabulary.resolve(asked).as_ref().map(ConditionCode::as_str), wanted, "{asked}");
    }
    assert_eq!(vocabulary.resolve(&"9".repeat(1000)), None);
}

#[test]
fn every_code_of_another_system_resolves_to_a_condition() {
    let vocabulary = Vocabulary::bundled();
    for condition in vocabulary.iter() {
        assert_eq!(vocabulary.resolve(condition.code().as_str()).as_ref(), Some(condition.code()));
        assert!(!condition.name().is_empty(), "{}", condition.code());
        for (system, xref) in condition.xrefs() {
            assert!(vocabulary.resolve(&format!("{system}:{xref}")).is_some(), "{system}:{xref}");
        }
    }
}

#[test]
fn diabetes_holds_its_kinds() {
    let vocabulary = Vocabulary::bundled();
    let diabetes = code("D003920");
    for kind in ["D003920", "D003922", "D003924", "D016640"] {
        assert!(vocabulary.is_within(&code(kind), &diabetes), "{kind}");
        assert!(vocabulary.descendants(&diabetes).any(|c| c.as_str() == kind), "{kind}");
        assert!(vocabulary.ancestors(&code(kind)).any(|c| *c == diabetes), "{kind}");
    }
    assert!(!vocabulary.is_within(&diabetes, &code("D003924")));
    assert!(!vocabulary.is_within(&code("D001249"), &diabetes));
    assert_eq!(vocabulary.ancestors(&code("nothing")).count(), 0);
    let condition = vocabulary.get(&code("D003924")).expect("type 2 diabetes is there");
    assert!(condition.parents().any(|p| *p.code() == diabetes));
    assert!(vocabulary.get(&diabetes).expect("diabetes is there").children().any(|c| c.code().as_str() == "D003924"));
    assert!(condition.tree_numbers().any(|t| t.starts_with("C18.452.394.750")));
}

#[test]
fn names_are_found() {
    let vocabulary = Vocabulary::bundled();
    for (name, wanted) in [
        ("heart attack", "D009203"),
        ("Heart Attack", "D009203"),
        ("lung cancer", "D008175"),
        ("traumatic brain injury", "D000070642"),
        ("stroke", "D020521"),
        ("high blood pressure", "D006973"),
        ("sugar diabetes", "D003920"),
        ("Type 2 Diabetes Mellitus", "D003924"),
        ("Diabetes Mellitus, Type 2", "D003924"),
        ("presión alta", "D006973"),
        ("Vaccination", "D014611"),
    ] {
        assert_eq!(vocabulary.by_name(name).as_ref().map(ConditionCode::as_str), Some(wanted), "{name}");
    }
    assert_eq!(vocabulary.by_name("no such name at all"), None);
    let hits = vocabulary.find_names("heart att", 5);
    assert_eq!(hits[0].code.as_str(), "D009203");
    let hits = vocabulary.find_names("PRESION", 3);
    assert!(hits.iter().any(|h| h.code.as_str() == "D006973"), "{hits:?}");
    assert_eq!(vocabulary.find_names("", 5), []);
    assert_eq!(vocabulary.find_names("a", 7).len(), 7);
}

#[test]
fn sizes_and_kinds() {
    let vocabulary = Vocabulary::bundled();
    assert!(vocabulary.iter().filter(|c| c.code().as_str().starts_with('D') && !c.topic()).count() >= 5_000);
    assert!(vocabulary.iter().filter(|c| c.topic()).count() >= 150);
    let lay = vocabulary.iter().flat_map(|c| c.names().collect::<Vec<_>>()).filter(|n| n.kind == NameKind::Lay);
    let (spanish, english): (Vec<_>, Vec<_>) = lay.partition(|n| n.language == "es");
    assert!(english.len() >= 600, "{}", english.len());
    assert!(spanish.len() >= 150, "{}", spanish.len());
    assert_eq!(vocabulary.version().len(), 16);
    assert_eq!(vocabulary.len(), vocabulary.iter().count());
}

#[test]
fn damaged_files_are_refused() {
    assert!(Vocabulary::decode(b"").is_err());
    assert!(Vocabulary::decode(b"no vocabulary").is_err());
}

#[test]
fn labels_are_plain() {
    let vocabulary = Vocabulary::bundled();
    for (code, language, label) in [
        ("D003924", None, "Type 2 diabetes"),
        ("D006973", Some("en-GB"), "High blood pressure"),
        ("D009203", None, "Heart attack"),
        ("D001943", None, "Breast cancer"),
        // Made by rule: turned round, common words small, names of people kept.
        ("D000075363", None, "Immunoglobulin light-chain amyloidosis"),
        ("D006349", None, "Heart valve disease"),
        ("D006816", None, "Huntington's disease"),
        ("D000163", None, "AIDS"),
        ("D013575", None, "Fainting"),
        ("D008582", None, "Aseptic meningitis"),
        // Own terms of a language; where there is none, English.
        ("D003924", Some("es"), "Diabetes tipo 2"),
        ("D006816", Some("ja"), "Huntington's disease"),
    ] {
        let condition = vocabulary.get(&ConditionCode(code.to_owned())).expect(code);
        assert_eq!(condition.label(language), label, "{code}");
    }
    let inverted =
        vocabulary.iter().filter(|c| c.code().as_str().starts_with('D') && c.label(None).contains(", ")).count();
    assert!(inverted < 30, "{inverted} labels are still turned round");
    assert!(vocabulary.iter().all(|c| !c.label(None).is_empty()));
}
