//! The sample organizations' own sites, on loopback: feeds with ETag and 304, and the articles behind them.

use std::{fmt::Write as _, net::SocketAddr, sync::Arc, time::Instant};

use anyhow::{Context, Result};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use jiff::{Timestamp, ToSpan};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::sample::{Channel, Entry, Format, Organization};

/// One site.
pub struct Site {
    what: What,
    root: String,
    began: (Instant, Timestamp),
}

enum What {
    Organization(Organization),
    Channel(Channel),
}

/// Where a site's feed is.
pub struct Published {
    /// Address of the feed.
    pub feed: String,
    /// Address of the site.
    pub site: String,
}

/// Serves an organization's site until `stop`.
///
/// # Errors
/// When no port is free.
pub async fn organization(organization: Organization, stop: &CancellationToken) -> Result<Published> {
    serve(What::Organization(organization), stop).await
}

/// Serves a channel's feed in YouTube's form until `stop`.
///
/// # Errors
/// When no port is free.
pub async fn channel(channel: Channel, stop: &CancellationToken) -> Result<Published> {
    serve(What::Channel(channel), stop).await
}

async fn serve(what: What, stop: &CancellationToken) -> Result<Published> {
    let listener =
        TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.context("no free port for a sample site")?;
    let root = format!("http://{}", listener.local_addr()?);
    let path = match &what {
        What::Organization(organization) if organization.format == Format::Json => "/feed.json".to_owned(),
        What::Organization(_) => "/feed.xml".to_owned(),
        What::Channel(channel) => format!("/feeds/videos.xml?channel_id={}", channel.channel),
    };
    let site = Arc::new(Site { what, root: root.clone(), began: (Instant::now(), Timestamp::now()) });
    let app = Router::new()
        .route("/feed.xml", get(feed))
        .route("/feed.json", get(feed))
        .route("/feeds/videos.xml", get(feed))
        .route("/", get(home))
        .route("/articles/{id}", get(article))
        .with_state(site);
    let stop = stop.clone();
    tokio::spawn(async move {
        let server = axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await });
        if let Err(error) = server.await {
            tracing::warn!(%error, "a sample site ended");
        }
    });
    Ok(Published { feed: format!("{root}{path}"), site: root })
}

async fn feed(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let (body, mime) = site.feed();
    let etag = format!(
        "\"{:016x}\"",
        body.bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| { (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3) })
    );
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    ([(header::ETAG, etag), (header::CONTENT_TYPE, mime.to_owned())], body).into_response()
}

async fn home(State(site): State<Arc<Site>>) -> Html<String> {
    Html(format!(
        "<!doctype html><title>{0}</title><h1>{0}</h1><p>A sample site of the Carewire demo.",
        xml(site.title())
    ))
}

