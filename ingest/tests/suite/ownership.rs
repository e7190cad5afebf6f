//! Proofs of ownership against publishers and a name server on loopback: every way, every refusal, loss and grace.

use std::{net::SocketAddr, time::Duration};

use crate::common::{
    Sandbox,
    dns::NameServer,
    eventually,
    publisher::{Page, item, rss},
};
use carewire_bus::Health;
use carewire_fetch::{Client, host_of};
use carewire_ingest::{
    Errands,
    ownership::{self, Checker, DnsError, Owners, OwnershipConfig, Resolver},
};
use carewire_ownership::{WELL_KNOWN, Way};
use carewire_store::{Feed, FeedKind, NewFeed, OwnershipOutcome, OwnershipState, OwnershipTimes, Proof};
use tokio_util::sync::CancellationToken;
use url::Url;

const CHANNEL: &str = "UCabcdefghijklmnopqrstuv";

struct Network {
    sandbox: Sandbox,
    dns: NameServer,
    dns_address: SocketAddr,
    token: String,
}

impl Network {
    async fn new() -> Network {
        let sandbox = Sandbox::new().await;
        let (dns, dns_address) = NameServer::start().await;
        let token = sandbox.store.ownership_token(sandbox.organization).await.unwrap();
        Network { sandbox, dns, dns_address, token }
    }

    fn checker(&self) -> Checker {
        let client = Client::new(&self.sandbox.fetch).unwrap();
        let errands = Errands::new(self.sandbox.store.clone(), client, Duration::from_secs(5));
        Checker { errands, resolver: Resolver::new(Some(self.dns_address)) }
    }

    /// A feed at this address, unproven; nothing is polled here, so it says of its site what is given.
    async fn feed(&self, url: &str, kind: FeedKind, site: Option<String>) -> Feed {
        let new = NewFeed {
            organization: self.sandbox.organization,
            url: url.to_owned(),
            kind,
            title: None,
            site_url: site,
            host: host_of(&url.parse().unwrap()).unwrap(),
            proof: Proof::None,
            interval_s: 1800,
        };
        self.sandbox.store.add_feed(new).await.unwrap()
    }

    fn page(&self, path: &str, body: String) {
        self.sandbox.publisher.set(path, Page::feed(body).header("content-type", "text/html"));
    }
}

