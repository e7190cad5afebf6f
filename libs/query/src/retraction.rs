//! That a study which an item speaks of was retracted: what readers are told, in the text itself, so that every output has it.

use std::collections::HashMap;

use carewire_schemas::{CuratedV1, RetractionNotice, Study};
use serde::{Deserialize, Serialize};

/// A retraction that concerns an item, and what follows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Retraction {
    /// What readers are told.
    pub notice: RetractionNotice,
    /// Whether the item waits for a curator; else it bears the notice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
}

/// Retractions by study: a DOI in lower case, or `pmid:` and a number.
pub type Retractions = HashMap<String, Retraction>;

/// The first of the studies that an item speaks of which was retracted.
#[must_use]
pub fn of(study: Option<&Study>, retractions: &Retractions) -> Option<Retraction> {
    if retractions.is_empty() {
        return None;
    }
    study?.ids().find_map(|id| retractions.get(&id.to_ascii_lowercase())).cloned()
}

const OPEN: &str = "<p class=\"carewire-notice\">";
const SUMMARY: &str = "[Notice: ";
const SUMMARY_END: &str = " of a study that this speaks of] ";

/// Puts the notice in front of text and summary, in place of one that stands there.
pub(crate) fn show(public: &mut CuratedV1, notice: Option<&RetractionNotice>) {
    if let Some(rest) = public.html.strip_prefix(OPEN) {
        let end = rest.find("</p>").map_or(rest.len(), |at| at + 4);
        public.html = rest[end..].to_owned();
    }
    if let Some(rest) = public.summary.strip_prefix(SUMMARY)
        && let Some(end) = rest.find(SUMMARY_END)
    {
        public.summary = rest[end + SUMMARY_END.len()..].to_owned();
    }
    public.retraction = notice.cloned();
    if let Some(notice) = notice {
        public.html = format!("{OPEN}{}</p>{}", escaped(&words(notice)), public.html);
        public.summary = format!("{SUMMARY}{}{SUMMARY_END}{}", nature(notice), public.summary);
    }
}

/// The notice as a sentence.
#[must_use]
pub fn words(notice: &RetractionNotice) -> String {
    let study = notice.study.strip_prefix("pmid:").map_or_else(|| notice.study.clone(), |id| format!("PubMed {id}"));
    let date = notice.date.as_deref().map(|date| format!(", {date}")).unwrap_or_default();
    let source = notice.notice.as_deref().map(|doi| format!(" The notice: https://doi.org/{doi}.")).unwrap_or_default();
    format!("Notice: {} of a study that this speaks of ({study}{date}).{source}", nature(notice))
}

/// The nature without what could end a mark.
fn nature(notice: &RetractionNotice) -> String {
    notice.nature.replace(['[', ']', '\n'], " ").to_lowercase()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
