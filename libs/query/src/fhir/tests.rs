//! Searches are understood as R4 says, and resources have what it asks for.

use carewire_conditions::Vocabulary;
use carewire_schemas::CuratedV1;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::*;

fn read(query: &str) -> Result<SearchRequest, FhirError> {
    SearchRequest::read(url::form_urlencoded::parse(query.as_bytes()), Handling::Lenient, Vocabulary::bundled())
}

/// The question in our own language; `-` where nothing can answer.
fn question(query: &str) -> String {
    read(query).expect(query).query.map_or_else(|| "-".to_owned(), |query| query.canonical())
}

#[test]
fn parameters_become_a_question() {
    let table = [
        ("", ""),
        ("category=http://hl7.org/fhir/sid/icd-10-cm|E11.9", "condition=D003924"),
        ("category=http://snomed.info/sct|44054006", "condition=D003924"),
        ("category=urn:oid:2.16.840.1.113883.6.177|D003924", "condition=D003924"),
        ("category=D003924,http://hl7.org/fhir/sid/icd-10-cm|J45", "condition=D001249,D003924"),
        ("category=D003924&category:not=|D001249", "condition=D003924&condition=-D001249"),
        ("category:below=D003924", "condition=D003924"),
        ("category=http://loinc.org|3187-2", "-"),
        ("category=nonsense", "-"),
        ("category:not=nonsense", ""),
        ("type=video&language=es", "kind=video&language=es"),
        ("type=https://net.example/fhir/CodeSystem/kind|video", "kind=video"),
        ("_content=insulin", "q=insulin"),
        ("date=ge2026-11-01&date=lt2026-12", "since=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z"),
        ("date=2026", "since=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z"),
        ("date=gt2026-11-01&date=lt2026-11-01", "-"),
        ("status=current", ""),
        ("status=superseded", "-"),
        ("patient=17&foo=bar", ""),
        ("_id=x", "-"),
    ];
    for (query, expected) in table {
        assert_eq!(question(query), expected, "{query}");
    }
    let updated = read("_lastUpdated=ge2026-11-01T08:00:00Z&_lastUpdated=le2026-11-02&_count=5").expect("good");
    let at = |text: &str| text.parse::<Timestamp>().expect("an instant").as_millisecond();
    assert_eq!(
        (updated.updated.from, updated.updated.to, updated.count),
        (Some(at("2026-11-01T08:00:00Z")), Some(at("2026-11-03T00:00:00Z")), 5)
    );
    assert!(read("_summary=count").expect("good").count_only);
}

#[test]
fn what_cannot_be_asked_is_said() {
    for (query, code) in [
        ("category:in=D003924", "not-supported"),
        ("category=http://snomed.info/sct|", "not-supported"),
        ("date=yesterday", "invalid"),
        ("_lastUpdated=zz2026", "invalid"),
        ("_count=many", "invalid"),
        ("type=book", "invalid"),
        ("language=12", "invalid"),
        ("_format=xml", "not-supported"),
        ("_after=x", "invalid"),
    ] {
        assert_eq!(read(query).expect_err(query).code, code, "{query}");
    }
    let strict = SearchRequest::read([("patient", "17")], Handling::Strict, Vocabulary::bundled());
    assert_eq!(strict.expect_err("unknown").code, "not-supported");
}

#[test]
fn the_own_address_shows_what_was_used() {
    let request = read("foo=bar&category=D003924&_format=json&_after=f12").expect("good");
    assert_eq!(
        request.address("https://net.example/", None),
        "https://net.example/fhir/DocumentReference?category=D003924"
    );
    let next = request.address("https://net.example/", Some(crate::Cursor::First(9)));
    assert_eq!(next, "https://net.example/fhir/DocumentReference?category=D003924&_count=20&_after=f9");
    let again = read(next.split_once('?').expect("a query").1).expect("good");
    assert_eq!((again.query, again.after), (request.query, Some(crate::Cursor::First(9))));
}

fn item() -> CuratedV1 {
    serde_json::from_value(json!({
        "id": Uuid::from_u128(5), "version": 3, "state": "curated", "title": "Sugar & you", "language": "en",
        "url": "https://clinic.example/a", "published": "2026-11-01T08:00:00Z", "kind": "video",
        "updated": "2026-11-02T08:00:00.123Z", "story": Uuid::nil(),
        "media": [{"url": "https://clinic.example/a.mp4", "kind": "video", "mime": "video/mp4"}],
        "conditions": [{"code": "D003924", "name": "Type 2 diabetes", "role": "about", "score": 0.9, "negated": false,
            "qualifier": null, "topic": false, "evidence": []}],
        "sources": [{"slug": "clinic", "name": "The Clinic", "url": "https://clinic.example/a"}],
    }))
    .expect("an item")
}

#[test]
fn resources_are_as_fhir_has_them() {
    let (items, vocabulary) = ([item()], Vocabulary::bundled());
    let bundle = Bundle {
        base: "https://net.example/",
        items: &items,
        total: Some(1),
        own: "https://net.example/fhir/DocumentReference",
        next: None,
        count_only: false,
        now: "2026-11-03T10:00:00Z".parse().expect("an instant"),
    };
    let json = bundle.json(vocabulary);
    insta::assert_json_snapshot!("bundle", json);
    let resource = &json["entry"][0]["resource"];
    assert!(resource.get("description").is_none(), "FHIR knows no empty strings");
    let codings = resource["category"][0]["coding"].as_array().expect("codings");
    for (system, code) in [("urn:oid:2.16.840.1.113883.6.177", "D003924"), ("http://hl7.org/fhir/sid/icd-10-cm", "E11")]
    {
        assert!(codings.iter().any(|one| one["system"] == system && one["code"] == code), "{system}|{code}");
    }
    let statement = capability_statement("https://net.example/", "Carewire", "1", bundle.now);
    insta::assert_json_snapshot!("capability_statement", statement);
    assert_eq!(outcome("invalid", "date: no")["issue"][0]["diagnostics"], "date: no");
}
