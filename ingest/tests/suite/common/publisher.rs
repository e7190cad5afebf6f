//! Publishers on loopback: pages that tests write, and a record of who asked for what, when and how many at a time.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex},
    time::Instant,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use futures::StreamExt;

/// What a path answers.
#[derive(Clone, Default)]
pub struct Page {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// The validator; a request that carries it gets a 304.
    pub etag: Option<String>,
    /// Breaks the connection after this many bytes.
    pub cut: Option<usize>,
    /// Never answers.
    pub hang: bool,
}

impl Page {
    pub fn feed(body: impl Into<Vec<u8>>) -> Page {
        let headers = vec![("content-type", "application/xml".to_owned())];
        Page { status: 200, headers, body: body.into(), ..Page::default() }
    }

    pub fn status(status: u16) -> Page {
        Page { status, ..Page::default() }
    }

    pub fn etag(mut self, etag: &str) -> Page {
        self.etag = Some(etag.to_owned());
        self
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Page {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub host: String,
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub at: Instant,
    /// Requests to the same host that were under way, this one included.
    pub at_once: usize,
}

#[derive(Default)]
struct Inner {
    pages: HashMap<String, Vec<Page>>,
    log: Vec<Asked>,
    under_way: HashMap<String, usize>,
}

/// One server that is many hosts: every loopback address reaches it.
#[derive(Clone)]
pub struct Publisher {
    inner: Arc<Mutex<Inner>>,
    address: SocketAddr,
}

impl Publisher {
    pub async fn start() -> Publisher {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Publisher { inner, address }
    }

    /// The address of a path on the host 127.0.0.`host`.
    pub fn url(&self, host: u8, path: &str) -> String {
        format!("http://127.0.0.{host}:{}{path}", self.address.port())
    }

    /// Sets what a path answers from now on, on all hosts.
    pub fn set(&self, path: &str, page: Page) {
        self.script(path, vec![page]);
    }

    /// Sets what a path answers in turn from now on; the last page stays.
    pub fn script(&self, path: &str, mut pages: Vec<Page>) {
        pages.reverse();
        self.inner.lock().unwrap().pages.insert(path.to_owned(), pages);
    }

    /// The requests for a path so far.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.inner.lock().unwrap().log.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// All requests so far.
    pub fn log(&self) -> Vec<Asked> {
        self.inner.lock().unwrap().log.clone()
    }
}

/// Counts a request as under way until its answer is made.
struct UnderWay(Arc<Mutex<Inner>>, String);

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(count) = self.0.lock().unwrap().under_way.get_mut(&self.1) {
            *count -= 1;
        }
    }
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let host = request.headers()[header::HOST].to_str().unwrap().split(':').next().unwrap().to_owned();
    let (page, _under_way) = {
        let mut state = inner.lock().unwrap();
        let count = state.under_way.entry(host.clone()).or_default();
        *count += 1;
        let at_once = *count;
        let headers = request.headers().clone();
        let query = request.uri().query().map(str::to_owned);
        let at = Instant::now();
        state.log.push(Asked { host: host.clone(), path: path.clone(), query, headers, at, at_once });
        let page = state.pages.get_mut(&path).and_then(|pages| match pages.len() {
            0 | 1 => pages.last().cloned(),
            _ => pages.pop(),
        });
        (page, UnderWay(inner.clone(), host))
    };
    let Some(page) = page else { return plain(404, Body::empty()) };
    if page.hang {
        std::future::pending::<()>().await;
    }
    let sent = request.headers().get(header::IF_NONE_MATCH);
    if let (Some(etag), Some(sent)) = (&page.etag, sent)
        && sent.as_bytes() == etag.as_bytes()
    {
        // RFC 9110, 15.4.5: with what a 200 would say of freshness.
        let mut response = plain(304, Body::empty());
        for (name, value) in page.headers.iter().filter(|(name, _)| !name.starts_with("content-")) {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        return response;
    }
    let mut response = match page.cut {
        None => plain(page.status, Body::from(page.body)),
        Some(cut) => {
            let length = page.body.len();
            let came = Bytes::copy_from_slice(&page.body[..cut]);
            // The break comes a moment later, or the server would not even send its header.
            let broken = async {
                tokio::time::sleep(std::time::Duration::from_millis(30)).await;
                Err(std::io::Error::other("cut off"))
            };
            let pieces = futures::stream::iter([Ok(came)]).chain(futures::stream::once(broken));
            let mut response = plain(page.status, Body::from_stream(pieces));
            response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            response
        }
    };
    for (name, value) in page.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    if let Some(etag) = page.etag {
        response.headers_mut().insert(header::ETAG, etag.parse().unwrap());
    }
    response
}

fn plain(status: u16, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// The day before the tests run, as RFC 822 has it: a feed of long ago would be taken for dormant.
pub static YESTERDAY: LazyLock<String> = LazyLock::new(|| {
    let day = jiff::Timestamp::now() - std::time::Duration::from_secs(86_400);
    day.strftime("%a, %d %b %Y").to_string()
});

/// An entry of a test feed: guid, title, and a date's hour.
pub fn item(guid: &str, title: &str, hour: u8) -> String {
    format!(
        "<item><guid isPermaLink=\"false\">{guid}</guid><link>https://example.org/{guid}</link><title>{title}</title>\
         <pubDate>{} {hour:02}:00:00 GMT</pubDate><description>About {title}</description></item>\n",
        *YESTERDAY
    )
}

/// An RSS feed of items.
pub fn rss(items: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\">\
         <channel><title>Hospital news</title><link>https://example.org/</link><language>en</language>\n{}</channel></rss>",
        items.concat()
    )
}
