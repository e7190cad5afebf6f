//! Items posted by their organization, which needs no feed for that: kept as an entry of a feed of its own, read by ingest and judged as
//! all entries are.

use axum::{Extension, extract::State, http::StatusCode};
use carewire_feeds::{Category, Entry, Media, Person, Text, TextKind, atom};
use carewire_schemas::EntryId;
use carewire_store::Standing;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Answer, json, note, organizations::is_web_address, visible_organization};
use crate::{
    auth::Caller,
    problem::{Problem, ProblemKind},
    request::JsonBody,
    state::PortalState,
};

/// Longest id, in characters.
const MAX_ID: usize = 500;
/// Longest title, in characters.
const MAX_TITLE: usize = 500;
/// Longest of other short texts, in characters.
const MAX_NAME: usize = 200;
/// Most authors, categories, media files.
const MAX_LIST: usize = 50;

/// What is posted.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PostBody {
    /// Short name of the organization whose it is.
    #[schema(example = "st-anne")]
    pub organization: String,
    /// Its id, chosen by the organization: the same id again changes the item. The address where it is left out.
    #[schema(example = "flu-2026")]
    pub id: Option<String>,
    /// Address of the thing itself, where it is on the web.
    #[schema(example = "https://st-anne.example/flu-2026")]
    pub url: Option<String>,
    /// Title, without markup.
    #[schema(example = "Flu vaccination: who, when, where")]
    pub title: Option<String>,
    /// Summary, without markup.
    pub summary: Option<String>,
    /// The full text as HTML; or `text`.
    pub html: Option<String>,
    /// The full text without markup; or `html`.
    pub text: Option<String>,
    /// Language (BCP 47); told from the words where it is left out.
    #[schema(example = "en")]
    pub language: Option<String>,
    /// When it was or is to be published.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published: Option<Timestamp>,
    /// When it was last changed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated: Option<Timestamp>,
    /// Who wrote it.
    pub authors: Vec<PostAuthor>,
    /// Categories, in words of the organization.
    pub categories: Vec<String>,
    /// Address of the licence.
    pub licence: Option<String>,
    /// Pictures, sound, films, documents.
    pub media: Vec<PostMedia>,
    /// Takes the item of this id back, for good: then nothing but `organization` and `id` is given.
    pub withdraw: bool,
}

/// Who wrote something.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostAuthor {
    /// The name.
    pub name: String,
    /// Their page.
    pub url: Option<String>,
}

/// A file that goes with something posted.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostMedia {
    /// Where it is.
    pub url: String,
    /// Media type.
    #[serde(rename = "type")]
    #[schema(example = "image/jpeg")]
    pub mime: Option<String>,
    /// Title or text alternative.
    pub title: Option<String>,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub struct PostedView {
    /// Its id, as given.
    pub id: String,
    /// The entry that it is.
    pub entry: Uuid,
    /// The feed of what the organization posts: `GET /v1/feeds/{id}` shows how it fares.
    pub feed: Uuid,
}

