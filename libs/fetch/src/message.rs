//! What is sent and what comes back.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use url::{Host, Url};

use crate::error::FetchError;

/// One request. Build it with [`Request::get`] or [`Request::post`] and set the fields that matter.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address; user information in it is refused, a fragment is not sent.
    pub url: Url,
    /// The entity tag that this address gave, as [`Response::etag`] returned it; sent as `If-None-Match`, byte for byte.
    pub etag: Option<String>,
    /// The date that this address gave, as [`Response::last_modified`] returned it; sent as `If-Modified-Since`, byte for byte.
    pub last_modified: Option<String>,
    /// The address that gave the two validators, where it is not `url` (which redirected to it). They are sent to
    /// that address and to no other (RFC 9110 section 8.8: a validator belongs to one resource).
    pub validators_of: Option<Url>,
    /// The `Accept` header; `None` sends `*/*`.
    pub accept: Option<HeaderValue>,
    /// Further headers. `Authorization`, `Cookie` and those marked sensitive do not cross to another origin.
    pub headers: HeaderMap,
    /// The body, for POST and PUT.
    pub body: Option<Bytes>,
    /// How many subscribers the fetched feed has here, for the `User-Agent`.
    pub subscribers: Option<u64>,
}

impl Request {
    /// A plain GET.
    pub fn get(url: Url) -> Request {
        Request {
            method: Method::GET,
            url,
            etag: None,
            last_modified: None,
            validators_of: None,
            accept: None,
            headers: HeaderMap::new(),
            body: None,
            subscribers: None,
        }
    }

    /// A POST with a body of the given media type.
    pub fn post(url: Url, content_type: HeaderValue, body: Bytes) -> Request {
        let mut request = Request::get(url);
        request.method = Method::POST;
        request.headers.insert(header::CONTENT_TYPE, content_type);
        request.body = Some(body);
        request
    }
}

/// What a server answered at the end of the hops.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code; 3xx too where redirects are not followed, or cannot be.
    pub status: u16,
    /// The address that answered.
    pub url: Url,
    /// The redirects on the way, first to last; empty after [`crate::Client::send`].
    pub hops: Vec<Hop>,
    /// The header as sent. `Content-Encoding` and `Content-Length` describe the sent body, not `body`.
    pub headers: HeaderMap,
    /// The body with its content encodings undone.
    pub body: Bytes,
    /// Whether `body` is the whole body. Where it is not, validators of this response must not be kept: the next request has to ask for
    /// the whole again.
    pub complete: bool,
    /// What was wrong with the body, whole or not.
    pub problems: Vec<BodyProblem>,
    /// The address that was connected to (the proxy's, where there is one).
    pub remote: Option<SocketAddr>,
    /// From sending the first request to the end of the last body.
    pub elapsed: Duration,
    /// The body's size as sent, in bytes.
    pub wire_bytes: u64,
}

impl Response {
    /// The entity tag, weak prefix and quotes included; bytes above 0x7f stand as the characters of the same number, so
    /// that every tag can be stored and sent back unchanged.
    pub fn etag(&self) -> Option<String> {
        self.headers.get(header::ETAG).map(latin1)
    }

    /// The `Last-Modified` header as sent, in the same form as [`Response::etag`].
    pub fn last_modified(&self) -> Option<String> {
        self.headers.get(header::LAST_MODIFIED).map(latin1)
    }

    /// The `Content-Type` header where it is readable text.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get(header::CONTENT_TYPE)?.to_str().ok()
    }
}

/// One redirect that was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The address that redirected.
    pub from: Url,
    /// Where to.
    pub to: Url,
    /// By which status: 301 and 308 are meant to last, 302, 303 and 307 are not.
    pub status: u16,
}

/// What was wrong with a body of which something could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyProblem {
    /// The connection ended before the body did.
    CutOff,
    /// The server paused for longer than the idle limit.
    IdleTimeout,
    /// The whole exchange took longer than the total limit.
    TotalTimeout,
    /// The compressed data is damaged from some point on; what came before it was kept.
    DamagedEncoding,
    /// The header names a content encoding that the body does not have; the body was taken as it is.
    NotEncoded,
    /// Something follows the end of the compressed data; it was left out.
    TrailingData,
}

