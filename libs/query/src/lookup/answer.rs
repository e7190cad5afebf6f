//! The knowledge response: Atom in the form of the HL7 guide, and the JSON that MedlinePlus Connect makes of it.

use carewire_schemas::CuratedV1;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::LookupRequest;
use crate::{
    render::{feed_id, shown_title, web_address, xml::Writer},
    text::escape_html,
};

/// An answer to a look-up.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// What was asked.
    pub request: &'a LookupRequest,
    /// What was found, in order.
    pub items: &'a [CuratedV1],
    /// The network's name.
    pub network: &'a str,
    /// The network's address, with a slash at its end.
    pub base: &'a str,
    /// The address of the same look-up as a page.
    pub page: &'a str,
    /// When the answer was made.
    pub now: Timestamp,
}

impl Answer<'_> {
    fn subtitle(&self) -> String {
        let asked: Vec<String> = self.request.criteria.iter().map(super::Criterion::shown).collect();
        format!("{} results for {}", self.network, asked.join(", "))
    }

    /// The request as it was understood (scheme, term), for the client to tell answers apart.
    fn categories(&self) -> Vec<(String, &str)> {
        let mut all = Vec::new();
        for (n, one) in self.request.criteria.iter().enumerate() {
            let number = if n == 0 { String::new() } else { n.to_string() };
            all.push((format!("mainSearchCriteria.v.c{number}"), one.code.as_str()));
            all.push((format!("mainSearchCriteria.v.cs{number}"), one.system.as_str()));
            all.push((format!("mainSearchCriteria.v.dn{number}"), one.name.as_str()));
        }
        all.push(("informationRecipient".to_owned(), self.request.recipient.code()));
        all
    }

    fn updated(&self) -> String {
        seconds(self.now)
    }

    /// The answer as Atom.
    #[must_use]
    pub fn atom(&self) -> Vec<u8> {
        let mut xml = Writer::new(2_000 + self.items.len() * 1_500);
        xml.raw("<feed xmlns=\"http://www.w3.org/2005/Atom\"");
        xml.raw(" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xml:base=\"").text(self.base);
        xml.raw("\" xml:lang=\"").text(&self.request.language).raw("\">\n");
        xml.element_with("title", &[("type", "text")], self.network);
        xml.element_with("subtitle", &[("type", "text")], &self.subtitle());
        xml.raw("<author>").element("name", self.network).element("uri", self.base).raw("</author>\n");
        xml.element("updated", &self.updated()).element("id", &feed_id(self.page));
        xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", self.page)]);
        for (scheme, term) in self.categories() {
            xml.empty("category", &[("scheme", &scheme), ("term", term)]);
        }
        for item in self.items {
            let language = item.language.as_deref().unwrap_or(&self.request.language);
            xml.tag("entry", &[("xml:lang", language)], false).raw("\n");
            xml.element_with("title", &[("type", "text")], shown_title(item));
            let (address, page) = self.addresses(item);
            xml.empty(
                "link",
                &[("title", shown_title(item)), ("rel", "alternate"), ("type", "html"), ("href", &address)],
            );
            xml.empty("link", &[("rel", "related"), ("type", "text/html"), ("href", &page)]);
            xml.raw("<id>urn:uuid:").raw(&item.id.to_string()).raw("</id>\n");
            xml.element("updated", &seconds(item.updated));
            if let Some(source) = item.sources.first() {
                xml.raw("<author>").element("name", &source.organization.name).raw("</author>\n");
            }
            xml.element_with("summary", &[("type", "html")], &summary(item)).raw("</entry>\n");
        }
        xml.raw("</feed>\n");
        xml.finish()
    }

    /// The answer as JSON: elements as members, text as `_value`, lists always lists.
    #[must_use]
    pub fn json(&self) -> Value {
        let text = |value: &str| json!({"_value": value, "type": "text"});
        let entries: Vec<Value> = self.items.iter().map(|item| self.entry(item)).collect();
        let categories: Vec<Value> =
            self.categories().into_iter().map(|(scheme, term)| json!({"scheme": scheme, "term": term})).collect();
        json!({"feed": {
            "xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "base": self.base,
            "lang": self.request.language,
            "title": text(self.network),
            "subtitle": text(&self.subtitle()),
            "author": {"name": {"_value": self.network}, "uri": {"_value": self.base}},
            "updated": {"_value": self.updated()},
            "category": categories,
            "id": {"_value": feed_id(self.page)},
            "link": [{"rel": "alternate", "type": "text/html", "href": self.page}],
            "entry": entries,
        }})
    }

    fn entry(&self, item: &CuratedV1) -> Value {
        let (address, page) = self.addresses(item);
        let source = item.sources.first().map_or("", |source| source.organization.name.as_str());
        json!({
            "lang": item.language.as_deref().unwrap_or(&self.request.language),
            "title": {"_value": shown_title(item), "type": "text"},
            "link": [
                {"title": shown_title(item), "rel": "alternate", "type": "html", "href": address},
                {"title": shown_title(item), "rel": "related", "type": "text/html", "href": page},
            ],
            "id": {"_value": format!("urn:uuid:{}", item.id)},
            "updated": {"_value": seconds(item.updated)},
            "author": {"name": {"_value": source}},
            "summary": {"_value": summary(item), "type": "html"},
        })
    }

    /// JSON as a call of `callback`, which must be a checked name. The comment before it keeps the answer from being read as
    /// another kind of file; line separators are escaped, for JavaScript before 2019 took them for ends of lines.
    #[must_use]
    pub fn jsonp(&self, callback: &str) -> Vec<u8> {
        let json = self.json().to_string().replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
        format!("/**/{callback}({json});").into_bytes()
    }

    /// The thing itself, and the network's page of it.
    fn addresses(&self, item: &CuratedV1) -> (String, String) {
        let page = format!("{}items/{}", self.base, item.id);
        (item.url.as_deref().and_then(web_address).map_or_else(|| page.clone(), str::to_owned), page)
    }
}

/// Summary and attribution as HTML, of nothing but paragraphs.
fn summary(item: &CuratedV1) -> String {
    let mut html = String::with_capacity(item.summary.len() + 100);
    if !item.summary.is_empty() {
        html.push_str("<p>");
        escape_html(&item.summary, &mut html);
        html.push_str("</p>");
    }
    if let Some(source) = item.sources.first() {
        html.push_str("<p class=\"attribution\">");
        escape_html(&source.organization.name, &mut html);
        html.push_str("</p>");
    }
    html
}

/// To the second, as the service that clients know has it.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
