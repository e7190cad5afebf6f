//! Feeds registered as http: tried at https once, and moved where that works. On the ports that the schemes stand for, since an address
//! with a port of its own has no secure form.

use std::{path::Path, sync::Arc};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::common::{
    Sandbox, eventually,
    publisher::{item, rss},
};

/// Answers one request with the feed, or 404 for `/plain` where `secure`; then closes.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, secure: bool) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(count) if count > 0 => {}
            _ => return,
        }
    }
    let missing = secure && head.starts_with(b"GET /plain ");
    let (status, body) = if missing { ("404 Not Found", String::new()) } else { ("200 OK", rss(&[item("a", "A", 1)])) };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/rss+xml\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

#[tokio::test]
async fn a_feed_moves_to_https_where_that_works_and_stays_where_it_does_not() {
    let bound = (TcpListener::bind("127.0.0.1:80").await, TcpListener::bind("127.0.0.1:443").await);
    let (Ok(plain), Ok(secure)) = bound else {
        eprintln!("SKIPPED: the ports 80 and 443 of 127.0.0.1 cannot be listened on");
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../libs/fetch/tests/tls");
    let chain = vec![CertificateDer::from_pem_file(folder.join("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    tokio::spawn(async move {
        while let Ok((stream, _)) = plain.accept().await {
            tokio::spawn(answer(stream, false));
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = secure.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream, true).await;
                }
            });
        }
    });
    let mut sandbox = Sandbox::new().await;
    sandbox.fetch.ca_file = Some(folder.join("ca.pem"));
    let good = sandbox.add_url("http://127.0.0.1/good".to_owned()).await;
    let stays = sandbox.add_url("http://127.0.0.1/plain".to_owned()).await;
    let worker = sandbox.worker();
    let feed = eventually("the move", || async {
        let feed = sandbox.feed(good).await;
        (feed.url == "https://127.0.0.1/good" && feed.last_status == Some(200) && feed.next_reason != "moved")
            .then_some(feed)
    })
    .await;
    assert_eq!((feed.last_error, feed.entries), (None, 1));
    assert_eq!(sandbox.events(good).await.len(), 1, "its entries are the same at both addresses");
    eventually("the vain try", || async { sandbox.store.next_task().await.unwrap().is_none().then_some(()) }).await;
    let feed = sandbox.poll(stays).await;
    assert_eq!(feed.url, "http://127.0.0.1/plain");
    assert_eq!(feed.memory.https.map(|tried| tried.failed), Some(1), "it is remembered");
    assert_eq!(sandbox.store.next_task().await.unwrap(), None, "it is not tried again with each poll");
    worker.end().await;
}
