//! What is embedded, on another site under a strict Content-Security-Policy, in a real browser (Debian's Chromium).

use std::{
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    http::header,
    middleware::{self, Next},
    response::Html,
    routing::get,
};
use carewire_schemas::OutcomeState::Curated;
use tokio::net::TcpListener;

use crate::support::{item, network_at};

const CHROMIUM: &str = "/usr/bin/chromium";

/// The other site's own script: waits for the list, then writes what is shown and what the policy refused into the page.
const CHECK: &str = r#"
const refused = [];
document.addEventListener("securitypolicyviolation", (event) => refused.push(`${event.violatedDirective} ${event.blockedURI}`));
const look = () => {
  const root = document.querySelector("carewire-list")?.shadowRoot;
  const link = root?.querySelector("a");
  if (!link) return setTimeout(look, 50);
  document.body.dataset.shown = root.textContent;
  document.body.dataset.colour = getComputedStyle(link).color;
  document.body.dataset.busy = document.querySelector("carewire-list").hasAttribute("aria-busy");
  document.body.dataset.cookies = document.cookie;
  document.body.dataset.refused = refused.join("; ");
};
look();
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_shown_on_another_site_under_a_strict_policy() {
    if !Path::new(CHROMIUM).exists() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{CHROMIUM} is not there");
        eprintln!("SKIPPED: {CHROMIUM} is not there");
        return;
    }
    let listen = async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        (listener, address)
    };
    let ((own, base), (other, site)) = (listen().await, listen().await);
    let network = network_at(&base).await;
    network.put(vec![item(&network, 1, "Sugar <b>&", Curated)]).await;
    // What the browser asked of the network: path and referrer.
    let asked: Arc<Mutex<Vec<(String, bool)>>> = Arc::default();
    let noting = Arc::clone(&asked);
    // Feeds are served beside the portal; here a feed of the same shape stands in their place.
    let feed = serde_json::json!({"items": [{"title": "Sugar <b>&", "url": "https://st-anne.example/1", "language": "en",
        "date_published": "2026-11-01T08:00:00Z", "summary": "What to know", "_carewire": {"sources": [{"name": "St. Anne"}]}}]});
    let feeds = Router::new().route(
        "/feeds/search.json",
        get(move || async move { ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], axum::Json(feed)) }),
    );
    let app = network.router.clone().merge(feeds).layer(middleware::from_fn(move |request: Request, next: Next| {
        let told = request.headers().contains_key(header::REFERER) || request.headers().contains_key(header::COOKIE);
        noting.lock().expect("unbroken").push((request.uri().to_string(), told));
        next.run(request)
    }));
    let (name, _, hash) = carewire_portal::embed::COMPONENTS[0];
    let policy = format!(
        "default-src 'none'; script-src 'self' {base}; connect-src {base}; frame-src {base}; style-src 'none'; img-src 'none'"
    );
    let page = format!(
        "<!DOCTYPE html><html lang=en><title>A hospital</title><body>\
         <script src='{base}/embed/{name}' integrity='{hash}' crossorigin='anonymous' defer></script>\
         <script src='/check.js' defer></script><h1>A hospital</h1>\
         <carewire-list condition='D003924' language='en' count='3' heading='Diabetes'></carewire-list>\
         <iframe src='{base}/embed/list?condition=D003924&accent=c00' title='Diabetes' width='400' height='300' \
         frameborder='0' sandbox='allow-popups allow-popups-to-escape-sandbox' referrerpolicy='no-referrer'></iframe>"
    );
    let other_site = Router::new()
        .route("/", get(move || async move { ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)) }))
        .route("/check.js", get(|| async { ([(header::CONTENT_TYPE, "text/javascript")], CHECK) }));
    tokio::spawn(async move { axum::serve(own, app).await });
    tokio::spawn(async move { axum::serve(other, other_site).await });

    let profile = tempfile::tempdir().expect("a folder");
    let mut browser = tokio::process::Command::new(CHROMIUM);
    browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
    browser.args(["--disable-background-networking", "--virtual-time-budget=20000", "--dump-dom"]);
    browser.arg(format!("--user-data-dir={}", profile.path().display())).arg(format!("{site}/"));
    if let Ok(folder) = std::env::var("CAREWIRE_TEST_SCREENSHOTS") {
        browser.arg(format!("--screenshot={folder}/embedded.png"));
    }
    browser.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(120), browser.output()).await;
    let output = output.expect("the browser ends").expect("the browser starts");
    let dom = String::from_utf8_lossy(&output.stdout);
    for part in [
        "data-shown=\"Diabetes",
        "Sugar &lt;b&gt;&amp;",
        "St. Anne",
        "data-colour=\"rgb(11, 100, 99)\"",
        "data-busy=\"false\"",
    ] {
        assert!(dom.contains(part), "{part} is not in {dom}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(dom.contains("data-refused=\"\"") && dom.contains("data-cookies=\"\""), "{dom}");
    let asked = asked.lock().expect("unbroken").clone();
    for wanted in
        ["/embed/list?condition=D003924&accent=c00", "/embed/style.css?accent=c00", "/feeds/search.json?condition="]
    {
        assert!(asked.iter().any(|(path, _)| path.starts_with(wanted)), "{wanted} was not asked: {asked:?}");
    }
    let frames = asked.iter().filter(|(path, _)| path.starts_with("/embed/list") || path.starts_with("/feeds/"));
    assert!(frames.into_iter().all(|(_, told)| !told), "nobody is told who reads: {asked:?}");
}
