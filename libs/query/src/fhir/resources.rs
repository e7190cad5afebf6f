//! Resources as JSON.

use carewire_conditions::Vocabulary;
use carewire_schemas::{ConditionTag, CuratedV1, ItemId, Media, Role};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    lookup::systems::fhir_address,
    render::{shown_title, web_address},
};

/// Codings of other systems given for one condition: what look-ups use, not every cross-reference.
const MAX_CODINGS: usize = 12;

/// An `OperationOutcome` with one issue (hl7.org/fhir/R4/operationoutcome.html); `code` is of the value set issue-type.
#[must_use]
pub fn outcome(code: &str, text: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": text}],
    })
}

/// What the server can do (hl7.org/fhir/R4/capabilitystatement.html). `base` is the network's address with a slash at its end.
#[must_use]
pub fn capability_statement(base: &str, network: &str, version: &str, date: Timestamp) -> Value {
    let parameters = [
        ("_id", "token", "The document's id."),
        ("_lastUpdated", "date", "When it last changed: eq, ge, gt, le, lt; given twice for a range."),
        (
            "category",
            "token",
            "Conditions it is about, as system|code of ICD-10-CM, SNOMED CT, MeSH and others; what is below a code is included. \
             A,B: either; given twice: both; :not excludes.",
        ),
        ("type", "token", "The kind of item."),
        ("language", "token", "BCP 47; es also finds es-MX."),
        ("date", "date", "When it was published: eq, ge, gt, le, lt; given twice for a range."),
        ("_content", "string", "Words that must all occur."),
    ];
    let parameters: Vec<Value> = parameters
        .into_iter()
        .map(|(name, kind, text)| json!({"name": name, "type": kind, "documentation": text}))
        .collect();
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date.to_string(),
        "kind": "instance",
        "publisher": network,
        "software": {"name": "Carewire", "version": version},
        "implementation": {"description": network, "url": format!("{base}fhir")},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{
            "mode": "server",
            "security": {"cors": true, "description": "Reading needs no token."},
            "resource": [{
                "type": "DocumentReference",
                "documentation": "Curated health content of the network's organizations, for readers; nothing about a patient.",
                "interaction": [{"code": "read"}, {"code": "search-type"}],
                "versioning": "no-version",
                "searchParam": parameters,
            }],
        }],
    })
}

/// An item (hl7.org/fhir/R4/documentreference.html).
#[must_use]
pub fn document_reference(item: &CuratedV1, base: &str, vocabulary: &Vocabulary) -> Value {
    let mut resource = Map::new();
    let mut put = |name: &str, value: Value| {
        // FHIR knows neither empty strings nor empty lists (R4 §2.6.2).
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        if !empty {
            resource.insert(name.to_owned(), value);
        }
    };
    put("resourceType", "DocumentReference".into());
    put("id", item.id.to_string().into());
    put("meta", json!({"versionId": item.version.to_string(), "lastUpdated": item.updated.to_string()}));
    put("language", language(item).map_or(Value::Null, Into::into));
    put("identifier", json!([{"system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{}", item.id)}]));
    put("status", "current".into());
    put(
        "type",
        json!({"coding": [{"system": kind_system(base), "code": item.kind.as_str()}], "text": item.kind.words()}),
    );
    let about = item.conditions.iter().filter(|tag| tag.role == Role::About && !tag.negated);
    put("category", about.map(|tag| concept(tag, vocabulary)).collect());
    put("date", item.published.to_string().into());
    let displays = item.sources.iter().map(|source| json!({"display": source.organization.name}));
    put("author", displays.collect());
    if let Some(origin) = item.sources.first() {
        put("custodian", json!({"display": origin.organization.name}));
    }
    put("description", item.summary.as_str().into());
    put("content", contents(item, base));
    Value::Object(resource)
}

/// The address of the network's kinds as a code system.
pub(super) fn kind_system(base: &str) -> String {
    format!("{base}fhir/CodeSystem/kind")
}

fn language(item: &CuratedV1) -> Option<&str> {
    item.language.as_deref().filter(|tag| tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}

/// A condition with its codes: the network's own first.
fn concept(tag: &ConditionTag, vocabulary: &Vocabulary) -> Value {
    let (prefix, own) = match tag.code.as_str().split_once(':') {
        Some((prefix, code)) => (prefix, code),
        None => ("mesh", tag.code.as_str()),
    };
    let mut codings = Vec::new();
    if let Some(system) = fhir_address(prefix) {
        codings.push(json!({"system": system, "code": own, "display": tag.name}));
    }
    if let Some(condition) = vocabulary.get(&tag.code) {
        for (system, code) in condition.xrefs() {
            let Some(address) = ["icd10cm", "snomedct"].contains(&system).then(|| fhir_address(system)).flatten()
            else {
                continue;
            };
            if codings.len() < MAX_CODINGS {
                codings.push(json!({"system": address, "code": code}));
            }
        }
    }
    json!({"coding": codings, "text": tag.name})
}

/// The thing itself first (R4 asks for one at least), then what is attached to it.
fn contents(item: &CuratedV1, base: &str) -> Value {
    let page = format!("{base}items/{}", item.id);
    let address = item.url.as_deref().and_then(web_address).unwrap_or(&page);
    let mut attachment = Map::new();
    attachment.insert("contentType".to_owned(), "text/html".into());
    if let Some(language) = language(item) {
        attachment.insert("language".to_owned(), language.into());
    }
    attachment.insert("url".to_owned(), address.into());
    attachment.insert("title".to_owned(), shown_title(item).into());
    attachment.insert("creation".to_owned(), item.published.to_string().into());
    let mut all = vec![json!({"attachment": attachment})];
    let attached = |media: &&Media| !media.thumbnail && media.mime.is_some() && web_address(&media.url).is_some();
    for media in item.media.iter().filter(attached).take(10) {
        all.push(json!({"attachment": {
            "contentType": media.mime.as_deref().unwrap_or_default(),
            "url": media.url,
        }}));
    }
    Value::Array(all)
}

/// A page of what was found (hl7.org/fhir/R4/bundle.html, type searchset).
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    /// The network's address, with a slash at its end.
    pub base: &'a str,
    /// The items.
    pub items: &'a [CuratedV1],
    /// How many there are in all.
    pub total: Option<u64>,
    /// The address that was asked, of what was understood of it.
    pub own: &'a str,
    /// The address of the next page.
    pub next: Option<&'a str>,
    /// Whether only the number was asked for.
    pub count_only: bool,
    /// When it was made.
    pub now: Timestamp,
}

impl Bundle<'_> {
    /// The bundle as JSON.
    #[must_use]
    pub fn json(&self, vocabulary: &Vocabulary) -> Value {
        let mut links = vec![json!({"relation": "self", "url": self.own})];
        links.extend(self.next.map(|url| json!({"relation": "next", "url": url})));
        let mut bundle = json!({
            "resourceType": "Bundle",
            "type": "searchset",
            "meta": {"lastUpdated": self.now.to_string()},
            "link": links,
        });
        if let Some(total) = self.total {
            bundle["total"] = total.into();
        }
        if !self.count_only && !self.items.is_empty() {
            let entry = |item: &CuratedV1| {
                json!({
                    "fullUrl": full_url(self.base, item.id),
                    "resource": document_reference(item, self.base, vocabulary),
                    "search": {"mode": "match"},
                })
            };
            bundle["entry"] = self.items.iter().map(entry).collect();
        }
        bundle
    }
}

fn full_url(base: &str, id: ItemId) -> String {
    format!("{base}fhir/DocumentReference/{id}")
}