async fn article(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Response {
    let What::Organization(organization) = &site.what else { return StatusCode::NOT_FOUND.into_response() };
    match organization.entry.iter().find(|entry| entry.id == id) {
        Some(entry) if !site.withdrawn(entry) => {
            Html(format!("<!doctype html><title>{0}</title><h1>{0}</h1>{1}", xml(&entry.title), site.html(entry)))
                .into_response()
        }
        Some(_) => (StatusCode::GONE, Html("<!doctype html><title>Withdrawn</title><p>This article was withdrawn."))
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What of an entry is shown at this moment.
struct Shown<'a> {
    entry: &'a Entry,
    html: &'a str,
    published: Timestamp,
    updated: Timestamp,
}

impl Site {
    fn seconds(&self) -> u64 {
        self.began.0.elapsed().as_secs()
    }

    fn after(&self, seconds: u64) -> Timestamp {
        self.began.1.checked_add(i64::try_from(seconds).unwrap_or(0).seconds()).unwrap_or(self.began.1)
    }

    fn at(&self, hours: u32, later: u64) -> Timestamp {
        if later > 0 {
            return self.after(later);
        }
        self.began.1.checked_sub(i64::from(hours).hours()).unwrap_or(self.began.1)
    }

    fn withdrawn(&self, entry: &Entry) -> bool {
        entry.withdrawn_after.is_some_and(|at| self.seconds() >= at)
    }

    fn html<'a>(&self, entry: &'a Entry) -> &'a str {
        match (&entry.corrected_html, entry.corrected_after) {
            (Some(html), Some(at)) if self.seconds() >= at => html,
            _ => &entry.html,
        }
    }

    fn shown<'a>(&self, entries: &'a [Entry]) -> Vec<Shown<'a>> {
        let now = self.seconds();
        let mut shown: Vec<Shown<'a>> = entries
            .iter()
            .filter(|entry| entry.later <= now && !self.withdrawn(entry))
            .map(|entry| {
                let published = self.at(entry.hours, entry.later);
                let corrected = entry.corrected_after.filter(|at| now >= *at).map(|at| self.after(at));
                Shown { entry, html: self.html(entry), published, updated: corrected.unwrap_or(published) }
            })
            .collect();
        shown.sort_by_key(|shown| std::cmp::Reverse(shown.published));
        shown
    }

    fn title(&self) -> &str {
        match &self.what {
            What::Organization(organization) => &organization.name,
            What::Channel(channel) => &channel.title,
        }
    }

    fn feed(&self) -> (String, &'static str) {
        match &self.what {
            What::Channel(channel) => (self.youtube(channel), "text/xml; charset=UTF-8"),
            What::Organization(organization) => match organization.format {
                Format::Rss2 => (self.rss2(organization), "application/rss+xml; charset=utf-8"),
                Format::Rss1 => (self.rss1(organization), "application/rdf+xml"),
                Format::Atom => (self.atom(organization), "application/atom+xml"),
                Format::Json => (self.json(organization), "application/feed+json"),
                Format::Broken => (self.broken(organization), "text/html"),
            },
        }
    }

    fn link(&self, entry: &Entry) -> String {
        format!("{}/articles/{}", self.root, entry.id)
    }

    fn rss2(&self, organization: &Organization) -> String {
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><channel><title>{}</title><link>{}</link><description>News</description><language>{}</language>\n",
            xml(&organization.name),
            self.root,
            organization.language
        );
        for shown in self.shown(&organization.entry) {
            let link = self.link(shown.entry);
            let _ = writeln!(
                out,
                "<item><title>{}</title><link>{link}?utm_source=rss&amp;utm_medium=feed</link><guid>{link}</guid><pubDate>{}</pubDate><content:encoded><![CDATA[{}]]></content:encoded></item>",
                xml(&shown.entry.title),
                rfc2822(shown.published),
                shown.html
            );
        }
        out.push_str("</channel></rss>\n");
        out
    }

    fn rss1(&self, organization: &Organization) -> String {
        let shown = self.shown(&organization.entry);
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns=\"http://purl.org/rss/1.0/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n<channel rdf:about=\"{0}/feed.xml\"><title>{1}</title><link>{0}</link><description>News</description><dc:language>{2}</dc:language></channel>\n",
            self.root,
            xml(&organization.name),
            organization.language
        );
        for shown in &shown {
            let link = self.link(shown.entry);
            let _ = writeln!(
                out,
                "<item rdf:about=\"{link}\"><title>{}</title><link>{link}</link><description>{}</description><dc:date>{}</dc:date></item>",
                xml(&shown.entry.title),
                xml(shown.html),
                shown.published
            );
        }
        out.push_str("</rdf:RDF>\n");
        out
    }

    fn atom(&self, organization: &Organization) -> String {
        let shown = self.shown(&organization.entry);
        let updated = shown.iter().map(|shown| shown.updated).max().unwrap_or(self.began.1);
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" xml:lang=\"{2}\"><title>{1}</title><id>{0}/</id><link rel=\"alternate\" href=\"{0}/\"/><updated>{updated}</updated>\n",
            self.root,
            xml(&organization.name),
            organization.language
        );
        for entry in organization.entry.iter().filter(|entry| self.withdrawn(entry)) {
            let when = self.after(entry.withdrawn_after.unwrap_or(0));
            let _ = writeln!(out, "<at:deleted-entry ref=\"{}\" when=\"{when}\"/>", self.link(entry));
        }
        for shown in &shown {
            let link = self.link(shown.entry);
            let _ = writeln!(
                out,
                "<entry><title>{}</title><id>{link}</id><link rel=\"alternate\" href=\"{link}\"/><published>{}</published><updated>{}</updated><content type=\"html\">{}</content></entry>",
                xml(&shown.entry.title),
                shown.published,
                shown.updated,
                xml(shown.html)
            );
        }
        out.push_str("</feed>\n");
        out
    }

    fn json(&self, organization: &Organization) -> String {
        let items: Vec<_> = self
            .shown(&organization.entry)
            .iter()
            .map(|shown| {
                let link = self.link(shown.entry);
                json!({"id": link, "url": link, "title": shown.entry.title, "content_html": shown.html, "date_published": shown.published.to_string()})
            })
            .collect();
        json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": organization.name,
            "home_page_url": self.root,
            "language": organization.language,
            "items": items,
        })
        .to_string()
    }

    /// As broken as feeds are in the wild; every entry can still be read.
    fn broken(&self, organization: &Organization) -> String {
        let mut out = format!(
            "\n  <!-- cached by a plugin -->\n<?xml version=\"1.0\"?>\n<rss version=\"2.0\"><channel><title>{}</title><link>{}</link><description>Minds &nbsp; more</description>\n",
            organization.name, self.root
        );
        for shown in self.shown(&organization.entry) {
            let link = self.link(shown.entry);
            let _ = writeln!(
                out,
                "<item><title>{}</title><link>{link}</link><guid>{link}</guid><pubDate>{}</pubDate><description>{}</description>\u{8}</item>",
                shown.entry.title,
                shown.published.strftime("%Y-%m-%d %H:%M:%S"),
                xml(shown.html)
            );
        }
        // The end is missing, as when a server gives up in the middle.
        out
    }

    fn youtube(&self, channel: &Channel) -> String {
        let now = self.seconds();
        let mut videos: Vec<_> = channel.video.iter().filter(|video| video.later <= now).collect();
        videos.sort_by_key(|video| std::cmp::Reverse(self.at(video.hours, video.later)));
        let id = &channel.channel;
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" xmlns:media=\"http://search.yahoo.com/mrss/\" xmlns=\"http://www.w3.org/2005/Atom\"><id>yt:channel:{id}</id><yt:channelId>{id}</yt:channelId><title>{}</title><link rel=\"alternate\" href=\"https://www.youtube.com/channel/{id}\"/><published>2020-01-01T00:00:00+00:00</published>\n",
            xml(&channel.title)
        );
        for video in videos {
            let when = self.at(video.hours, video.later);
            let _ = writeln!(
                out,
                "<entry><id>yt:video:{0}</id><yt:videoId>{0}</yt:videoId><yt:channelId>{id}</yt:channelId><title>{1}</title><link rel=\"alternate\" href=\"https://www.youtube.com/watch?v={0}\"/><author><name>{2}</name></author><published>{when}</published><updated>{when}</updated><media:group><media:title>{1}</media:title><media:content url=\"https://www.youtube.com/v/{0}?version=3\" type=\"application/x-shockwave-flash\" width=\"640\" height=\"390\"/><media:thumbnail url=\"https://i1.ytimg.com/vi/{0}/hqdefault.jpg\" width=\"480\" height=\"360\"/><media:description>{3}</media:description></media:group></entry>",
                video.id,
                xml(&video.title),
                xml(&channel.title),
                xml(&video.text)
            );
        }
        out.push_str("</feed>\n");
        out
    }
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn rfc2822(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
