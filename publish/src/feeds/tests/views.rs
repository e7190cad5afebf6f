//! Other views of a feed: a channel's, a page's, what is new since.

use carewire_store::{ChannelPatch, NewChannel};

use super::*;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn channel(query: &str) -> NewChannel {
    NewChannel {
        slug: Slug::new("sugar").expect("a slug"),
        title: "Sugar & you".to_owned(),
        description: "All about it".to_owned(),
        picture: Some("https://net.example/p.png".to_owned()),
        query: query.to_owned(),
        owner: None,
    }
}

#[tokio::test]
async fn a_channel_is_a_feed_with_archives() {
    let net = Net::new().await;
    assert_eq!(net.get("/feeds/channels/sugar.atom").await.status, StatusCode::NOT_FOUND);
    net.put(rows(1..=2, ASTHMA, "clinic")).await;
    net.put(rows(3..=300, DIABETES, "clinic")).await;
    net.indexed().await;
    // What was asked before it was made is forgotten within a second.
    let made = net.store.add_channel(channel("condition=D003924")).await.expect("made");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let mut answer = net.get("/feeds/channels/sugar.json").await;
    while answer.status != StatusCode::OK {
        assert!(tokio::time::Instant::now() < deadline, "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = net.get("/feeds/channels/sugar.json").await;
    }
    let json = answer.json();
    assert_eq!((&json["title"], &json["description"]), (&"Sugar & you".into(), &"All about it".into()));
    assert_eq!(json["icon"], "https://net.example/p.png");
    assert_eq!(json["home_page_url"], "https://net.example/channels/sugar");
    assert_eq!(answer.ids(), (201..=300).rev().collect::<Vec<_>>());
    // Every item of the channel once, through its archives.
    let mut seen: BTreeSet<u128> = answer.ids().into_iter().collect();
    let mut next = json["next_url"].as_str().map(str::to_owned);
    while let Some(url) = next {
        assert!(url.starts_with("https://net.example/feeds/channels/sugar.json?archive="), "{url}");
        let page = net.get(url.trim_start_matches("https://net.example")).await;
        seen.extend(page.ids());
        next = page.json()["next_url"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, (3..=300).collect::<BTreeSet<_>>());
    assert!(net.get("/opml").await.text().contains("xmlUrl=\"https://net.example/feeds/channels/sugar.atom\""));
    // Another question under the same name.
    let patch = ChannelPatch { query: Some("condition=D001249".to_owned()), ..ChannelPatch::default() };
    net.store.update_channel(&made.slug, patch).await.expect("changed");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while net.get("/feeds/channels/sugar.json").await.ids() != [2, 1] {
        assert!(tokio::time::Instant::now() < deadline, "the change is never seen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(net.get("/feeds/channels/sugar.json?q=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_browser_gets_a_page_and_a_reader_the_feed() {
    let net = Net::new().await;
    net.put(rows(1..=2, DIABETES, "clinic")).await;
    for path in ["/feeds/all.atom", "/feeds/all.rss", "/feeds/organizations/clinic.json"] {
        let page = net.ask("GET", path, &[("accept", BROWSER)]).await;
        assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"), "{path}");
        assert!(page.text().contains("This is a feed.") && page.text().contains("Item 2"), "{path}");
        assert!(page.text().contains(&format!("<code>https://net.example{path}</code>")), "{path}");
        assert!(page.header("content-security-policy").contains("default-src 'none'"), "{path}");
        let feed = net.ask("GET", path, &[("accept", "*/*")]).await;
        assert!(feed.header("content-type").contains("xml") || feed.header("content-type").contains("feed+json"));
        for answer in [&page, &feed] {
            assert_eq!(answer.header("vary"), "accept, accept-encoding", "{path}");
        }
        assert_ne!(page.header("etag"), feed.header("etag"), "{path}");
        let known = net.ask("GET", path, &[("accept", BROWSER), ("if-none-match", page.header("etag"))]).await;
        assert_eq!(known.status, StatusCode::NOT_MODIFIED, "{path}");
    }
    let style = net.get("/feeds/view.css").await;
    assert_eq!((style.status, style.header("content-type")), (StatusCode::OK, "text/css; charset=utf-8"));
    let head = net.ask("HEAD", "/feeds/all.atom", &[]).await;
    let whole = net.get("/feeds/all.atom").await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    for name in ["etag", "content-type", "cache-control", "access-control-allow-origin"] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
    assert_eq!(head.header("content-length"), whole.body.len().to_string());
}

#[tokio::test]
async fn who_has_an_older_state_gets_what_is_new() {
    let net = Net::new().await;
    net.put(rows(1..=5, DIABETES, "clinic")).await;
    let first = net.ask("GET", "/feeds/all.json", &[("accept-encoding", "gzip")]).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.ends_with("-gz\""), "{tag}");
    net.put(rows(6..=6, DIABETES, "clinic")).await;
    let mut changed = item(2, DIABETES, "clinic");
    (changed.version, changed.title) = (2, "Corrected".to_owned());
    net.put(vec![row(&changed, None)]).await;
    let ask = async |manipulation: &str, tag: &str| {
        net.ask("GET", "/feeds/all.json", &[("a-im", manipulation), ("if-none-match", tag)]).await
    };
    // A feed that changes all the time is rendered now and then.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let mut whole = net.get("/feeds/all.json").await;
    while whole.ids().len() < 6 {
        assert!(tokio::time::Instant::now() < deadline, "the new item is never seen");
        tokio::time::sleep(Duration::from_millis(20)).await;
        whole = net.get("/feeds/all.json").await;
    }
    let delta = ask("vcdiff, feed", &tag).await;
    assert_eq!((delta.status.as_u16(), delta.header("im")), (226, "feed"), "{}", delta.text());
    assert_eq!(delta.ids(), [6, 2], "what is new and what was corrected");
    assert_eq!(delta.header("etag"), whole.header("etag"), "the tag is that of the whole");
    assert!(delta.header("cache-control").contains("no-store"));
    assert!(delta.header("vary").contains("a-im"));
    assert_eq!(ask("feed", whole.header("etag")).await.status, StatusCode::NOT_MODIFIED);
    // A state that nobody remembers, and a client that does not ask.
    assert_eq!(ask("feed", "\"0123\"").await.ids().len(), 6);
    assert_eq!(ask("gzip", &tag).await.status, StatusCode::OK);
    let plain = net.ask("GET", "/feeds/all.json", &[("if-none-match", &tag)]).await;
    assert_eq!((plain.status, plain.ids().len()), (StatusCode::OK, 6));
    // A withdrawal is told of in Atom.
    let atom = net.get("/feeds/all.atom").await;
    let mut gone = item(3, DIABETES, "clinic");
    gone.version = 2;
    net.put(vec![row(&gone, Some("retracted"))]).await;
    net.get("/feeds/all.atom").await;
    let delta = net.ask("GET", "/feeds/all.atom", &[("a-im", "feed"), ("if-none-match", atom.header("etag"))]).await;
    assert_eq!(delta.status.as_u16(), 226);
    assert!(delta.text().contains("<at:deleted-entry") && !delta.text().contains("<entry"), "{}", delta.text());
}

#[tokio::test]
async fn sound_alone_makes_a_podcast() {
    let net = Net::new().await;
    let mut episode = item(1, DIABETES, "clinic");
    episode.kind = ItemKind::Audio;
    net.put(vec![row(&episode, None), row(&item(2, DIABETES, "clinic"), None)]).await;
    net.indexed().await;
    let podcast = net.get("/feeds/search.rss?kind=audio").await.text();
    assert!(podcast.contains("xmlns:itunes=") && podcast.contains("<title>Item 1</title>"), "{podcast}");
    assert!(!podcast.contains("<title>Item 2</title>"));
    assert!(!net.get("/feeds/search.rss?kind=audio,video").await.text().contains("itunes"));
}