/// What stands where, and by which way that proves the feed.
#[tokio::test]
async fn every_way_and_every_refusal() {
    struct Case {
        name: &'static str,
        pages: Vec<(&'static str, Page)>,
        records: Vec<(&'static str, String)>,
        back: bool,
        expected: Option<Way>,
    }
    let network = Network::new().await;
    let token = network.token.clone();
    let home = |text: &str| Page {
        status: 200,
        body: format!("<html><head>{text}</head></html>").into_bytes(),
        ..Page::default()
    };
    let meta = format!("<meta name=\"carewire-verification\" content=\"{token}\">");
    let file = |text: &str| Page { status: 200, body: text.as_bytes().to_vec(), ..Page::default() };
    let txt = format!("carewire-verification={token}");
    let podcast = format!(
        "<podcast:txt xmlns:podcast=\"https://podcastindex.org/namespace/1.0\" purpose=\"verify\">{token}</podcast:txt>"
    );
    let case = |name, expected| Case { name, pages: vec![], records: vec![], back: false, expected };
    let away = Page::status(302).header("location", &network.sandbox.publisher.url(9, "/token"));
    let cases = [
        case("nothing", None),
        Case { pages: vec![(WELL_KNOWN, file(&format!("# ours\n{token}\n")))], ..case("a file", Some(Way::WellKnown)) },
        Case { pages: vec![(WELL_KNOWN, file(&format!("{token}x\n")))], ..case("another's token", None) },
        Case { pages: vec![(WELL_KNOWN, Page { status: 404, ..file(&token) })], ..case("a 404 that holds it", None) },
        Case {
            pages: vec![(WELL_KNOWN, away.clone()), ("/token", file(&token))],
            ..case("a file on another host", None)
        },
        Case { pages: vec![("/", home(&meta))], ..case("the home page of the feed's host", Some(Way::HomePage)) },
        Case {
            pages: vec![("/", home(&format!("</head><body>{meta}")))],
            ..case("in the body, where others write", None)
        },
        Case { pages: vec![("/", away), ("/token", home(&meta))], ..case("a home page on another host", None) },
        Case { records: vec![("clinic.localhost", txt.clone())], ..case("a TXT record", Some(Way::Dns)) },
        Case { records: vec![("_carewire.clinic.localhost", txt.clone())], ..case("under its label", Some(Way::Dns)) },
        Case { records: vec![("localhost", txt.clone())], ..case("above the host", None) },
        Case { records: vec![("clinic.localhost", token.clone())], ..case("a record of another form", None) },
        Case {
            pages: vec![("/feed", Page::feed(rss(std::slice::from_ref(&podcast))))],
            ..case("in the feed", Some(Way::Feed))
        },
        Case { pages: vec![("/home", home(&meta))], back: true, ..case("linked back", Some(Way::LinkBack)) },
        Case { pages: vec![("/home", home(&meta))], ..case("not linked back", None) },
        Case { pages: vec![("/home", home(""))], back: true, ..case("linked back, not proven", None) },
    ];
    let base = network.sandbox.publisher.url(1, "").replace("127.0.0.1", "clinic.localhost");
    let site: Url = network.sandbox.publisher.url(7, "/home").parse().unwrap();
    let checker = network.checker();
    for one in cases {
        for path in [WELL_KNOWN, "/", "/home", "/token"] {
            network.sandbox.publisher.set(path, Page::status(404));
        }
        network.sandbox.publisher.set("/feed", Page::feed(rss(&[item("a", "A", 1)])));
        for name in ["clinic.localhost", "_carewire.clinic.localhost", "localhost"] {
            network.dns.set(name, &["v=spf1 -all"]);
        }
        for (path, page) in one.pages {
            network.sandbox.publisher.set(path, page);
        }
        for (name, record) in &one.records {
            network.dns.set(name, &["something else", record]);
        }
        let feed = Feed {
            url: format!("{base}/feed"),
            host: "clinic.localhost".to_owned(),
            site_url: one.back.then(|| site.to_string()),
            ..network.sandbox.feed_template().await
        };
        let (outcome, findings) = checker.check(&feed, Some(&site), &token, None).await;
        let found = match &outcome {
            OwnershipOutcome::Proven { way, .. } => Way::named(way),
            OwnershipOutcome::Nothing => None,
            other => panic!("{}: {other:?} {findings:#?}", one.name),
        };
        assert_eq!(found, one.expected, "{}: {findings:#?}", one.name);
    }
    // On a host that many share, only the feed itself speaks: nothing else is even asked.
    let before = network.sandbox.publisher.log().len();
    let shared = Feed {
        url: "http://clinic.blogspot.com/feed".to_owned(),
        host: "clinic.blogspot.com".to_owned(),
        ..network.sandbox.feed_template().await
    };
    let (outcome, findings) = checker.check(&shared, None, &token, None).await;
    assert_eq!(outcome, OwnershipOutcome::Unreachable);
    assert_eq!(findings.iter().map(|one| one.way.as_str()).collect::<Vec<_>>(), ["feed"]);
    assert_eq!(network.sandbox.publisher.log().len(), before);
}

/// RFC 1035: long answers come over TCP; a server that fails is told from a name that has no record.
#[tokio::test]
async fn records_are_asked_for_as_the_rfc_says() {
    let network = Network::new().await;
    let resolver = Resolver::new(Some(network.dns_address));
    let long = "x".repeat(300);
    network.dns.set("clinic.example", &[&long, "short"]);
    assert_eq!(resolver.txt("clinic.example").await.unwrap(), [long.clone(), "short".to_owned()]);
    *network.dns.cut.lock().unwrap() = true;
    assert_eq!(resolver.txt("clinic.example.").await.unwrap().len(), 2, "over TCP");
    *network.dns.cut.lock().unwrap() = false;
    assert_eq!(resolver.txt("nobody.example").await, Ok(vec![]));
    *network.dns.code.lock().unwrap() = 2;
    assert_eq!(resolver.txt("clinic.example").await, Err(DnsError::Failed(2)));
    assert!(matches!(resolver.txt("a..b").await, Err(DnsError::BadName(_))));
}

/// A channel: the token in a video's description, a link back, or a link from the home page and a curator's look.
#[tokio::test]
async fn channels() {
    let network = Network::new().await;
    let (store, token) = (&network.sandbox.store, &network.token);
    let video = |text: &str| {
        Page::feed(format!(
            "<feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" xmlns:media=\"http://search.yahoo.com/mrss/\" xmlns=\"http://www.w3.org/2005/Atom\">\
             <yt:channelId>{CHANNEL}</yt:channelId><title>Clinic</title><entry><id>yt:video:v1</id><yt:videoId>v1</yt:videoId><title>Stroke</title>\
             <link rel=\"alternate\" href=\"https://www.youtube.com/watch?v=v1\"/><media:group><media:description>{text}</media:description></media:group></entry></feed>"
        ))
    };
    let site: Url = network.sandbox.publisher.url(7, "/home").parse().unwrap();
    let url = network.sandbox.publisher.url(2, &format!("/feeds/videos.xml?channel_id={CHANNEL}"));
    let feed = network.feed(&url, FeedKind::YoutubeChannel, None).await;
    let meta = format!("<meta name=\"carewire-verification\" content=\"{token}\">");
    let link = format!("<a href=\"https://www.youtube.com/channel/{CHANNEL}\">our films</a>");
    let checker = network.checker();
    let times = OwnershipTimes { recheck: Duration::from_secs(3600), grace: Duration::ZERO };
    // The whole host is the platform's: what stands there proves nothing.
    network.sandbox.publisher.set(WELL_KNOWN, Page::feed(token.clone()));
    for (text, page, expected) in [
        (format!("Proof: {token}"), String::new(), OwnershipOutcome::Proven { way: "feed".into(), place: url.clone() }),
        (
            format!("More: {site}"),
            meta.clone(),
            OwnershipOutcome::Proven { way: "link-back".into(), place: site.to_string() },
        ),
        (format!("More: {site}"), link.clone(), OwnershipOutcome::Nothing),
        ("Stroke".to_owned(), meta.clone(), OwnershipOutcome::Nothing),
        ("Stroke".to_owned(), format!("{meta}{link}"), OwnershipOutcome::Linked { place: site.to_string() }),
    ] {
        network.sandbox.publisher.set("/feeds/videos.xml", video(&text));
        network.page("/home", format!("<html><head>{page}"));
        let (outcome, findings) = checker.check(&feed, Some(&site), token, None).await;
        assert_eq!(outcome, expected, "{text} {page}: {findings:#?}");
    }
    assert!(network.sandbox.publisher.asked(WELL_KNOWN).is_empty());

    let check = async || {
        let before = store.ownership(feed.id).await.unwrap().and_then(|one| Way::named(&one.way?));
        let before = before.map(|way| if way == Way::Curator { Way::LinkBack } else { way });
        let (outcome, findings) = checker.check(&feed, Some(&site), token, before).await;
        store.ownership_checked(feed.id, &outcome, &findings, times, "test").await.unwrap()
    };
    let proof = async || network.sandbox.feed(feed.id).await.proof;
    store.ask_ownership(feed.id, "test").await.unwrap();
    assert_eq!((check().await, proof().await), (OwnershipState::Linked, Proof::None), "a curator looks first");
    store.ownership_looked(feed.id, times, "a curator").await.unwrap();
    assert_eq!((check().await, proof().await), (OwnershipState::Proven, Proof::Proven), "the link is still there");
    network.page("/home", format!("<html><head>{meta}"));
    assert_eq!((check().await, proof().await), (OwnershipState::Lost, Proof::Proven));
    assert_eq!((check().await, proof().await), (OwnershipState::Failed, Proof::None), "the grace is over");
    let audit = store.audit_log(10).await.unwrap();
    let told: Vec<_> = audit.iter().rev().map(|row| (row.entry.actor.as_str(), row.entry.action.as_str())).collect();
    assert_eq!(
        told,
        [("test", "ask-ownership"), ("a curator", "prove-feed"), ("test", "lose-proof"), ("test", "end-proof")]
    );
}

/// From asking to the end of trust, by the task that runs beside polling.
#[tokio::test]
async fn a_proof_is_looked_at_again_and_its_loss_is_told_before_it_counts() {
    let network = Network::new().await;
    let store = &network.sandbox.store;
    let url = network.sandbox.publisher.url(2, "/feed");
    network.sandbox.publisher.set("/feed", Page::feed(rss(&[item("a", "A", 1)])));
    let feed = network.feed(&url, FeedKind::Feed, None).await;
    let stop = CancellationToken::new();
    let config = OwnershipConfig {
        recheck: Duration::from_millis(300),
        grace: Duration::from_secs(2),
        dns: Some(network.dns_address),
    };
    let deps = Owners {
        store: store.clone(),
        client: Client::new(&network.sandbox.fetch).unwrap(),
        config,
        health: Health::new("ownership"),
    };
    let task = tokio::spawn(ownership::run(deps, stop.clone()));
    let reaches = async |state: OwnershipState| {
        eventually(state.as_str(), || async {
            store.ownership(feed.id).await.unwrap().filter(|one| one.state == state)
        })
        .await
    };
    let proof = async || network.sandbox.feed(feed.id).await.proof;
    store.ask_ownership(feed.id, "a member").await.unwrap();
    let failed = reaches(OwnershipState::Failed).await;
    assert!(failed.findings.iter().all(|one| one.found == Some(false)), "{:?}", failed.findings);
    assert_eq!((failed.next_check, proof().await), (None, Proof::None));

    network.sandbox.publisher.set(WELL_KNOWN, Page::feed(network.token.clone()));
    store.ask_ownership(feed.id, "a member").await.unwrap();
    let proven = reaches(OwnershipState::Proven).await;
    assert_eq!((proven.way.as_deref(), proof().await), (Some("well-known"), Proof::Proven));
    // A server that is down has not taken its word back.
    network.sandbox.publisher.set(WELL_KNOWN, Page::status(503));
    let asked = network.sandbox.publisher.asked(WELL_KNOWN).len();
    eventually("a look", || async { (network.sandbox.publisher.asked(WELL_KNOWN).len() > asked + 1).then_some(()) })
        .await;
    assert_eq!(store.ownership(feed.id).await.unwrap().unwrap().state, OwnershipState::Proven);
    network.sandbox.publisher.set(WELL_KNOWN, Page::status(404));
    reaches(OwnershipState::Lost).await;
    assert_eq!(proof().await, Proof::Proven, "there is a grace");
    let told = network.sandbox.feed(feed.id).await.problems;
    assert!(told.iter().any(|problem| problem.code == "proof-lost"), "{told:?}");
    // It comes back, and goes for good.
    network.sandbox.publisher.set(WELL_KNOWN, Page::feed(network.token.clone()));
    let back = reaches(OwnershipState::Proven).await;
    assert_eq!(back.lost_at, None);
    network.sandbox.publisher.set(WELL_KNOWN, Page::status(404));
    reaches(OwnershipState::Failed).await;
    assert_eq!(proof().await, Proof::None);
    stop.cancel();
    task.await.unwrap().unwrap();
}
