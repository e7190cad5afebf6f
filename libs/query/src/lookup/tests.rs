//! Requests as clients send them, and the answers' shape.

use carewire_conditions::Vocabulary;
use carewire_schemas::{Aspect, CuratedV1};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

fn read(query: &str) -> Result<LookupRequest, LookupError> {
    LookupRequest::read(url::form_urlencoded::parse(query.as_bytes()))
}

fn codes(query: &str) -> Vec<String> {
    let request = read(query).expect(query);
    request.conditions(Vocabulary::bundled()).iter().map(ToString::to_string).collect()
}

const ICD: &str = "mainSearchCriteria.v.cs=2.16.840.1.113883.6.90";

#[test]
fn codes_of_any_system_mean_conditions() {
    let table: &[(&str, &[&str])] = &[
        ("mainSearchCriteria.v.c=E11&mainSearchCriteria.v.cs=2.16.840.1.113883.6.90", &["D003924"]),
        ("mainSearchCriteria.v.c=E11.9&mainSearchCriteria.v.cs=ICD10CM", &["D003924"]),
        // No such code is listed: its nearest parent is.
        ("mainSearchCriteria.v.c=E11.98765&mainSearchCriteria.v.cs=2.16.840.1.113883.6.90", &["D003924"]),
        ("mainSearchCriteria.v.c=44054006&mainSearchCriteria.v.cs=2.16.840.1.113883.6.96", &["D003924"]),
        ("mainSearchCriteria.v.c=D003924&mainSearchCriteria.v.cs=2.16.840.1.113883.6.177", &["D003924"]),
        ("mainSearchCriteria.v.c=D003924&mainSearchCriteria.v.cs=MSH", &["D003924"]),
        ("mainSearchCriteria.v.c=D003924", &["D003924"]),
        ("mainSearchCriteria.v.dn=Heart attack", &["D009203"]),
        ("mainSearchCriteria.v.c=999&mainSearchCriteria.v.cs=made-up&mainSearchCriteria.v.dn=asthma", &["D001249"]),
        (
            "mainSearchCriteria.v.c=E11&mainSearchCriteria.v.cs=ICD10CM&mainSearchCriteria.v.c1=J45\
             &mainSearchCriteria.v.cs1=2.16.840.1.113883.6.90",
            &["D003924", "D001249"],
        ),
        (
            "mainSearchCriteria.v.c=E11&mainSearchCriteria.v.cs=ICD10CM&mainSearchCriteria.v.c=J45\
             &mainSearchCriteria.v.cs=ICD10CM",
            &["D003924", "D001249"],
        ),
        // Drugs, laboratory tests, procedures, and names of drugs.
        ("mainSearchCriteria.v.c=637188&mainSearchCriteria.v.cs=2.16.840.1.113883.6.88", &[]),
        ("mainSearchCriteria.v.cs=2.16.840.1.113883.6.69&mainSearchCriteria.v.dn=asthma inhaler", &[]),
        (
            "mainSearchCriteria.v.c=3187-2&mainSearchCriteria.v.cs=2.16.840.1.113883.6.1&mainSearchCriteria.v.dn=asthma",
            &[],
        ),
        ("mainSearchCriteria.v.c=99213&mainSearchCriteria.v.cs=2.16.840.1.113883.6.12", &[]),
        ("mainSearchCriteria.v.c=Z99.999&mainSearchCriteria.v.cs=2.16.840.1.113883.6.90&performer=PAT", &[]),
    ];
    for (query, expected) in table {
        assert_eq!(&codes(query), expected, "{query}");
    }
}

#[test]
fn the_context_is_read() {
    let request = read(&format!(
        "mainSearchCriteria.v.c=E11&{ICD}&informationRecipient.languageCode.c=sp&informationRecipient=PROV&age.v.v=18\
         &age.v.u=mo&subTopic.v.c=Q000628&knowledgeResponseType=application/json&taskContext.c.c=PROBLISTREV"
    ))
    .expect("a good request");
    assert_eq!(
        (request.language.as_str(), request.recipient, request.child, &request.aspects[..], &request.response),
        ("es", Recipient::Provider, true, &[Aspect::Treatment][..], &Response::Json)
    );
    let query = request.query(Vocabulary::bundled()).expect("a condition");
    assert_eq!(query.canonical(), "aspect=treatment&condition=D003924&language=es");
    let plain = read(&format!("mainSearchCriteria.v.c=E11&{ICD}&age.v.v=44&age.v.u=a")).expect("a good request");
    assert_eq!((plain.language.as_str(), plain.child, plain.response), ("en", false, Response::Xml));
}

