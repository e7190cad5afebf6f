//! `/opml`: the network's feeds as a list that readers take in (opml.org/spec2.opml).

use std::sync::Arc;

use carewire_query::render::xml::Writer;
use carewire_store::{ChangeRow, Organization};

use super::{FeedsState, Problem, build::Built};

/// Most outlines of each part.
const MOST: usize = 5_000;

/// Whether a change may have altered the list: an item that comes, goes, or is about something else.
pub(super) fn touches(row: &ChangeRow) -> Option<bool> {
    let same = match (&row.before, &row.after) {
        (Some(before), Some(after)) => before.about == after.about && before.organizations == after.organizations,
        _ => false,
    };
    (!same).then_some(false)
}

/// The list as of now: everything, conditions that items are about, organizations that carry items, channels.
pub(super) async fn build(state: &FeedsState) -> Result<Built, Problem> {
    let inner = &state.inner;
    let index = Arc::clone(&inner.index);
    let counted = move || -> Result<_, carewire_query::index::IndexError> {
        let position = index.position();
        Ok((position, index.condition_counts()?, index.organization_counts()?))
    };
    let (position, conditions, carrying) = tokio::task::spawn_blocking(counted).await??;
    let mut organizations: Vec<Organization> = Vec::new();
    loop {
        let after = organizations.last().map(|last| last.slug.as_str().to_owned());
        let page = inner.store.organizations(after.as_deref(), 1_000, None).await?;
        let more = page.len() == 1_000 && organizations.len() < 100_000;
        organizations.extend(page);
        if !more {
            break;
        }
    }
    organizations.retain(|one| carrying.binary_search_by(|(slug, _)| slug.as_str().cmp(one.slug.as_str())).is_ok());
    let mut named: Vec<(&str, &str, u64)> = conditions
        .iter()
        .filter_map(|(code, count)| Some((inner.vocabulary.get(code)?.name(), code.as_str(), *count)))
        .collect();
    // Those with the most items stay where there are too many.
    named.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    named.truncate(MOST);
    named.sort_unstable();
    organizations.truncate(MOST);
    let channels = inner.store.channels(None, MOST, None).await?;

    let base = &inner.base;
    let mut xml = Writer::new(300 * (named.len() + organizations.len() + 10));
    xml.raw("<opml version=\"2.0\">\n<head>\n").element("title", "Carewire: feeds");
    xml.element("docs", "http://opml.org/spec2.opml").raw("</head>\n<body>\n");
    let outline = |xml: &mut Writer, title: &str, path: &str, page: &str| {
        let (feed, page) = (format!("{base}feeds/{path}.atom"), format!("{base}{page}"));
        let attributes = [("text", title), ("title", title), ("type", "rss"), ("xmlUrl", &feed), ("htmlUrl", &page)];
        xml.empty("outline", &attributes);
    };
    outline(&mut xml, "Everything", "all", "");
    xml.tag("outline", &[("text", "Conditions")], false).raw("\n");
    for (name, code, _) in &named {
        outline(&mut xml, name, &format!("conditions/{code}"), &format!("conditions/{code}"));
    }
    xml.raw("</outline>\n").tag("outline", &[("text", "Organizations")], false).raw("\n");
    for one in &organizations {
        outline(&mut xml, &one.name, &format!("organizations/{}", one.slug), &format!("organizations/{}", one.slug));
    }
    xml.raw("</outline>\n");
    if !channels.is_empty() {
        xml.tag("outline", &[("text", "Channels")], false).raw("\n");
        for one in &channels {
            outline(&mut xml, &one.title, &format!("channels/{}", one.slug), &format!("channels/{}", one.slug));
        }
        xml.raw("</outline>\n");
    }
    xml.raw("</body>\n</opml>\n");
    // When a condition came to have items stands nowhere: entity tags alone tell whether the list changed.
    Ok(Built { body: xml.finish(), updated: None, checked: position, versions: Vec::new() })
}
