//! WebSub behind the real binary: a publisher's hub, written from the specification, reaches the network through a reverse proxy.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use crate::sandbox::{
    SOON, block_on, eventually,
    feeds::{self, Entry},
    hub::Hub,
    network::{Network, Pair, QUICK},
    outputs,
    publisher::{Publisher, Reply},
    when,
};

/// A reverse proxy whose address is known before the network's is, and stays when that is started again.
struct Proxy {
    address: String,
    target: Arc<Mutex<String>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let target: Arc<Mutex<String>> = Arc::default();
        let to = target.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(to.lock().unwrap().clone()) else { continue };
                let ends = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(client, server));
                std::thread::spawn(move || pass(ends.1, ends.0));
            }
        });
        Self { address, target }
    }

    fn to(&self, base: &str) {
        *self.target.lock().unwrap() = base.trim_start_matches("http://").to_owned();
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 8192];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn entry(n: u64) -> Entry {
    Entry::new(&format!("pushed{n}"), &format!("Pushed {n}"), &format!("<p>{}</p>", feeds::words(700_000 + n, 50)))
}

/// A feed that names two hubs, the first of which refuses: entries come by the second, without a poll, signed by its secret only, and
/// still do after the process was killed.
pub fn scenario(pair: &Pair, settings: &str) {
    let (proxy, hub, refusing) = (Proxy::start(), block_on(Hub::start()), block_on(Hub::start()));
    refusing.mood(crate::sandbox::hub::Mood::Refusing);
    let publisher = Publisher::fixed(Reply::status(503));
    let (site, topic) = (publisher.url(""), publisher.url("/feed"));
    let link = format!("<{}>; rel=hub, <{}>; rel=hub, <{topic}>; rel=self", refusing.url(), hub.url());
    let document = |entries: u64| feeds::rss2(&site, "Pushing", &(0..entries).map(entry).collect::<Vec<_>>());
    let first = Reply::ok("application/rss+xml", document(1)).with("link", &link);
    publisher.now(move |_| first.clone());
    let settings = format!("public_url = \"{}\"\n{QUICK}\n[websub]\ncheck = \"200ms\"\n{settings}", proxy.address);
    let network = Network::new(pair, &settings);
    network.publish("pushing", "Pushing", &topic);
    let up = network.start("up");
    proxy.to(&up.base);
    up.ready(SOON * 2);
    eventually("subscribed at the second hub", SOON, || {
        when(!hub.subscribers(&topic).is_empty(), format!("{:?}\n{}", hub.asked(), up.log()))
    });
    assert!(!refusing.asked().is_empty(), "the first hub was asked first");
    eventually("pushes stand for polls", SOON, || {
        let feed = network.feed(&topic);
        when(feed["push_until"].is_string() && feed["next_reason"] == "push", &feed)
    });
    let titles = |expected: u64| {
        eventually("the entries are curated", SOON, || {
            let curated = outputs::curated(&up);
            let pushed =
                curated.iter().filter(|item| item["title"].as_str().unwrap_or_default().starts_with("Pushed "));
            let count = pushed.count();
            when(count == usize::try_from(expected).unwrap(), count)
        });
    };
    titles(1);
    let polls = publisher.asked().len();
    let statuses = block_on(hub.publish(&topic, &document(3), "application/rss+xml", "sha256"));
    assert!(statuses.iter().all(|status| (200..300).contains(status)), "{statuses:?}");
    titles(3);
    // Who knows the callback but not the secret is answered as if all were well, and changes nothing.
    let callback = hub.subscribers(&topic)[0].callback.clone();
    assert!(callback.starts_with(&proxy.address), "{callback}");
    let forged = block_on(hub.deliver(&callback, &topic, &document(9), "application/rss+xml", Some("sha256=00")));
    assert_eq!(forged, 202);
    up.kill9();
    let up = network.start("up");
    proxy.to(&up.base);
    up.ready(SOON * 2);
    let statuses = block_on(hub.publish(&topic, &document(5), "application/rss+xml", "sha512"));
    assert!(statuses.iter().all(|status| (200..300).contains(status)), "{statuses:?}");
    eventually("the entries after the kill", SOON, || {
        let curated = outputs::curated(&up);
        let mut titles: Vec<_> = curated.iter().filter_map(|item| item["title"].as_str()).collect();
        titles.retain(|title| title.starts_with("Pushed "));
        titles.sort_unstable();
        when(titles == ["Pushed 0", "Pushed 1", "Pushed 2", "Pushed 3", "Pushed 4"], format!("{titles:?}"))
    });
    assert_eq!(publisher.asked().len(), polls, "nothing was polled for it");
    assert!(hub.asked().iter().all(|asked| asked["hub.mode"] == "subscribe"), "the subscription outlived the process");
    let (status, _) = up.stop();
    assert!(status.success());
}

#[test]
fn a_hub_delivers_through_a_proxy_and_after_a_kill() {
    scenario(&Pair::Embedded, "");
}
