//! From a request to an answer: which feed, whether the client has it already, in which encoding.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};

use super::{
    FeedsState, Problem,
    address::{self, Address},
    cache::{Encoding, Form, Rendered, Slot},
};

/// How long after a second a change of that second may still be committed.
const OPEN_SECONDS: u64 = 5;

/// `/feeds/all.…`, `/feeds/search.…`.
pub(super) async fn top(State(state): State<FeedsState>, request: Request) -> Response {
    answer(&state, &request.into_parts().0, |file, query| {
        address::top(file, query, state.inner.vocabulary).map(|feed| Address::Feed(Box::new(feed)))
    })
    .await
}

/// `/feeds/conditions/….…`.
pub(super) async fn condition(State(state): State<FeedsState>, request: Request) -> Response {
    answer(&state, &request.into_parts().0, |file, query| {
        address::condition(file, query, state.inner.vocabulary).map(|feed| Address::Feed(Box::new(feed)))
    })
    .await
}

/// `/feeds/organizations/….…`.
pub(super) async fn organization(State(state): State<FeedsState>, request: Request) -> Response {
    answer(&state, &request.into_parts().0, |file, query| {
        address::organization(file, query).map(|feed| Address::Feed(Box::new(feed)))
    })
    .await
}

/// `/feeds/channels/….…`.
pub(super) async fn channel(State(state): State<FeedsState>, request: Request) -> Response {
    let request = request.into_parts().0;
    let file = request.uri.path().rsplit('/').next().unwrap_or_default();
    let found = async {
        let (slug, format) = address::channel_slug(file)?;
        let unknown = || Problem::not_found(format!("there is no channel named {slug}"));
        let channel = match state.inner.channels.get(slug.as_str()).await {
            Some(known) => known,
            None => {
                let channel = state.inner.store.channel(slug.as_str()).await?;
                state.inner.channels.insert(slug.to_string(), channel.clone()).await;
                channel
            }
        };
        address::channel(channel.ok_or_else(unknown)?, format, request.uri.query(), state.inner.vocabulary)
    };
    match found.await {
        // The same address may mean another question a moment later: no way of asking is remembered.
        Ok(feed) => {
            let feed = Box::new(feed);
            let address = if wants_page(&request.headers) { Address::View(feed) } else { Address::Feed(feed) };
            let slot = state.inner.cache.slot("", address).await;
            of_slot(&state, &slot, &request.headers).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// `/feeds/view.css`: how feeds look as pages.
pub(super) async fn stylesheet() -> Response {
    let mut response = Response::new(Body::from(carewire_query::render::VIEW_STYLE));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// `/opml`.
pub(super) async fn opml(State(state): State<FeedsState>, request: Request) -> Response {
    answer(&state, &request.into_parts().0, |_, _| Ok(Address::Opml)).await
}

async fn answer(
    state: &FeedsState,
    request: &Parts,
    address: impl FnOnce(&str, Option<&str>) -> Result<Address, Problem>,
) -> Response {
    let uri = &request.uri;
    let path = uri.path_and_query().map_or(uri.path(), |asked| asked.as_str());
    let page = wants_page(&request.headers);
    let asked = if page { Cow::Owned(format!("view {path}")) } else { Cow::Borrowed(path) };
    let slot = match state.inner.cache.by_alias(&asked).await {
        Some(slot) => slot,
        None => {
            let file = uri.path().rsplit('/').next().unwrap_or_default();
            match address(file, uri.query()) {
                Ok(Address::Feed(feed)) if page => state.inner.cache.slot(&asked, Address::View(feed)).await,
                Ok(address) => state.inner.cache.slot(&asked, address).await,
                Err(problem) => return problem.into_response(),
            }
        }
    };
    of_slot(state, &slot, &request.headers).await
}

async fn of_slot(state: &FeedsState, slot: &Arc<Slot>, asked: &HeaderMap) -> Response {
    let rendered = match state.rendered(slot).await {
        Ok(rendered) => rendered,
        Err(problem) => return problem.into_response(),
    };
    match state.delta(slot, &rendered, asked).await {
        Some(delta) => delta,
        None => conditional(state, slot, &rendered, asked).await,
    }
}

/// Whether the client likes pages better than any form of a feed: what browsers say. Readers that take both, and those that
/// take anything, get the feed.
fn wants_page(asked: &HeaderMap) -> bool {
    let Some(accept) = asked.get(header::ACCEPT).and_then(|value| value.to_str().ok()) else { return false };
    let (mut page, mut feed) = (0.0_f32, 0.0_f32);
    for part in accept.split(',') {
        let mut pieces = part.split(';').map(str::trim);
        let name = pieces.next().unwrap_or_default().to_ascii_lowercase();
        let weight = pieces.find_map(|piece| piece.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        match name.as_str() {
            "text/html" => page = page.max(weight),
            "application/atom+xml"
            | "application/rss+xml"
            | "application/rdf+xml"
            | "application/feed+json"
            | "application/json"
            | "application/xml"
            | "text/xml"
            | "text/x-opml" => feed = feed.max(weight),
            _ => {}
        }
    }
    page > feed
}

/// RFC 9110 §13: `If-None-Match` decides where it is given, else `If-Modified-Since`.
async fn conditional(state: &FeedsState, slot: &Arc<Slot>, rendered: &Arc<Rendered>, asked: &HeaderMap) -> Response {
    let encoding = asked.get(header::ACCEPT_ENCODING).map_or(Encoding::Identity, |value| choose(value.as_bytes()));
    let form = state.form(slot, rendered, encoding).await;
    // A second in which something changed a moment ago may see another change: until it is surely over, no date stands
    // for a state (RFC 9110 §8.8.2.2).
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let dated = rendered.last_modified.filter(|seconds| seconds + OPEN_SECONDS < now);
    let unchanged = match asked.get(header::IF_NONE_MATCH) {
        Some(tags) => has_tag(tags.as_bytes(), form.etag.as_bytes()),
        None => asked
            .get(header::IF_MODIFIED_SINCE)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| httpdate::parse_http_date(text).ok())
            .and_then(|since| since.duration_since(UNIX_EPOCH).ok())
            .is_some_and(|since| dated.is_some_and(|dated| since.as_secs() >= dated)),
    };
    send(form, unchanged, dated.is_some())
}

fn send(form: &Form, unchanged: bool, dated: bool) -> Response {
    let body = if unchanged { Body::empty() } else { Body::from(form.body.clone()) };
    let mut response = Response::new(body);
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    // RFC 9110 §15.4.5: a 304 carries what a 200 would have for caches; the rest does no harm, and a clone is cheap.
    *response.headers_mut() = form.headers.clone();
    if unchanged {
        response.headers_mut().remove(header::CONTENT_ENCODING);
    }
    if !dated {
        response.headers_mut().remove(header::LAST_MODIFIED);
    }
    response
}

/// The hash in an entity tag of ours, whatever its encoding was.
pub(super) fn bare_tags(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|b| *b == b',').map(<[u8]>::trim_ascii).filter_map(|tag| {
        let tag = tag.strip_prefix(b"W/").unwrap_or(tag).strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        Some(tag.strip_suffix(b"-gz").or_else(|| tag.strip_suffix(b"-br")).unwrap_or(tag))
    })
}

/// Whether a list of entity tags holds `own` by weak comparison (RFC 9110 §8.8.3.2), or `*`.
fn has_tag(list: &[u8], own: &[u8]) -> bool {
    list.split(|b| *b == b',').map(<[u8]>::trim_ascii).any(|tag| {
        let tag = tag.strip_prefix(b"W/").unwrap_or(tag);
        tag == own || tag == b"*"
    })
}

/// The best encoding that the client takes (RFC 9110 §12.5.3): of those it likes equally, the smaller body.
fn choose(accept: &[u8]) -> Encoding {
    let (mut gzip, mut brotli, mut any) = (None, None, None);
    for part in accept.split(|b| *b == b',') {
        let mut pieces = part.split(|b| *b == b';').map(<[u8]>::trim_ascii);
        let name = pieces.next().unwrap_or_default();
        let weight = pieces
            .find_map(|piece| piece.strip_prefix(b"q=").or_else(|| piece.strip_prefix(b"Q=")))
            .map_or(Some(1.0), |text| std::str::from_utf8(text).ok()?.parse::<f32>().ok())
            .unwrap_or(0.0);
        if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") {
            gzip = Some(weight);
        } else if name.eq_ignore_ascii_case(b"br") {
            brotli = Some(weight);
        } else if name == b"*" {
            any = Some(weight);
        }
    }
    let weight = |own: Option<f32>| own.or(any).unwrap_or(0.0);
    let (gzip, brotli) = (weight(gzip), weight(brotli));
    if brotli > 0.0 && brotli >= gzip {
        Encoding::Brotli
    } else if gzip > 0.0 {
        Encoding::Gzip
    } else {
        Encoding::Identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_chosen_by_weight() {
        let table = [
            ("gzip, deflate, br", Encoding::Brotli),
            ("gzip", Encoding::Gzip),
            ("br;q=0.5, gzip", Encoding::Gzip),
            ("gzip;q=0", Encoding::Identity),
            ("*", Encoding::Brotli),
            ("*;q=0.1, br;q=0", Encoding::Gzip),
            ("identity", Encoding::Identity),
            ("", Encoding::Identity),
            ("gzip;q=bad", Encoding::Identity),
        ];
        for (accept, expected) in table {
            assert_eq!(choose(accept.as_bytes()), expected, "{accept}");
        }
    }

    #[test]
    fn browsers_get_pages_and_readers_feeds() {
        let table = [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true),
            ("*/*", false),
            ("", false),
            ("application/atom+xml", false),
            ("text/html, application/rss+xml", false),
            ("application/atom+xml,application/rss+xml,application/xml;q=0.9,text/html;q=0.5,*/*;q=0.1", false),
            ("text/html;q=0", false),
        ];
        for (accept, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(wants_page(&headers), expected, "{accept}");
        }
        assert!(!wants_page(&HeaderMap::new()));
    }

    #[test]
    fn entity_tags_are_compared_weakly() {
        for (list, expected) in
            [("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("*", true), ("\"b\"", false), ("", false)]
        {
            assert_eq!(has_tag(list.as_bytes(), b"\"a\""), expected, "{list}");
        }
    }
}
