//! Where requests may go: closed addresses in every form, redirects, credentials, gates, the proxy.

mod common;

use std::sync::Mutex;

use carewire_fetch::{FetchConfig, GateError, HeaderName, HeaderValue, HostGate, Method, OpenGate, Request};
use common::{Server, client, config, get, redirect, response};
use url::Url;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[tokio::test]
async fn closed_addresses_are_refused_in_every_form_and_never_connected_to() {
    let server = Server::start(|_| response("200 OK", &[], b"secret")).await;
    let port = server.address.port();
    let client = client(&FetchConfig::default());
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "0.0.0.0",
        "0",
        "[::]",
        "１２７.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ] {
        let target = url(&format!("http://{host}:{port}/"));
        let error = client.send(get(target)).await.unwrap_err();
        assert_eq!((error.code(), error.is_transient()), ("forbidden-address", false), "{host}: {error}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn redirects_cannot_lead_to_closed_addresses_or_other_schemes() {
    let server = Server::start(|seen| {
        let to = percent_decoded(&seen.path()[1..]);
        redirect(302, &to)
    })
    .await;
    let client = client(&config());
    for (to, code) in [
        ("http://169.254.169.254/latest/meta-data/", "forbidden-address"),
        ("//169.254.169.254/", "forbidden-address"),
        ("http://[::1]/", "forbidden-address"),
        ("http://[::ffff:10.0.0.1]/", "forbidden-address"),
        ("http://[::ffff:169.254.169.254]/", "forbidden-address"),
        ("http://0xa.0.0.1/", "forbidden-address"),
        ("http://167772161/", "forbidden-address"),
        ("http://[64:ff9b::a9fe:a9fe]/", "forbidden-address"),
        ("ftp://127.0.0.1/", "invalid-url"),
        ("file:///etc/passwd", "invalid-url"),
        ("http://user:secret@127.0.0.1/", "invalid-url"),
        ("http://", "invalid-url"),
        ("javascript:alert(1)", "invalid-url"),
    ] {
        let escaped: String = to.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let error = client.follow(get(server.url(&format!("/{escaped}"))), &OpenGate).await.unwrap_err();
        assert_eq!(error.code(), code, "{to}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes =
        text.as_bytes().chunks(3).map(|hex| u8::from_str_radix(std::str::from_utf8(&hex[1..]).unwrap(), 16).unwrap());
    String::from_utf8(bytes.collect()).unwrap()
}

#[tokio::test]
async fn redirects_end() {
    let server = Server::start(|seen| {
        let path = seen.path();
        match path.strip_prefix("/count/").and_then(|n| n.parse::<u32>().ok()) {
            Some(0) => response("200 OK", &[], b"there"),
            Some(n) => redirect(301, &format!("{}", n - 1)),
            None => match path {
                "/self" => redirect(301, "/self"),
                "/self-fragment" => redirect(301, "/self-fragment#x"),
                "/a" => redirect(302, "/b"),
                "/b" => redirect(307, "a"),
                "/no-location" => response("301 Moved", &[], b"see there"),
                "/choices" => response("300 Multiple Choices", &[("Location", "/count/0")], b"which"),
                _ => redirect(308, "/count/0#inherits-not"),
            },
        }
    })
    .await;
    let client = client(&config());
    for (path, outcome) in [
        ("/count/5", "200 after 5"),
        ("/count/6", "too-many-redirects"),
        ("/self", "redirect-loop"),
        ("/self-fragment", "redirect-loop"),
        ("/a", "redirect-loop"),
        ("/no-location", "301 after 0"),
        ("/choices", "300 after 0"),
        ("/moved", "200 after 1"),
    ] {
        let got = match client.follow(get(server.url(path)), &OpenGate).await {
            Ok(answer) => format!("{} after {}", answer.status, answer.hops.len()),
            Err(error) => error.code().to_owned(),
        };
        assert_eq!(got, outcome, "{path}");
    }
    let answer = client.follow(get(server.url("/moved")), &OpenGate).await.unwrap();
    assert_eq!(answer.url.path(), "/count/0");
    assert_eq!((answer.hops[0].status, answer.hops[0].from.path()), (308, "/moved"));
    let answer = client.send(get(server.url("/moved"))).await.unwrap();
    assert_eq!((answer.status, answer.hops.len()), (308, 0), "send never follows");
}

#[tokio::test]
async fn credentials_and_validators_stay_where_they_belong() {
    let other = Server::start(|_| response("200 OK", &[("ETag", "\"theirs\"")], b"x")).await;
    let there = other.url("/feed").to_string();
    let server = Server::start(move |seen| match seen.path() {
        "/out" => redirect(302, &there),
        "/near" => redirect(302, "/feed"),
        _ => response("200 OK", &[], b"x"),
    })
    .await;
    let client = client(&config());
    let request = |path: &str| {
        let mut request = get(server.url(path));
        request.etag = Some("\"mine\"".to_owned());
        request.last_modified = Some("then".to_owned());
        let mut token = HeaderValue::from_static("t");
        token.set_sensitive(true);
        request.headers.insert(HeaderName::from_static("x-token"), token);
        request.headers.insert(HeaderName::from_static("authorization"), HeaderValue::from_static("Bearer t"));
        request.headers.insert(HeaderName::from_static("x-plain"), HeaderValue::from_static("p"));
        request
    };
    let has = |seen: &common::Seen| {
        ["if-none-match", "if-modified-since", "x-token", "authorization", "x-plain"]
            .map(|name| seen.header(name).is_some())
    };
    client.follow(request("/out"), &OpenGate).await.unwrap();
    assert_eq!(has(&server.seen()[0]), [true; 5]);
    assert_eq!(has(&other.seen()[0]), [false, false, false, false, true]);

    client.follow(request("/near"), &OpenGate).await.unwrap();
    assert_eq!(has(&server.seen()[2]), [false, false, true, true, true], "same origin, another resource");

    let mut theirs = request("/out");
    theirs.etag = Some("\"theirs\"".to_owned());
    theirs.validators_of = Some(other.url("/feed"));
    client.follow(theirs, &OpenGate).await.unwrap();
    assert_eq!(server.seen()[3].header("if-none-match"), None);
    assert_eq!(other.seen()[1].header("if-none-match"), Some(&b"\"theirs\""[..]), "given by that address, sent to it");
}

#[tokio::test]
async fn methods_across_redirects() {
    let server = Server::start(|seen| match seen.path() {
        "/end" => response("200 OK", &[], b""),
        path => redirect(path[1..].parse().unwrap(), "/end"),
    })
    .await;
    let client = client(&config());
    for (status, method, then) in [
        (301, Method::POST, "GET"),
        (302, Method::POST, "GET"),
        (303, Method::POST, "GET"),
        (303, Method::PUT, "GET"),
        (307, Method::POST, "POST"),
        (308, Method::POST, "POST"),
        (303, Method::HEAD, "HEAD"),
        (302, Method::PUT, "PUT"),
    ] {
        let mut request =
            Request::post(server.url(&format!("/{status}")), HeaderValue::from_static("text/plain"), "body".into());
        request.method = method.clone();
        client.follow(request, &OpenGate).await.unwrap();
        let last = server.seen().pop().unwrap();
        assert_eq!(last.line, format!("{then} /end HTTP/1.1"), "{status} {method}");
        assert_eq!(last.body.is_empty(), then == "GET", "{status} {method}");
        assert_eq!(last.header("content-type").is_none(), then == "GET", "{status} {method}");
    }
}

/// Writes down what it is asked, and closes one host.
#[derive(Default)]
struct Recorder {
    log: Mutex<Vec<String>>,
    closed: Option<&'static str>,
}

impl HostGate for Recorder {
    async fn enter(&self, host: &str) -> Result<(), GateError> {
        self.log.lock().unwrap().push(format!("enter {host}"));
        match self.closed {
            Some(closed) if closed == host => Err(GateError::Busy { host: host.to_owned(), retry_in: None }),
            _ => Ok(()),
        }
    }

    async fn may_send(&self, host: &str) -> Result<(), GateError> {
        self.log.lock().unwrap().push(format!("send {host}"));
        Ok(())
    }
}

#[tokio::test]
async fn the_gate_is_asked_for_every_host_and_every_request() {
    let server = Server::start(|seen| {
        let port = String::from_utf8_lossy(seen.header("host").unwrap()).rsplit(':').next().unwrap().to_owned();
        match seen.path() {
            "/1" => redirect(301, "/2"),
            "/2" => redirect(301, &format!("http://localhost:{port}/3")),
            "/3" => redirect(301, &format!("http://127.0.0.1:{port}/4")),
            _ => response("200 OK", &[], b""),
        }
    })
    .await;
    let client = client(&config());
    let gate = Recorder::default();
    let answer = client.follow(get(server.url("/1")), &gate).await.unwrap();
    assert_eq!(answer.hops.len(), 3);
    assert_eq!(
        *gate.log.lock().unwrap(),
        ["send 127.0.0.1", "send 127.0.0.1", "enter localhost", "send localhost", "enter 127.0.0.1", "send 127.0.0.1"]
    );
    let requests = server.seen().len();
    let gate = Recorder { closed: Some("localhost"), ..Recorder::default() };
    let error = client.follow(get(server.url("/1")), &gate).await.unwrap_err();
    assert_eq!((error.code(), error.is_transient()), ("host-busy", true));
    assert_eq!(server.seen().len(), requests + 2, "nothing was sent to the closed host");
}

#[tokio::test]
async fn behind_a_proxy_the_guards_still_hold() {
    let proxy = Server::start(|seen| match seen.line.starts_with("CONNECT") {
        true => response("403 Forbidden", &[], b""),
        false => response("200 OK", &[], b"from the proxy"),
    })
    .await;
    // The proxy itself is on a closed address: the operator chose it.
    let config = FetchConfig {
        proxy: Some(url(&format!("http://localhost:{}", proxy.address.port())).into()),
        ..FetchConfig::default()
    };
    let client = client(&config);
    let answer = client.send(get(url("http://feeds.example.invalid/rss"))).await.unwrap();
    assert_eq!(&answer.body[..], b"from the proxy");
    assert_eq!(proxy.seen()[0].line, "GET http://feeds.example.invalid/rss HTTP/1.1");

    for closed in ["http://169.254.169.254/", "http://localhost/", "http://10.0.0.1/"] {
        assert_eq!(client.send(get(url(closed))).await.unwrap_err().code(), "forbidden-address", "{closed}");
    }
    let error = client.send(get(url("https://feeds.example.invalid/rss"))).await.unwrap_err();
    assert_eq!(error.code(), "proxy", "{error:?}");
    assert_eq!(proxy.seen().len(), 2);
}
