//! What an item's page says of how it reads: level, audience, the study behind it, and which side of a condition it shows.

use carewire_schemas::{CuratedV1, Evidence, Traits};
use maud::{Markup, html};
use url::form_urlencoded::byte_serialize;

use super::layout;

/// Reading level with its grade, and the audience, in one line; nothing where neither is known.
pub(crate) fn line(traits: &Traits) -> Markup {
    let mut parts: Vec<String> = Vec::new();
    if let Some(reading) = traits.reading {
        let grade = reading.grade.map(|grade| format!(" (school grade {grade:.0})")).unwrap_or_default();
        parts.push(format!("{}{grade}", reading.level.words()));
    }
    parts.extend(traits.audience.iter().map(|tag| tag.audience.words().to_owned()));
    html! { @if !parts.is_empty() { p.quiet { (parts.join(" · ")) } } }
}

/// When the content was reviewed, by whom, and when it is to be reviewed again, as its publisher says.
pub(crate) fn review(traits: &Traits) -> Markup {
    let by: Vec<&str> = traits.reviewed_by.iter().map(|person| person.name.as_str()).collect();
    html! {
        @if traits.reviewed.is_some() || traits.next_review.is_some() || !by.is_empty() {
            p.quiet {
                @match traits.reviewed {
                    Some(at) => { "Last reviewed " (layout::day(at)) }
                    None if !by.is_empty() => "Reviewed",
                    None => {}
                }
                @if !by.is_empty() { " by " (by.join(", ")) }
                @if let Some(at) = traits.next_review {
                    @if traits.reviewed.is_some() || !by.is_empty() { " · " }
                    "Next review " (layout::day(at))
                }
            }
        }
    }
}

/// The study that the item reports on, in plain words, with its numbers.
pub(crate) fn study(traits: &Traits) -> Markup {
    let Some(study) = &traits.study else { return html! {} };
    html! {
        section.panel aria-labelledby="study" {
            h2 #study { "The study behind it" }
            @if let Some(design) = study.design {
                p { strong { (design.words()) } @if let Some(sample) = study.sample { " with " (sample) " taking part" } }
            }
            @if let Some(explanation) = &study.explanation { p { (explanation) } }
            (words(&study.evidence))
            @if study.ids().next().is_some() {
                ul.plain {
                    @for id in study.ids() {
                        li {
                            @match address(id) {
                                Some(address) => a href=(address) rel="noopener noreferrer" { (id) },
                                None => (id),
                            }
                            " " a.quiet href={ "/search?study=" (escaped(id)) } { "items about it" }
                        }
                    }
                }
            }
        }
    }
}

/// An id as a part of an address: ids have no white space, so this is percent-encoding.
fn escaped(id: &str) -> String {
    byte_serialize(id.as_bytes()).collect()
}

/// Where the study of that id is described. Ids hold no markup or white space, and what remains is escaped.
fn address(id: &str) -> Option<String> {
    let path = escaped(id);
    if id.starts_with("NCT") {
        Some(format!("https://clinicaltrials.gov/study/{path}"))
    } else if id.starts_with("ISRCTN") {
        Some(format!("https://www.isrctn.com/{path}"))
    } else if let Some(number) = id.strip_prefix("pmid:") {
        Some(format!("https://pubmed.ncbi.nlm.nih.gov/{}/", escaped(number)))
    } else if id.starts_with("10.") {
        Some(format!("https://doi.org/{path}"))
    } else {
        None
    }
}

/// Which sides of a condition the item shows, and why its kind is what it is.
pub(crate) fn aspects(item: &CuratedV1) -> Markup {
    let traits = &item.traits;
    html! {
        @if !traits.aspects.is_empty() || !traits.kind_evidence.is_empty() {
            section.panel aria-labelledby="aspects" {
                h2 #aspects { "What it is about" }
                ul.plain {
                    @for tag in &traits.aspects { li { (tag.aspect.words()) (words(&tag.evidence)) } }
                    @if !traits.kind_evidence.is_empty() { li { (item.kind.words()) (words(&traits.kind_evidence)) } }
                }
            }
        }
    }
}

/// The words that something rests on.
fn words(evidence: &[Evidence]) -> Markup {
    html! {
        @if !evidence.is_empty() {
            span.quiet { @for one in evidence { " " q { (one.text) } } }
        }
    }
}
