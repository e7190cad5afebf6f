//! One exchange with a real socket: what is sent, what is reused, how slow, cut and lying servers end.

mod common;

use std::time::Duration;

use carewire_fetch::{BodyProblem, FetchConfig, HeaderName, HeaderValue, Method};
use common::{Server, Step, client, config, get, response, send};

#[tokio::test]
async fn a_request_is_honest_and_carries_nothing_else() {
    let server = Server::start(|_| response("200 OK", &[("Set-Cookie", "a=b")], b"hello")).await;
    let client = client(&config());
    for _ in 0..2 {
        let mut request = get(server.url("/feed?x=1#part"));
        request.subscribers = Some(3);
        request.accept = Some(HeaderValue::from_static("application/atom+xml"));
        request.headers.insert(HeaderName::from_static("cookie"), HeaderValue::from_static("no=no"));
        request.headers.insert(HeaderName::from_static("referer"), HeaderValue::from_static("http://no/"));
        let answer = client.send(request).await.unwrap();
        assert_eq!((answer.status, &answer.body[..], answer.complete), (200, &b"hello"[..], true));
        assert_eq!(answer.remote, Some(server.address));
        assert_eq!(answer.wire_bytes, 5);
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    for request in &seen {
        assert_eq!(request.line, "GET /feed?x=1 HTTP/1.1");
        let mut names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
        let agent = request.header("user-agent").unwrap();
        assert_eq!(agent, b"Carewire/0.1 (+https://carewire.example/; 3 subscribers)");
        assert_eq!(request.header("accept-encoding").unwrap(), b"gzip, deflate, br, zstd");
        assert_eq!(request.connection, 0, "the connection is used again");
    }
}

#[tokio::test]
async fn validators_go_back_byte_for_byte_and_a_304_keeps_the_connection() {
    let tag = b"W/\"a b\xe9-gzip\"";
    let date = "Sat, 1 Jan 2022 00:00:00 +0000";
    let server = Server::start(move |seen| {
        if seen.header("if-none-match") == Some(tag) {
            return vec![send("HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n")];
        }
        let mut head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: ".to_vec();
        head.extend_from_slice(tag);
        head.extend_from_slice(format!("\r\nLast-Modified: {date}\r\n\r\nx").as_bytes());
        vec![Step::Send(head)]
    })
    .await;
    let client = client(&config());
    let first = client.send(get(server.url("/"))).await.unwrap();
    for _ in 0..3 {
        let mut request = get(server.url("/"));
        request.etag = first.etag();
        request.last_modified = first.last_modified();
        let answer = client.send(request).await.unwrap();
        assert_eq!((answer.status, answer.body.len(), answer.complete), (304, 0, true));
    }
    let seen = server.seen();
    assert_eq!(seen[0].header("if-none-match"), None);
    assert_eq!(seen[3].header("if-none-match"), Some(&tag[..]));
    assert_eq!(seen[3].header("if-modified-since"), Some(date.as_bytes()));
    assert!(seen.iter().all(|request| request.connection == 0));

    let mut elsewhere = get(server.url("/other"));
    elsewhere.etag = first.etag();
    elsewhere.validators_of = Some(server.url("/"));
    client.send(elsewhere).await.unwrap();
    assert_eq!(server.seen()[4].header("if-none-match"), None, "a validator belongs to one address");
}

#[tokio::test]
async fn bodies_that_end_too_soon_are_handed_out_as_far_as_they_came() {
    let gzip = gzipped(&b"<feed>0123456789abcdef</feed>".repeat(400));
    let cut = gzip[..gzip.len() * 2 / 3].to_vec();
    let gzip_head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", gzip.len());
    let server = Server::start(move |seen| match seen.path() {
        "/length" => vec![send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<feed>half"), Step::Close],
        "/chunked" => {
            vec![send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<feed>\r\nff\r\nhalf"), Step::Close]
        }
        "/gzip" => vec![send(&gzip_head), Step::Send(cut.clone()), Step::Close],
        "/gzip-at-once" => vec![send(&gzip_head), Step::Close],
        "/nothing" => vec![send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), Step::Close],
        "/longer" => vec![send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<feed>and more than it said"), Step::Close],
        "/idle" => vec![send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<feed>half"), Step::Hang],
        "/drip" => vec![send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), Step::Drip(b'x')],
        _ => vec![send("HTTP/1.1 200 OK\r\n\r\n<feed>until the end"), Step::Close],
    })
    .await;
    let config = FetchConfig {
        idle_timeout: Duration::from_millis(300),
        total_timeout: Duration::from_millis(1500),
        ..config()
    };
    let client = client(&config);
    for (path, body, problems) in [
        ("/length", &b"<feed>half"[..], &[BodyProblem::CutOff][..]),
        ("/chunked", b"<feed>half", &[BodyProblem::CutOff]),
        ("/gzip-at-once", b"", &[BodyProblem::CutOff]),
        ("/nothing", b"", &[BodyProblem::CutOff]),
        ("/longer", b"<feed>", &[]),
        ("/idle", b"<feed>half", &[BodyProblem::IdleTimeout]),
        ("/until-close", b"<feed>until the end", &[]),
    ] {
        let answer = client.send(get(server.url(path))).await.unwrap();
        assert_eq!(&answer.body[..], body, "{path}");
        assert_eq!(answer.problems, problems, "{path}");
        assert_eq!(answer.complete, problems.is_empty(), "{path}");
    }
    let answer = client.send(get(server.url("/gzip"))).await.unwrap();
    assert!(answer.body.starts_with(b"<feed>0123456789abcdef</feed>"), "{:?}", answer.body);
    assert_eq!((answer.complete, answer.problems), (false, vec![BodyProblem::CutOff]));

    let answer = client.send(get(server.url("/drip"))).await.unwrap();
    assert_eq!((answer.complete, answer.problems), (false, vec![BodyProblem::TotalTimeout]));
    assert!(answer.elapsed < Duration::from_secs(5));
}

#[tokio::test]
async fn servers_that_do_not_answer_in_http_or_in_time() {
    let server = Server::start(|seen| match seen.path() {
        "/silent" => vec![Step::Hang],
        "/silent-body" => vec![send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), Step::Hang],
        "/slow-header" => vec![send("HTTP/1.1 200 OK\r\nX: "), Step::Drip(b'x')],
        "/close" => vec![Step::Close],
        "/ssh" => vec![send("SSH-2.0-OpenSSH_9.2\r\n"), Step::Close],
        "/half-header" => vec![send("HTTP/1.1 200 OK\r\nContent-Le"), Step::Close],
        "/many-fields" => {
            let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
            (0..500).for_each(|n| head.extend_from_slice(format!("x-{n}: y\r\n").as_bytes()));
            head.extend_from_slice(b"\r\n");
            vec![Step::Send(head), Step::Close]
        }
        "/long-field" => {
            vec![send(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100_000))), Step::Close]
        }
        "/endless-field" => vec![send(format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(3_000_000))), Step::Hang],
        "/odd-fields" => vec![
            send("HTTP/1.1 200 OK\r\nbad field\r\nSpace : x\r\nfolded: a\r\n b\r\nContent-Length: 2\r\n\r\nok"),
            Step::Close,
        ],
        _ => response("200 OK", &[], b""),
    })
    .await;
    let config = FetchConfig {
        connect_timeout: Duration::from_millis(500),
        header_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_millis(300),
        ..config()
    };
    let client = client(&config);
    for (path, code, transient) in [
        ("/silent", "header-timeout", true),
        ("/silent-body", "idle-timeout", true),
        ("/slow-header", "header-timeout", true),
        ("/close", "protocol", true),
        ("/ssh", "protocol", true),
        ("/half-header", "protocol", true),
        ("/many-fields", "header-too-large", false),
        ("/long-field", "header-too-large", false),
        ("/endless-field", "header-too-large", false),
    ] {
        let error = client.send(get(server.url(path))).await.unwrap_err();
        assert_eq!((error.code(), error.is_transient()), (code, transient), "{path}: {error}");
    }
    let answer = client.send(get(server.url("/odd-fields"))).await.unwrap();
    assert_eq!((&answer.body[..], answer.complete), (&b"ok"[..], true));

    // A server that speaks no TLS on the port that it is asked on.
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let https = format!("https://{}/", plain.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
        }
    });
    let error = client.send(get(https)).await.unwrap_err();
    assert_eq!((error.code(), error.is_transient()), ("tls", false), "{error:?}");

    let gone = server.url("/");
    drop(server);
    let error = client.send(get(gone)).await.unwrap_err();
    assert_eq!(error.code(), "connect", "{error:?}");

    let nowhere = "http://no-such-name.invalid/".parse().unwrap();
    let error = client.send(get(nowhere)).await.unwrap_err();
    // A resolver without a network may sit it out instead of saying no.
    assert!(matches!(error.code(), "dns" | "connect-timeout"), "{error:?}");
}

#[tokio::test]
async fn a_head_request_has_no_body_and_a_post_has_one() {
    let server = Server::start(|seen| match seen.line.starts_with("HEAD") {
        true => vec![send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")],
        false => response("201 Created", &[], b"done"),
    })
    .await;
    let client = client(&config());
    let mut head = get(server.url("/"));
    head.method = Method::HEAD;
    let answer = client.send(head).await.unwrap();
    assert_eq!((answer.body.len(), answer.complete), (0, true));
    let json = HeaderValue::from_static("application/json");
    let post = carewire_fetch::Request::post(server.url("/hook"), json, "{}".into());
    assert_eq!(client.send(post).await.unwrap().status, 201);
    let seen = server.seen().pop().unwrap();
    assert_eq!((seen.line.as_str(), &seen.body[..]), ("POST /hook HTTP/1.1", &b"{}"[..]));
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