impl BodyProblem {
    /// A stable name in kebab case.
    pub fn code(self) -> &'static str {
        match self {
            BodyProblem::CutOff => "body-cut-off",
            BodyProblem::IdleTimeout => "body-idle-timeout",
            BodyProblem::TotalTimeout => "body-total-timeout",
            BodyProblem::DamagedEncoding => "damaged-content-encoding",
            BodyProblem::NotEncoded => "not-encoded-as-declared",
            BodyProblem::TrailingData => "data-after-compressed-body",
        }
    }

    /// Whether part of the body is missing.
    pub fn loses_data(self) -> bool {
        !matches!(self, BodyProblem::NotEncoded | BodyProblem::TrailingData)
    }
}

/// The host of a URL as leases are kept by it: name in lower case without a final dot, or address without brackets; never the port.
///
/// `None` where the URL has no host.
pub fn host_of(url: &Url) -> Option<String> {
    match url.host()? {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            (!name.is_empty()).then(|| name.to_ascii_lowercase())
        }
        Host::Ipv4(ip) => Some(ip.to_string()),
        // A mapped address is connected to over IPv4: the same host, so the same lease.
        Host::Ipv6(ip) => Some(ip.to_canonical().to_string()),
    }
}

/// The address that the URL's host is, where it is a literal: the URL parser has already read decimal, octal and hexadecimal forms.
pub(crate) fn literal_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(ip) => Some(ip.into()),
        Host::Ipv6(ip) => Some(ip.into()),
    }
}

/// The URL as errors show it: user information may be a password.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both calls fail only for URLs that can have no user information.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// Checks a URL before anything is sent: scheme, user information, host, port.
pub(crate) fn check_url(url: &Url) -> Result<(), FetchError> {
    let refuse = |reason| Err(FetchError::InvalidUrl { url: shown(url), reason });
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("only http and https are fetched");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it carries a user name or password");
    }
    if host_of(url).is_none() {
        return refuse("it has no host");
    }
    if url.port() == Some(0) {
        return refuse("port 0 cannot be connected to");
    }
    Ok(())
}

fn latin1(value: &HeaderValue) -> String {
    value.as_bytes().iter().map(|&byte| char::from(byte)).collect()
}

/// The reverse of [`latin1`]; `None` where the text cannot be a header's value.
pub(crate) fn echoed(text: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    HeaderValue::from_bytes(&bytes?).ok()
}

/// Whether a header must stay with the origin that it was meant for.
pub(crate) fn is_credential(name: &HeaderName, value: &HeaderValue) -> bool {
    value.is_sensitive()
        || matches!(
            *name,
            header::AUTHORIZATION | header::PROXY_AUTHORIZATION | header::COOKIE | header::WWW_AUTHENTICATE
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_without_ports() {
        for (url, host) in [
            ("http://Example.ORG:8080/x", Some("example.org")),
            ("http://example.org./", Some("example.org")),
            ("http://127.1/", Some("127.0.0.1")),
            ("http://[::FFFF:127.0.0.1]:80/", Some("127.0.0.1")),
            ("http://[2A00::1]/", Some("2a00::1")),
            ("https://bücher.example/", Some("xn--bcher-kva.example")),
            ("mailto:a@b", None),
        ] {
            assert_eq!(host_of(&Url::parse(url).unwrap()).as_deref(), host, "{url}");
        }
    }

    #[test]
    fn urls_that_cannot_be_fetched() {
        for url in [
            "ftp://a/",
            "file:///etc/passwd",
            "http://me:secret@a/",
            "http://me@a/",
            "http://a:0/",
            "data:,x",
            "gopher://a/",
        ] {
            let error = check_url(&Url::parse(url).unwrap()).unwrap_err();
            assert_eq!(error.code(), "invalid-url", "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn validators_survive_byte_for_byte() {
        for bytes in [&b"\"abc\""[..], b"W/\"abc-gzip\"", b"unquoted", b"\"\xe9\xff\"", b"\"a b\""] {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            assert_eq!(echoed(&latin1(&value)).unwrap().as_bytes(), bytes);
        }
        assert_eq!(echoed("a\r\nX: y"), None);
        assert_eq!(echoed("\u{20ac}"), None);
    }
}