/// Posts an item, changes one that was posted, or takes one back.
///
/// It is kept before the answer is given, and read within seconds: cleaned, tagged, grouped and judged by the organization's
/// standing as an entry of a proven feed. The same id again changes the item; `{"withdraw": true}` takes it back.
#[utoipa::path(post, path = "/v1/items", operation_id = "postItem",
    request_body = PostBody,
    responses((status = 202, description = "It is kept, and read within seconds.", body = PostedView),
        (status = 503, description = "Too much that the organization posted waits to be read; try again.", body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(state): State<PortalState>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<PostBody>,
) -> Answer {
    if body.organization.is_empty() {
        return Err(Problem::field("organization", "is missing"));
    }
    let organization =
        visible_organization(&state, &caller, &body.organization).await.map_err(|problem| match problem.status() {
            StatusCode::NOT_FOUND => Problem::field("organization", problem.detail),
            _ => problem,
        })?;
    caller.may_write(organization.id)?;
    if organization.standing == Standing::Rejected {
        return Err(Problem::new(ProblemKind::Forbidden, "the organization was not taken into the network"));
    }
    let id = id_of(&body)?;
    let withdraw = body.withdraw;
    let document = match withdraw {
        true => removal(&body, &id)?,
        false => atom::of_entry(&entry(body, &id)?),
    };
    let feed = state.store().posted_feed(organization.id).await?;
    if !state.store().post(feed.id, document.into_bytes()).await? {
        let detail = "too much that the organization posted waits to be read; try again in a minute";
        return Err(Problem::new(ProblemKind::Busy, detail));
    }
    let action = if withdraw { "withdraw-post" } else { "post-item" };
    note(&state, &caller, action, format!("feed/{}", feed.id), id.clone()).await?;
    let posted = PostedView { entry: EntryId::derive(feed.id, &id).0, feed: feed.id.0, id };
    json(StatusCode::ACCEPTED, &posted)
}

fn id_of(body: &PostBody) -> Answer<String> {
    let id = body.id.as_deref().or(body.url.as_deref()).map(str::trim).unwrap_or_default();
    if id.is_empty() {
        return Err(Problem::field("id", "give an id, or an address that stands for it"));
    }
    let plain = !id.chars().any(char::is_control);
    if !plain || id.chars().count() > MAX_ID {
        return Err(Problem::field(
            "id",
            format!("must have at most {MAX_ID} characters, none of them a control character"),
        ));
    }
    Ok(id.to_owned())
}

fn removal(body: &PostBody, id: &str) -> Answer<String> {
    let PostBody { title, summary, html, text, language, published, updated, licence, .. } = body;
    let texts = [title, summary, html, text, language, licence];
    let more = texts.into_iter().any(Option::is_some) || published.is_some() || updated.is_some();
    if more || !body.authors.is_empty() || !body.categories.is_empty() || !body.media.is_empty() {
        return Err(Problem::field("withdraw", "goes with `organization` and `id` (or `url`) alone"));
    }
    Ok(atom::of_removal(id, Timestamp::now()))
}

/// The body as an entry; what is not as it should be is named by its field.
fn entry(body: PostBody, id: &str) -> Answer<Entry> {
    let plain = |value: String| Text { kind: TextKind::Plain, value, ..Text::default() };
    let content = match (filled(body.html), filled(body.text)) {
        (Some(_), Some(_)) => return Err(Problem::field("html", "goes without `text`: give one of the two")),
        (Some(html), None) => Some(Text { kind: TextKind::Html, value: html, ..Text::default() }),
        (None, text) => text.map(plain),
    };
    let title = short("title", body.title, MAX_TITLE)?;
    if title.is_none() && content.is_none() {
        return Err(Problem::field("title", "give a title, or a text of which one can be made"));
    }
    let language = short("language", body.language, 35)?;
    if language.as_ref().is_some_and(|tag| tag.len() < 2 || !tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    {
        return Err(Problem::field("language", "must be a tag such as `en` or `de-AT` (BCP 47)"));
    }
    for (field, length) in
        [("authors", body.authors.len()), ("categories", body.categories.len()), ("media", body.media.len())]
    {
        if length > MAX_LIST {
            return Err(Problem::field(field, format!("may have {MAX_LIST} members, not {length}")));
        }
    }
    let author = |(at, author): (usize, PostAuthor)| {
        let name = short(&format!("authors[{at}].name"), Some(author.name), MAX_NAME)?;
        let url = address(&format!("authors[{at}].url"), author.url)?;
        Ok(Person { name, url, ..Person::default() })
    };
    let category = |(at, term): (usize, String)| {
        let term = short(&format!("categories[{at}]"), Some(term), MAX_NAME)?;
        Ok(term.map(|term| Category { term, ..Category::default() }))
    };
    let media = |(at, file): (usize, PostMedia)| {
        let field = format!("media[{at}].url");
        let url = address(&field, Some(file.url))?.ok_or_else(|| Problem::field(&field, "is empty"))?;
        let mime = short(&format!("media[{at}].type"), file.mime, MAX_NAME)?;
        let title = short(&format!("media[{at}].title"), file.title, MAX_TITLE)?;
        Ok(Media { url, mime, title, is_enclosure: true, ..Media::default() })
    };
    Ok(Entry {
        id: Some(id.to_owned()),
        url: address("url", body.url)?,
        title: title.map(plain),
        summary: filled(body.summary).map(plain),
        content,
        language,
        published: body.published,
        updated: body.updated,
        licence: address("licence", body.licence)?,
        authors: body.authors.into_iter().enumerate().map(author).collect::<Answer<_>>()?,
        categories: body
            .categories
            .into_iter()
            .enumerate()
            .filter_map(|one| category(one).transpose())
            .collect::<Answer<_>>()?,
        media: body.media.into_iter().enumerate().map(media).collect::<Answer<_>>()?,
        ..Entry::default()
    })
}

/// A text that is not blank.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn short(field: &str, text: Option<String>, most: usize) -> Answer<Option<String>> {
    let Some(text) = filled(text) else { return Ok(None) };
    match text.chars().count() {
        length if length > most => Err(Problem::field(field, format!("may have {most} characters, not {length}"))),
        _ => Ok(Some(text.trim().to_owned())),
    }
}

fn address(field: &str, text: Option<String>) -> Answer<Option<String>> {
    let Some(text) = filled(text) else { return Ok(None) };
    let text = text.trim().to_owned();
    if !is_web_address(&text) {
        return Err(Problem::field(field, "must be an http or https address without user name and password"));
    }
    Ok(Some(text))
}
