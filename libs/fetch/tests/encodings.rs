//! Content encodings as servers send them, bombs and lies among them.

mod common;

use std::io::Write;

use carewire_fetch::{BodyProblem, FetchConfig};
use common::{Server, client, config, get, response};
use proptest::prelude::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn br(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 5, ..Default::default() };
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &params).unwrap();
    out
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A server that answers `/N` with the N-th body and encoding.
async fn serving(bodies: Vec<(&'static str, Vec<u8>)>) -> Server {
    Server::start(move |seen| {
        let (encoding, body) = &bodies[seen.path()[1..].parse::<usize>().unwrap()];
        response("200 OK", &[("Content-Encoding", encoding)], body)
    })
    .await
}

#[tokio::test]
async fn every_offered_encoding_is_undone() {
    let text: Vec<u8> = (0..3000).flat_map(|n| format!("<item>{n}</item>").into_bytes()).collect();
    let (a, b) = text.split_at(1000);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("gzip", gzip(&text)),
        ("x-gzip", gzip(&text)),
        ("GZIP", gzip(&text)),
        ("gzip", cat(&[&gzip(a), &gzip(b)])),
        ("deflate", zlib(&text)),
        ("deflate", deflate(&text)),
        ("br", br(&text)),
        ("zstd", zstd(&text)),
        ("zstd", cat(&[&zstd(a), &zstd(b)])),
        ("gzip, br", br(&gzip(&text))),
        ("identity", text.clone()),
        ("", text.clone()),
    ];
    let server = serving(cases.clone()).await;
    let client = client(&config());
    for (n, (encoding, sent)) in cases.iter().enumerate() {
        let answer = client.send(get(server.url(&format!("/{n}")))).await.unwrap();
        assert!(answer.body == text, "{n} {encoding}: {} bytes", answer.body.len());
        assert_eq!((answer.complete, answer.problems, answer.wire_bytes), (true, vec![], sent.len() as u64), "{n}");
    }
}

#[tokio::test]
async fn lies_and_damage_are_named_and_keep_what_can_be_read() {
    let text: Vec<u8> = b"<feed>"
        .iter()
        .copied()
        .chain((0..60_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()))
        .collect();
    let mut damaged = gzip(&text);
    let at = damaged.len() / 2;
    damaged[at..at + 40].fill(0);
    let cut = {
        let whole = gzip(&text);
        whole[..whole.len() - 20].to_vec()
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("gzip", b"\xef\xbb\xbf <feed/>".to_vec()),
        ("br", b"{\"version\":1}".to_vec()),
        ("gzip", cat(&[&gzip(b"<feed/>"), b"<!-- served in 3 ms -->"])),
        ("gzip", damaged),
        ("gzip", cut),
        ("gzip", b"garbage".to_vec()),
        ("zstd", b"\xff\xfe\x00".to_vec()),
        ("compress", b"<feed/>".to_vec()),
        ("gzip, gzip, gzip", b"<feed/>".to_vec()),
        ("gzip", b"".to_vec()),
    ];
    let server = serving(cases.clone()).await;
    let client = client(&config());
    let mut outcomes = Vec::new();
    for n in 0..cases.len() {
        outcomes.push(match client.send(get(server.url(&format!("/{n}")))).await {
            Ok(answer) => Ok((answer.body, answer.complete, answer.problems)),
            Err(error) => Err(error.code()),
        });
    }
    use BodyProblem::{DamagedEncoding, NotEncoded, TrailingData};
    assert_eq!(outcomes[0], Ok((b"\xef\xbb\xbf <feed/>"[..].into(), true, vec![NotEncoded])));
    assert_eq!(outcomes[1], Ok((b"{\"version\":1}"[..].into(), true, vec![NotEncoded])));
    assert_eq!(outcomes[2], Ok((b"<feed/>"[..].into(), true, vec![TrailingData])));
    for n in [3, 4] {
        let (body, complete, problems) = outcomes[n].as_ref().unwrap();
        assert!(body.starts_with(b"<feed>"), "{n}");
        assert_eq!((*complete, problems.as_slice()), (false, &[DamagedEncoding][..]), "{n}");
    }
    assert_eq!(
        outcomes[5..9],
        [
            Err("bad-content-encoding"),
            Err("bad-content-encoding"),
            Err("bad-content-encoding"),
            Err("bad-content-encoding")
        ]
    );
    assert_eq!(outcomes[9], Ok((b""[..].into(), true, vec![])));
}

#[tokio::test]
async fn bombs_and_bodies_too_large_are_refused_by_name() {
    let zeros = vec![0u8; 15 << 20];
    let noise: Vec<u8> = (0..(3u32 << 18)).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("gzip", gzip(&zeros), "zip-bomb"),
        ("deflate", zlib(&zeros), ""),
        ("br", br(&zeros), "zip-bomb"),
        ("zstd", zstd(&zeros), "zip-bomb"),
        ("gzip, gzip", gzip(&gzip(&zeros)), "zip-bomb"),
        // Ratio 3: no bomb, but more than the limit below.
        ("gzip", gzip(&cat(&[&noise, &noise, &noise])), "body-too-large"),
        ("identity", noise.clone(), "body-too-large"),
        // A ratio of 1000 below 1 MiB is only a monotonous feed.
        ("zstd", zstd(&zeros[..1 << 20]), ""),
    ];
    let server = serving(cases.iter().map(|(encoding, body, _)| (*encoding, body.clone())).collect()).await;
    for (n, (encoding, _, code)) in cases.iter().enumerate() {
        // The fast deflate above shrinks zeros by less than the ratio; the limits are tested one at a time.
        let config = match *code {
            "body-too-large" => FetchConfig { max_body: 2 << 20, ..config() },
            _ => FetchConfig { max_ratio: if *encoding == "deflate" { 2000 } else { 200 }, ..config() },
        };
        let outcome = client(&config).send(get(server.url(&format!("/{n}")))).await;
        assert_eq!(outcome.err().map_or("", |error| error.code()), *code, "{n} {encoding}");
    }
}

#[tokio::test]
async fn a_chunked_body_without_end_is_stopped_at_the_limit() {
    let server = Server::start(|_| {
        let mut steps = vec![common::send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")];
        let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
        steps.extend(std::iter::repeat_n(common::Step::Send(chunk), 100));
        steps.push(common::Step::Hang);
        steps
    })
    .await;
    let client = client(&FetchConfig { max_body: 1 << 20, ..config() });
    let error = client.send(get(server.url("/"))).await.unwrap_err();
    assert_eq!(error.code(), "body-too-large");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a server claims and sends, the client neither panics nor hands out more than the limit.
    #[test]
    fn hostile_bodies_do_no_harm(
        encoding in prop::sample::select(vec!["gzip", "deflate", "br", "zstd", "gzip, br", "zstd, gzip"]),
        text in prop::collection::vec(any::<u8>(), 0..2000),
        flip in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut body = match encoding {
            "gzip" => gzip(&text),
            "deflate" => zlib(&text),
            "br" => br(&text),
            "zstd" => zstd(&text),
            "gzip, br" => br(&gzip(&text)),
            _ => gzip(&zstd(&text)),
        };
        let at = flip.index(body.len());
        body[at] = value;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = serving(vec![(encoding, body)]).await;
            let client = client(&FetchConfig { max_body: 100_000, ..config() });
            if let Ok(answer) = client.send(get(server.url("/0"))).await {
                assert!(answer.body.len() <= 100_000);
            }
        });
    }
}
