//! The frame of every page, and the parts that pages share.

use carewire_query::snippet::{Marked, Marker};
use carewire_schemas::{CuratedV1, ItemKind, Role};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::style;
use crate::{listing, problem::Problem, state::PortalState};

/// What the head of a page says.
#[derive(Default)]
pub(crate) struct Page {
    /// The title; the network's name is added.
    pub title: String,
    /// For search engines and previews.
    pub description: String,
    /// The language of the main part, where it is not the page's.
    pub canonical: Option<String>,
    /// Feeds of what the page shows.
    pub feeds: Option<Feeds>,
    /// Which entry of the menu is this page.
    pub active: &'static str,
    /// What the page is about, for search engines (schema.org as JSON-LD).
    pub data: Option<serde_json::Value>,
    /// Whether the page can be embedded by its address (oEmbed).
    pub embeddable: bool,
}

/// Three feeds of one thing.
#[derive(Clone)]
pub(crate) struct Feeds {
    /// What they hold.
    pub title: String,
    /// The address before the format's ending, such as `/feeds/all`.
    pub stem: String,
    /// The query string, without `?`; empty for none.
    pub query: String,
}

impl Feeds {
    pub(crate) fn new(title: impl Into<String>, stem: impl Into<String>) -> Self {
        Self { title: title.into(), stem: stem.into(), query: String::new() }
    }

    fn addresses(&self) -> [(&'static str, &'static str, String); 3] {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        [
            ("Atom", "application/atom+xml", format!("{}.atom{query}", self.stem)),
            ("RSS", "application/rss+xml", format!("{}.rss{query}", self.stem)),
            ("JSON", "application/feed+json", format!("{}.json{query}", self.stem)),
        ]
    }

    /// Links to the three formats.
    pub(crate) fn links(&self) -> Markup {
        html! {
            span.formats {
                @for (name, kind, address) in self.addresses() {
                    a href=(address) type=(kind) title={ (self.title) " as " (name) } { (name) }
                }
            }
        }
    }
}

/// The network's mark: two nodes and the wire between them.
const MARK: &str = r#"<svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true"><rect width="32" height="32" rx="8" fill="currentColor"/><path d="M5 17h5l3-8 5 15 4-10 1.6 3H27" fill="none" stroke="var(--surface)" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/></svg>"#;

