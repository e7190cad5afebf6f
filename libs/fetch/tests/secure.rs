//! TLS and HTTP/2 with a real server whose certificate comes from an authority of the tests (`tests/tls`, made with openssl for the name
//! `localhost` and the address 127.0.0.1; the authority's key was thrown away).

mod common;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use axum::{Router, extract::Request, http::Version, routing::get};
use carewire_fetch::FetchConfig;
use common::{client, config};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// A TLS server that answers with the HTTP version it was asked in and the number of its connection.
async fn start(alpn: &[&[u8]]) -> SocketAddr {
    let chain = vec![CertificateDer::from_pem_file(file("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    tls.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let answer = move |request: Request| async move {
                    let version = if request.version() == Version::HTTP_2 { "h2" } else { "h1" };
                    format!("{version} connection {number}")
                };
                let service = TowerToHyperService::new(Router::new().route("/", get(answer)));
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn http2_and_http1_over_tls_with_connections_used_again() {
    let config = FetchConfig { ca_file: Some(file("ca.pem")), ..config() };
    for (alpn, version) in [(&[&b"h2"[..], b"http/1.1"][..], "h2"), (&[b"http/1.1"], "h1"), (&[], "h1")] {
        let address = start(alpn).await;
        let client = client(&config);
        for host in ["127.0.0.1", "127.0.0.1"] {
            let url = format!("https://{host}:{}/", address.port()).parse().unwrap();
            let answer = client.send(common::get(url)).await.unwrap();
            assert_eq!(answer.body, format!("{version} connection 0"), "{alpn:?}");
            assert_eq!(answer.remote, Some(address));
        }
    }
}

#[tokio::test]
async fn certificates_are_checked() {
    let address = start(&[b"h2"]).await;
    let with_authority = FetchConfig { ca_file: Some(file("ca.pem")), ..config() };
    for (config, host, code) in [
        (&with_authority, "localhost", ""),
        // The certificate is for another name.
        (&with_authority, "a.localhost", "tls"),
        // Its authority is unknown.
        (&config(), "localhost", "tls"),
    ] {
        let url = format!("https://{host}:{}/", address.port()).parse().unwrap();
        let outcome = client(config).send(common::get(url)).await;
        assert_eq!(outcome.as_ref().map_or_else(|error| error.code(), |_| ""), code, "{host}: {outcome:?}");
    }
    for (name, part) in [("none.pem", "fetch.ca_file"), ("server.key", "fetch.ca_file")] {
        let config = FetchConfig { ca_file: Some(file(name)), ..config() };
        let error = carewire_fetch::Client::new(&config).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
