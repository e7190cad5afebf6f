//! A feed as a page, for who opens its address in a browser: what it is, how to subscribe, what is in it. No script, no
//! picture, nothing from elsewhere.

use carewire_schemas::CuratedV1;
use jiff::Timestamp;

use super::{FeedItem, FeedMeta, parts::language, parts::title, web_address};
use crate::text::escape_html;

/// The stylesheet of these pages, served at `feeds/view.css`.
pub const VIEW_STYLE: &str = include_str!("view.css");

/// The page of a feed.
#[must_use]
pub fn view(meta: &FeedMeta, items: &[FeedItem]) -> Vec<u8> {
    let mut page = Page { out: String::with_capacity(2_000 + items.len() * 1_200) };
    page.raw("<!DOCTYPE html>\n<html lang=\"").text(&meta.language).raw("\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>").text(&meta.title);
    page.raw("</title>\n<meta name=\"robots\" content=\"noindex\">\n<link rel=\"canonical\" href=\"")
        .text(&meta.page_url);
    page.raw("\">\n<link rel=\"stylesheet\" href=\"").text(&meta.base).raw("feeds/view.css\">\n");
    page.raw("<link rel=\"icon\" href=\"data:,\">\n</head>\n<body>\n<header class=\"about\">\n<h1>").text(&meta.title);
    page.raw("</h1>\n");
    if !meta.description.is_empty() {
        page.raw("<p>").text(&meta.description).raw("</p>\n");
    }
    page.raw("<p><strong>This is a feed.</strong> To subscribe, copy its address into your feed reader: <code>");
    page.text(&meta.self_url).raw("</code></p>\n<p class=\"quiet\"><a href=\"").text(&meta.page_url);
    page.raw("\">The page of the network</a>");
    for (format, url) in &meta.alternates {
        page.raw(" · <a href=\"").text(url).raw("\">").text(format.name()).raw("</a>");
    }
    page.raw("</p>\n</header>\n<main>\n");
    if items.is_empty() {
        page.raw("<p class=\"quiet\">Nothing is in it yet.</p>\n");
    }
    page.raw("<ol>\n");
    for item in items {
        entry(&mut page, meta, &item.value);
    }
    page.raw("</ol>\n</main>\n");
    let paging = &meta.paging;
    let ways = [
        (&paging.current, "Newest"),
        (&paging.first, "First page"),
        (&paging.previous, "Newer"),
        (&paging.next, "Older"),
        (&paging.prev_archive, "Older"),
    ];
    if ways.iter().any(|(url, _)| url.is_some()) {
        page.raw("<nav aria-label=\"Pages\">");
        for (url, name) in ways {
            if let Some(url) = url {
                page.raw("<a href=\"").text(url).raw("\">").raw(name).raw("</a> ");
            }
        }
        page.raw("</nav>\n");
    }
    page.raw("</body>\n</html>\n");
    page.out.into_bytes()
}

fn entry(page: &mut Page, meta: &FeedMeta, item: &CuratedV1) {
    page.raw("<li><article");
    if let Some(tag) = language(item.language.as_deref()) {
        page.raw(" lang=\"").text(tag).raw("\"");
    }
    page.raw(" dir=\"auto\"><p class=\"quiet\">");
    if let Some(source) = item.sources.first() {
        page.text(&source.organization.name).raw(" · ");
    }
    page.raw("<time datetime=\"").text(&item.published.to_string()).raw("\">").text(&day(item.published));
    page.raw("</time></p>\n<h2><a rel=\"noopener noreferrer\" href=\"");
    match item.url.as_deref().and_then(web_address) {
        Some(url) => page.text(url),
        None => page.text(&meta.base).raw("items/").text(&item.id.to_string()),
    };
    page.raw("\">").text(title(item)).raw("</a></h2>\n");
    if !item.summary.is_empty() {
        page.raw("<p>").text(&item.summary).raw("</p>\n");
    }
    page.raw("<p class=\"quiet\"><a href=\"").text(&meta.base).raw("items/").text(&item.id.to_string());
    page.raw("\">What the network says of it</a></p></article></li>\n");
}

fn day(at: Timestamp) -> String {
    at.strftime("%-d %b %Y").to_string()
}

/// HTML in the making.
struct Page {
    out: String,
}

impl Page {
    fn raw(&mut self, markup: &str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        escape_html(text, &mut self.out);
        self
    }
}
