//! Undoes content encodings (RFC 9110 section 8.4; gzip RFC 1952, deflate RFC 1950 and 1951, br RFC 7932, zstd RFC 8878)
//! under limits of size and ratio.

use async_compression::{
    tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder},
    zstd::DParameter,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{error::FetchError, message::BodyProblem, wire::Limits};

/// Expanded sizes up to this are never a bomb, whatever their ratio.
const RATIO_FLOOR: usize = 1 << 20;
/// A body is encoded once, rarely twice; more is an attack.
const MAX_LAYERS: usize = 2;
/// RFC 9659: content coded with zstd for HTTP needs no window above 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;
/// Let other tasks run after this many expanded bytes.
const YIELD_EVERY: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// The body with its encodings undone, and what was wrong with it.
pub(crate) struct Decoded {
    pub(crate) body: Bytes,
    pub(crate) problems: Vec<BodyProblem>,
}

/// The codings in the order in which they were applied.
fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, FetchError> {
    let mut codings = Vec::new();
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let bad = |encoding: &str| FetchError::BadContentEncoding { encoding: encoding.chars().take(40).collect() };
        let value = value.to_str().map_err(|_| bad("?"))?;
        for coding in value.split(',').map(str::trim) {
            codings.push(match coding.to_ascii_lowercase().as_str() {
                "" | "identity" | "none" => continue,
                "gzip" | "x-gzip" => Coding::Gzip,
                "deflate" => Coding::Deflate,
                "br" => Coding::Brotli,
                "zstd" => Coding::Zstd,
                _ => return Err(bad(coding)),
            });
        }
        if codings.len() > MAX_LAYERS {
            return Err(bad(value));
        }
    }
    Ok(codings)
}

/// Undoes what the header says was done to the body.
///
/// Damage in the middle keeps what came before it; a body that is plain text in spite of the header is taken as it is.
pub(crate) async fn decode(headers: &HeaderMap, wire: Bytes, limits: &Limits) -> Result<Decoded, FetchError> {
    let mut problems = Vec::new();
    let mut body = wire;
    if body.is_empty() {
        return Ok(Decoded { body, problems });
    }
    let sent = body.len();
    for coding in codings(headers)?.into_iter().rev() {
        match expand(coding, &body, sent, limits).await {
            Ok((expanded, problem)) => {
                body = expanded;
                problems.extend(problem);
            }
            Err(FetchError::BadContentEncoding { .. }) if looks_like_text(&body) => {
                problems.push(BodyProblem::NotEncoded);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Decoded { body, problems })
}

/// Whether a body is what feeds and pages start with: markup or JSON after an optional byte order mark and space.
fn looks_like_text(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    matches!(body.trim_ascii_start().first(), Some(b'<' | b'{' | b'['))
}

/// Expands one layer. The members of a gzip or zstd stream that follow one another are one body (RFC 1952 section 2.2).
async fn expand(
    coding: Coding,
    input: &[u8],
    sent: usize,
    limits: &Limits,
) -> Result<(Bytes, Option<BodyProblem>), FetchError> {
    let mut out = BytesMut::with_capacity((input.len() * 4).clamp(8 << 10, 1 << 20));
    let mut rest = input;
    loop {
        let outcome = match coding {
            Coding::Gzip => {
                let mut decoder = GzipDecoder::new(rest);
                let outcome = drain(&mut decoder, &mut out, sent, limits).await?;
                rest = decoder.into_inner();
                outcome
            }
            // "deflate" is the zlib format, but some servers send the bare data, as browsers found out.
            Coding::Deflate if is_zlib(input) => {
                let mut decoder = ZlibDecoder::new(rest);
                let outcome = drain(&mut decoder, &mut out, sent, limits).await?;
                rest = decoder.into_inner();
                outcome
            }
            Coding::Deflate => {
                let mut decoder = DeflateDecoder::new(rest);
                let outcome = drain(&mut decoder, &mut out, sent, limits).await?;
                rest = decoder.into_inner();
                outcome
            }
            Coding::Brotli => {
                let mut decoder = BrotliDecoder::new(rest);
                let outcome = drain(&mut decoder, &mut out, sent, limits).await?;
                rest = decoder.into_inner();
                outcome
            }
            Coding::Zstd => {
                let window = [DParameter::window_log_max(ZSTD_WINDOW_LOG)];
                let mut decoder = ZstdDecoder::with_params(rest, &window);
                let outcome = drain(&mut decoder, &mut out, sent, limits).await?;
                rest = decoder.into_inner();
                outcome
            }
        };
        let problem = match outcome {
            Outcome::Damaged if out.is_empty() => {
                return Err(FetchError::BadContentEncoding { encoding: name(coding).to_owned() });
            }
            Outcome::Damaged => Some(BodyProblem::DamagedEncoding),
            Outcome::Ended if starts_member(coding, rest) => continue,
            Outcome::Ended if rest.is_empty() => None,
            Outcome::Ended => Some(BodyProblem::TrailingData),
        };
        return Ok((out.freeze(), problem));
    }
}

enum Outcome {
    Ended,
    Damaged,
}

/// Reads a decoder to its end, checking the limits as the output grows.
async fn drain(
    decoder: &mut (impl AsyncRead + Unpin),
    out: &mut BytesMut,
    sent: usize,
    limits: &Limits,
) -> Result<Outcome, FetchError> {
    let mut since_yield = 0;
    loop {
        if out.capacity() - out.len() < 16 << 10 {
            out.reserve(out.len().max(16 << 10));
        }
        let read = match decoder.read_buf(out).await {
            Ok(0) => return Ok(Outcome::Ended),
            Ok(read) => read,
            Err(_) => return Ok(Outcome::Damaged),
        };
        if out.len() as u64 > limits.max_body {
            // A bomb is called by its name even where the size limit catches it first.
            return Err(ratio_error(out.len(), sent, limits).unwrap_or_else(|| limits.too_large()));
        }
        if let Some(error) = ratio_error(out.len(), sent, limits) {
            return Err(error);
        }
        since_yield += read;
        if since_yield > YIELD_EVERY {
            since_yield = 0;
            tokio::task::yield_now().await;
        }
    }
}

fn ratio_error(expanded: usize, sent: usize, limits: &Limits) -> Option<FetchError> {
    let bomb = expanded > RATIO_FLOOR && expanded as u64 > u64::from(limits.max_ratio) * sent as u64;
    bomb.then_some(FetchError::Ratio { limit: limits.max_ratio })
}

/// RFC 1950 section 2.2: method 8, and the first two bytes are a multiple of 31.
fn is_zlib(input: &[u8]) -> bool {
    matches!(input, [cmf, flg, ..] if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flg)) % 31 == 0)
}

fn starts_member(coding: Coding, rest: &[u8]) -> bool {
    match coding {
        Coding::Gzip => rest.starts_with(b"\x1f\x8b"),
        Coding::Zstd => rest.starts_with(b"\x28\xb5\x2f\xfd") || matches!(rest, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]),
        Coding::Deflate | Coding::Brotli => false,
    }
}

fn name(coding: Coding) -> &'static str {
    match coding {
        Coding::Gzip => "gzip",
        Coding::Deflate => "deflate",
        Coding::Brotli => "br",
        Coding::Zstd => "zstd",
    }
}