#[test]
fn what_is_wrong_is_named() {
    let table = [
        ("", "mainSearchCriteria.v.c"),
        (ICD, "mainSearchCriteria.v.c"),
        ("mainSearchCriteria.v.c=E11&knowledgeResponseType=text/html", "knowledgeResponseType"),
        ("mainSearchCriteria.v.c=E11&knowledgeResponseType=application/javascript", "callback"),
        ("mainSearchCriteria.v.c=E11&knowledgeResponseType=application/javascript&callback=alert(1)//", "callback"),
        ("mainSearchCriteria.v.c=E11&knowledgeResponseType=application/javascript&callback=a..b", "callback"),
        ("mainSearchCriteria.v.c=E11&callback=1a", "callback"),
        (
            "mainSearchCriteria.v.c=E11&informationRecipient.languageCode.c=<script>",
            "informationRecipient.languageCode.c",
        ),
    ];
    for (query, field) in table {
        assert_eq!(read(query).expect_err(query).field, field, "{query}");
    }
    let many: String = (0..40).map(|n| format!("mainSearchCriteria.v.c{n}=E11&")).collect();
    assert_eq!(read(&many).expect_err("too many").field, "mainSearchCriteria");
}

fn item(title: &str, summary: &str) -> CuratedV1 {
    serde_json::from_value(json!({
        "id": Uuid::from_u128(5), "version": 1, "state": "curated", "title": title, "summary": summary, "language": "en",
        "url": "https://clinic.example/a?b=1&c=2", "published": "2026-11-01T08:00:00Z",
        "updated": "2026-11-02T08:00:00.123Z", "story": Uuid::nil(),
        "sources": [{"slug": "clinic", "name": "The <Clinic>", "url": "https://clinic.example/a"}],
    }))
    .expect("an item")
}

fn answer<'a>(request: &'a LookupRequest, items: &'a [CuratedV1]) -> Answer<'a> {
    Answer {
        request,
        items,
        network: "Carewire",
        base: "https://net.example/",
        page: "https://net.example/application?mainSearchCriteria.v.c=E11.9",
        now: "2026-11-03T10:00:00.5Z".parse().expect("an instant"),
    }
}

#[test]
fn answers_have_the_shape_that_clients_know() {
    let request =
        read(&format!("mainSearchCriteria.v.c=E11.9&{ICD}&mainSearchCriteria.v.dn=Type 2 diabetes")).expect("good");
    let items = [item("Sugar & you", "What it is <b>")];
    let answer = answer(&request, &items);
    insta::assert_snapshot!("atom", String::from_utf8(answer.atom()).expect("UTF-8"));
    insta::assert_json_snapshot!("json", answer.json());
    // As a client of MedlinePlus Connect reads it.
    let json = answer.json();
    let entry = &json["feed"]["entry"][0];
    assert_eq!(entry["title"]["_value"], "Sugar & you");
    assert_eq!(entry["link"][0]["href"], "https://clinic.example/a?b=1&c=2");
    assert!(entry["summary"]["_value"].as_str().is_some_and(|html| html.starts_with("<p>What it is &lt;b&gt;</p>")));
    let jsonp = String::from_utf8(answer.jsonp("my.app.show")).expect("UTF-8");
    let inner = jsonp.strip_prefix("/**/my.app.show(").and_then(|rest| rest.strip_suffix(");")).expect("a call");
    assert_eq!(serde_json::from_str::<Value>(inner).expect("JSON"), json);
}

#[test]
fn an_empty_answer_is_a_valid_one() {
    let request = read("mainSearchCriteria.v.c=637188&mainSearchCriteria.v.cs=2.16.840.1.113883.6.88").expect("good");
    let answer = answer(&request, &[]);
    assert_eq!(answer.json()["feed"]["entry"], json!([]));
    assert_eq!(answer.json()["feed"]["subtitle"]["_value"], "Carewire results for RxNorm 637188");
    let xml = String::from_utf8(answer.atom()).expect("UTF-8");
    assert!(xml.contains("<id>urn:uuid:") && xml.contains("<updated>2026-11-03T10:00:00Z</updated>"), "{xml}");
    assert!(!xml.contains("<entry"), "{xml}");
}

proptest! {
    #[test]
    fn any_request_and_any_item_give_well_formed_answers(
        code in any::<String>(), system in any::<String>(), title in any::<String>(), callback in any::<String>(),
    ) {
        let pairs = [
            ("mainSearchCriteria.v.c", code.as_str()), ("mainSearchCriteria.v.cs", &system),
            ("mainSearchCriteria.v.dn", "x"),
        ];
        let _ = LookupRequest::read([("callback", callback.as_str())]);
        if let Ok(request) = LookupRequest::read(pairs) {
            let _ = request.query(Vocabulary::bundled());
            let items = [item(&title, &title)];
            let answer = answer(&request, &items);
            let xml = answer.atom();
            let mut reader = quick_xml::Reader::from_reader(&xml[..]);
            reader.config_mut().check_end_names = true;
            let mut buffer = Vec::new();
            loop {
                match reader.read_event_into(&mut buffer) {
                    Ok(quick_xml::events::Event::Eof) => break,
                    Ok(_) => {}
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                }
                buffer.clear();
            }
            let jsonp = String::from_utf8(answer.jsonp("f")).expect("UTF-8");
            let ends_lines = jsonp.contains(['\u{2028}', '\u{2029}']);
            prop_assert!(!ends_lines);
        }
    }
}
