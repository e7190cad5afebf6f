//! What a page is about, for search engines: schema.org as JSON-LD (schema.org/MedicalWebPage, VideoObject, MedicalCondition).

use carewire_conditions::Condition;
use carewire_schemas::{Audience, CuratedV1, ItemKind, Role};
use serde_json::{Map, Value, json};

use super::layout::web;
use crate::state::PortalState;

/// Codes of other systems given of one condition.
const MAX_CODES: usize = 20;

/// An item's page.
pub(crate) fn item(state: &PortalState, item: &CuratedV1) -> Value {
    let page = state.absolute(&format!("/items/{}", item.id));
    let video = item.video.is_some() || item.kind == ItemKind::Video;
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| {
        if !matches!(&value, Value::Null) && value != "" && value != json!([]) {
            data.insert(name.to_owned(), value);
        }
    };
    put("@context", "https://schema.org".into());
    put("@type", if video { "VideoObject" } else { "MedicalWebPage" }.into());
    put("@id", page.as_str().into());
    put("url", page.as_str().into());
    put("name", item.title.as_str().into());
    put("headline", item.title.chars().take(110).collect::<String>().into());
    put("description", item.summary.as_str().into());
    put("inLanguage", item.language.as_deref().into());
    put("datePublished", item.published.to_string().into());
    put("dateModified", item.updated.to_string().into());
    let origin = item.url.as_deref().and_then(web);
    put("isBasedOn", origin.into());
    if video {
        put("uploadDate", item.published.to_string().into());
        put("contentUrl", origin.into());
        let preview = item.video.as_ref().and_then(|video| video.thumbnail.as_deref()).and_then(web);
        put("thumbnailUrl", preview.into());
        let seconds = item.video.as_ref().and_then(|video| video.duration);
        put("duration", seconds.map(|seconds| format!("PT{seconds}S")).into());
    }
    put("license", item.licence.as_deref().into());
    let people = item.authors.iter().filter(|person| !person.name.trim().is_empty());
    put("author", people.map(|person| json!({"@type": "Person", "name": person.name})).collect());
    let organizations = item.sources.iter().map(|source| {
        let slug = &source.organization.slug;
        let url = state.absolute(&format!("/organizations/{slug}"));
        json!({"@type": "Organization", "name": source.organization.name, "url": url})
    });
    put("publisher", organizations.take(10).collect());
    let about = item.conditions.iter().filter(|tag| tag.role == Role::About && !tag.negated);
    let about = about.map(|tag| match state.vocabulary().get(&tag.code) {
        Some(found) => condition_value(state, found, &tag.name, 1),
        None => json!({"@type": "MedicalCondition", "name": tag.name}),
    });
    put("about", about.collect());
    let professional = item.traits.audience.iter().any(|tag| tag.audience == Audience::Professional);
    let audience = if professional { "Clinician" } else { "Patient" };
    if !video && !item.traits.audience.is_empty() {
        put("medicalAudience", json!({"@type": "MedicalAudience", "audienceType": audience}));
    }
    Value::Object(data)
}

/// A condition's page.
pub(crate) fn condition(state: &PortalState, condition: Condition<'_>) -> Value {
    let label = condition.label(None);
    let page = state.absolute(&format!("/conditions/{}", condition.code()));
    json!({
        "@context": "https://schema.org",
        "@type": "MedicalWebPage",
        "@id": page,
        "url": page,
        "name": label,
        "inLanguage": "en",
        "about": condition_value(state, condition, &label, MAX_CODES),
    })
}

/// A condition or topic with its codes, the network's own first.
fn condition_value(state: &PortalState, condition: Condition<'_>, name: &str, codes: usize) -> Value {
    let code = |system: &str, code: &str| json!({"@type": "MedicalCode", "codingSystem": system, "codeValue": code});
    let own = condition.code().as_str();
    let (system, value) = match own.split_once(':') {
        Some(("doid", rest)) => ("DOID", rest),
        Some(("mondo", rest)) => ("MONDO", rest),
        _ => ("MeSH", own),
    };
    let mut all = vec![code(system, value)];
    for (system, value) in condition.xrefs() {
        let name = match system {
            "icd10cm" => "ICD-10-CM",
            "snomedct" => "SNOMED CT",
            "umls" => "UMLS",
            _ => continue,
        };
        if all.len() < codes {
            all.push(code(name, value));
        }
    }
    json!({
        "@type": if condition.topic() { "MedicalEntity" } else { "MedicalCondition" },
        "name": name,
        "url": state.absolute(&format!("/conditions/{own}")),
        "code": all,
    })
}