impl Page {
    /// The whole document.
    pub(crate) fn render(&self, state: &PortalState, body: &Markup) -> Markup {
        let name = state.name();
        let menu = [
            ("home", "/", "Latest"),
            ("search", "/search", "Search"),
            ("organizations", "/organizations", "Organizations"),
            ("channels", "/channels", "Channels"),
            ("docs", "/docs", "API"),
        ];
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { @if self.title.is_empty() { (name) } @else { (self.title) " · " (name) } }
                    @if !self.description.is_empty() { meta name="description" content=(self.description); }
                    @if let Some(path) = &self.canonical { link rel="canonical" href=(state.absolute(path)); }
                    link rel="stylesheet" href=(style::path());
                    link rel="icon" href=(ICON);
                    @if let (true, Some(path)) = (self.embeddable, &self.canonical) {
                        link rel="alternate" type="application/json+oembed" title=(self.title) href=(oembed(state, path));
                    }
                    @if let Some(data) = &self.data { script type="application/ld+json" { (PreEscaped(script_safe(data))) } }
                    @if let Some(feeds) = &self.feeds {
                        @for (format, kind, address) in feeds.addresses() {
                            link rel="alternate" type=(kind) title={ (feeds.title) " (" (format) ")" } href=(address);
                        }
                    }
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    header.top {
                        div.wrap {
                            a.brand href="/" { (PreEscaped(MARK)) span { (name) } }
                            nav aria-label="Main" {
                                @for (id, address, text) in menu {
                                    a href=(address) aria-current=[(id == self.active).then_some("page")] { (text) }
                                }
                            }
                        }
                    }
                    main.wrap id="main" { (body) }
                    footer.bottom {
                        div.wrap {
                            p { (name) " carries what health organizations publish and curators let through. It is no medical advice: ask the people who treat you." }
                            p.quiet {
                                "Condition names: Medical Subject Headings, courtesy of the U.S. National Library of Medicine; Human Disease Ontology; Mondo. "
                                "Carewire " (state.version()) "."
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where the page's oEmbed answer is.
fn oembed(state: &PortalState, path: &str) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.append_pair("url", &state.absolute(path));
    state.absolute(&format!("/oembed?{}", out.finish()))
}

/// JSON that may stand in a script element: nothing in it can end the element or begin a comment (WHATWG HTML, "restrictions
/// for contents of script elements").
pub(crate) fn script_safe(data: &serde_json::Value) -> String {
    data.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// No icon file is asked for: an empty one stands in the page.
const ICON: &str = "data:,";

/// The search field.
pub(crate) fn search_form(value: &str, large: bool) -> Markup {
    html! {
        form.search.large[large] action="/search" method="get" role="search" {
            label.unseen for="q" { "A condition, or words" }
            input id="q" name="q" type="search" value=(value) placeholder="A condition or words: diabetes, stroke recovery …" autocomplete="off" maxlength="200";
            button type="submit" { "Search" }
        }
    }
}

/// The public forms of rows; one that cannot be read is left out and noted.
pub(crate) fn read(rows: &[listing::Row]) -> Vec<CuratedV1> {
    let read = |row: &listing::Row| {
        serde_json::from_str(&row.content)
            .inspect_err(|error| tracing::error!(item = %row.id, %error, "an item's content cannot be read"))
            .ok()
    };
    rows.iter().filter_map(read).collect()
}

/// A list of items with the words of a question marked, and the piece of each where they stand; or words for none.
pub(crate) fn marked_items(items: &[CuratedV1], none: &str, marker: Option<&Marker>) -> Markup {
    let Some(marker) = marker else { return self::items(items, none) };
    html! {
        @if items.is_empty() { p.empty { (none) } }
        @else { ol.items { @for item in items { li { (card(item, Some(marker))) } } } }
    }
}

/// A list of items, or words for none.
pub(crate) fn items(items: &[CuratedV1], none: &str) -> Markup {
    html! {
        @if items.is_empty() { p.empty { (none) } }
        @else { ol.items { @for item in items { li { (card(item, None)) } } } }
    }
}

/// One item in a list.
fn card(item: &CuratedV1, marker: Option<&Marker>) -> Markup {
    let text = marker.map(|marker| marker.text(item)).filter(Marked::is_marked);
    let page = format!("/items/{}", item.id);
    let about = item.conditions.iter().filter(|tag| tag.role == Role::About).take(4);
    html! {
        article.card {
            p.meta {
                @if let Some(source) = item.sources.first() {
                    a.source href={ "/organizations/" (source.organization.slug) } { (source.organization.name) }
                }
                @if item.sources.len() > 1 { span { "+" (item.sources.len() - 1) } }
                (day(item.published))
                (kind(item))
            }
            h3 lang=[item.language.as_deref()] dir="auto" { a href=(page) { @match marker { Some(marker) => (marks(&marker.title(item))), None => (item.title) } } }
            @if let Some(text) = &text { p.summary lang=[item.language.as_deref()] dir="auto" { (marks(text)) } }
            @else if !item.summary.is_empty() { p.summary lang=[item.language.as_deref()] dir="auto" { (item.summary) } }
            p.chips { @for tag in about { (chip(tag.code.as_str(), &tag.name)) } }
        }
    }
}

/// A text with what answers a question marked.
fn marks(text: &Marked) -> Markup {
    html! { @for (part, marked) in &text.parts { @if *marked { mark { (part) } } @else { (part) } } }
}

/// What kind of item, how long, and in what language.
pub(crate) fn kind(item: &CuratedV1) -> Markup {
    let seconds = item.video.as_ref().and_then(|video| video.duration);
    html! {
        @match item.kind {
            ItemKind::Article => {}
            kind => span.kind { (kind.words()) }
        }
        @if let Some(seconds) = seconds { span { (length(seconds)) } }
        @if let Some(language) = item.language.as_deref().filter(|language| !language.starts_with("en")) {
            span { (language_name(language)) }
        }
    }
}

/// A link to a condition's page.
pub(crate) fn chip(code: &str, name: &str) -> Markup {
    html! { a.chip href={ "/conditions/" (code) } { (name) } }
}

/// A day, as people write it, with the instant for machines.
pub(crate) fn day(at: Timestamp) -> Markup {
    let text = at.strftime("%-d %b %Y").to_string();
    html! { time datetime=(at.to_string()) { (text) } }
}

/// A day and time of day, in UTC.
pub(crate) fn moment(at: Timestamp) -> Markup {
    let text = at.strftime("%-d %b %Y, %H:%M UTC").to_string();
    html! { time datetime=(at.to_string()) { (text) } }
}

/// `m:ss` or `h:mm:ss`.
fn length(seconds: u32) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// The language in its own name, where it is a common one; else its tag.
pub(crate) fn language_name(tag: &str) -> &str {
    let primary = tag.split('-').next().unwrap_or(tag);
    LANGUAGES.iter().find(|(code, _)| *code == primary).map_or(tag, |(_, name)| name)
}

/// Languages offered as filters.
pub(crate) const LANGUAGES: [(&str, &str); 10] = [
    ("en", "English"),
    ("es", "Español"),
    ("fr", "Français"),
    ("de", "Deutsch"),
    ("it", "Italiano"),
    ("pt", "Português"),
    ("nl", "Nederlands"),
    ("zh", "中文"),
    ("ar", "العربية"),
    ("ja", "日本語"),
];

/// A number with separators of thousands.
pub(crate) fn number(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if count < 0 {
        out.push('-');
    }
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 item", "2 items".
pub(crate) fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// A link to the next page of a list.
pub(crate) fn older(address: Option<&str>) -> Markup {
    html! { @if let Some(address) = address { p.older { a.button href=(address) rel="next" { "Older items" } } } }
}

/// The address, where it is one that may be linked to: `http` or `https`.
pub(crate) fn web(address: &str) -> Option<&str> {
    let scheme = address.split_once("://")?.0;
    (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")).then_some(address)
}

/// The path and query of the same page further on.
pub(crate) fn next_path(path: &str, query: &str, after: &str) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "after"));
    out.append_pair("after", after);
    format!("{path}?{}", out.finish())
}

/// Items per page.
pub(crate) const PAGE: usize = 20;

/// A page's place: only `after` besides what the page itself knows.
pub(crate) fn paging(raw: Option<&str>) -> Result<listing::Paging, Problem> {
    let params = crate::request::Params::read(raw, &["after"])?;
    Ok(listing::Paging { after: params.get("after").map(str::to_owned), limit: PAGE })
}
