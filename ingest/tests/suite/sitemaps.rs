//! A site without a feed: its site map is read as one, within robots.txt.

use crate::common::{Sandbox, eventually, publisher::Page};
use carewire_schemas::Change;
use carewire_store::FeedKind;

fn article(title: &str) -> Page {
    let data = format!(
        r#"{{"@context":"https://schema.org","@type":"NewsArticle","headline":"{title}","datePublished":"2026-11-20T08:00:00Z"}}"#
    );
    let page = format!(
        "<!doctype html><html lang=en><head><title>{title}</title><script type=\"application/ld+json\">{data}</script></head>\
         <body><article><p>About {title}, for patients and their families.</p></article></body></html>"
    );
    Page::feed(page).header("content-type", "text/html; charset=utf-8")
}

fn map(rows: &[(String, &str)]) -> Page {
    let rows: String =
        rows.iter().map(|(url, day)| format!("<url><loc>{url}</loc><lastmod>{day}</lastmod></url>")).collect();
    Page::feed(format!("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">{rows}</urlset>"))
}

#[tokio::test]
async fn the_pages_of_a_site_map_are_read_as_entries_within_robots_txt() {
    let sandbox = Sandbox::new().await;
    let publisher = &sandbox.publisher;
    let url = |path: &str| publisher.url(1, path);
    publisher
        .set("/robots.txt", Page::feed("User-agent: *\nDisallow: /private/\n").header("content-type", "text/plain"));
    publisher.set("/news/1", article("Insulin"));
    publisher.set("/news/2", article("Stroke"));
    publisher.set("/contact", Page::feed("<html><head><title>Contact</title></head><body>Call us</body></html>"));
    publisher.set("/private/3", article("Staff only"));
    let rows = |day: &'static str| {
        vec![
            (url("/news/1"), day),
            (url("/news/2"), "2026-11-20"),
            (url("/contact"), "2026-11-01"),
            (url("/private/3"), "2026-11-20"),
        ]
    };
    publisher.set("/index.xml", {
        let at = url("/sitemap.xml");
        Page::feed(format!("<sitemapindex><sitemap><loc>{at}</loc></sitemap></sitemapindex>"))
    });
    publisher.set("/sitemap.xml", map(&rows("2026-11-20")));
    let id = sandbox.add(1, "/index.xml").await;
    let worker = sandbox.worker();
    let read = |count: i64| {
        let sandbox = &sandbox;
        eventually("the pages", move || async move { (sandbox.feed(id).await.entries == count).then_some(()) })
    };
    read(2).await;
    let feed = sandbox.feed(id).await;
    assert_eq!((feed.kind, feed.format.as_deref(), feed.last_error), (FeedKind::Sitemap, Some("sitemap"), None));
    let mut events = sandbox.events(id).await;
    events.sort_by_key(|event| event.content.url.clone());
    let titles: Vec<_> = events.iter().map(|event| event.content.title.clone().unwrap().value).collect();
    assert_eq!(titles, ["Insulin", "Stroke"], "what says that it is an article, and may be read");
    assert!(events.iter().all(|event| event.history && event.content.published.is_some()));
    eventually("the walk's end", || async { sandbox.store.next_task().await.unwrap().is_none().then_some(()) }).await;
    assert!(publisher.asked("/private/3").is_empty());
    assert_eq!(publisher.asked("/robots.txt").len(), 1);

    // Registered by the map itself: only what is new or changed is asked for again.
    let direct = sandbox.add(2, "/direct.xml").await;
    publisher.set("/direct.xml", map(&[(publisher.url(2, "/news/1"), "2026-11-20")]));
    sandbox.poll(direct).await;
    eventually("the page", || async { (sandbox.feed(direct).await.entries == 1).then_some(()) }).await;
    publisher.set("/news/1", article("Insulin, corrected"));
    publisher.set("/news/4", article("Asthma"));
    let before = publisher.asked("/news/1").len();
    let rows = [(publisher.url(2, "/news/1"), "2026-11-24"), (publisher.url(2, "/news/4"), "2026-11-24")];
    publisher.set("/direct.xml", map(&rows));
    sandbox.poll(direct).await;
    eventually("both", || async { (sandbox.events(direct).await.len() == 3).then_some(()) }).await;
    let told = sandbox.events(direct).await;
    let mut told: Vec<_> = told.into_iter().map(|e| (e.content.title.unwrap().value, e.change, e.history)).collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        told,
        [
            ("Asthma".to_owned(), Change::New, false),
            ("Insulin".to_owned(), Change::New, true),
            ("Insulin, corrected".to_owned(), Change::Changed, false),
        ]
    );
    assert_eq!(publisher.asked("/news/1").len(), before + 1);
    assert!(publisher.log().iter().all(|asked| asked.at_once == 1), "under the host's lease");
    worker.end().await;
}

#[tokio::test]
async fn an_unreachable_robots_txt_means_that_nothing_is_read() {
    let sandbox = Sandbox::new().await;
    let publisher = &sandbox.publisher;
    publisher.set("/robots.txt", Page::status(503).header("retry-after", "3600"));
    publisher.set("/news/1", article("Insulin"));
    publisher.set("/sitemap.xml", map(&[(publisher.url(1, "/news/1"), "2026-11-20")]));
    let id = sandbox.add(1, "/sitemap.xml").await;
    let worker = sandbox.worker();
    sandbox.polled(id).await;
    eventually("robots.txt", || async { (!publisher.asked("/robots.txt").is_empty()).then_some(()) }).await;
    worker.end().await;
    assert!(publisher.asked("/news/1").is_empty());
    assert!(sandbox.store.next_task().await.unwrap().is_some(), "it is tried again later");
}
