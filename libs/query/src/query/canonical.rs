//! The canonical form of a query.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Query, Sort};

/// What need not be escaped in a value: unreserved characters (RFC 3986 §2.3), and `:` and `,`, which `query` allows.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b',');

impl Query {
    /// The query string of this question, without `?`: parameters and values in one order, codes of the network,
    /// defaults left out. Two spellings of one question give the same text; reading it gives an equal query.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        for group in &self.conditions {
            let codes: Vec<_> = group.codes.iter().map(|code| code.as_str()).collect();
            pairs.push(("condition", format!("{}{}", if group.not { "-" } else { "" }, codes.join(","))));
        }
        let mut put = |name, value: Option<String>| pairs.extend(value.map(|value| (name, value)));
        let list = |items: Vec<&str>| (!items.is_empty()).then(|| items.join(","));
        put("kind", list(self.kinds.iter().map(|kind| kind.as_str()).collect()));
        put("level", list(self.levels.iter().map(|level| level.as_str()).collect()));
        put("max_grade", self.max_grade.map(|grade| f32::from(grade) / 10.0).map(|grade| grade.to_string()));
        put("evidence", list(self.evidence.iter().map(|design| design.as_str()).collect()));
        put("aspect", list(self.aspects.iter().map(|aspect| aspect.as_str()).collect()));
        put("audience", list(self.audience.iter().map(|audience| audience.as_str()).collect()));
        put("min_trust", self.min_trust.map(|tier| tier.as_str().to_owned()));
        put("language", list(self.languages.iter().map(String::as_str).collect()));
        put("organization", list(self.organizations.iter().map(String::as_str).collect()));
        put("mentions", (!self.about_only).then(|| "include".to_owned()));
        put("max_duration", self.max_duration.map(|seconds| seconds.to_string()));
        put("min_duration", self.min_duration.map(|seconds| seconds.to_string()));
        put("q", self.q.as_ref().map(|q| q.canonical()));
        put(
            "sort",
            self.sort.map(|sort| match sort {
                Sort::Newest => "newest".to_owned(),
                Sort::Relevance => "relevance".to_owned(),
            }),
        );
        // One by one: a DOI may hold a comma.
        for study in &self.studies {
            put("study", Some(study.clone()));
        }
        for (name, value) in [("since", self.since), ("until", self.until)] {
            let instant = value.and_then(|ms| Timestamp::from_millisecond(ms).ok());
            put(name, instant.map(|instant| instant.to_string()));
        }
        // Stable: several conditions keep their own order.
        pairs.sort_by_key(|(name, _)| *name);
        let escaped = |(name, value): &(&str, String)| format!("{name}={}", utf8_percent_encode(value, ESCAPED));
        pairs.iter().map(escaped).collect::<Vec<_>>().join("&")
    }
}
