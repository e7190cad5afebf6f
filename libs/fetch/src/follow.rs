//! Redirects, one guarded hop at a time (RFC 9110 section 15.4).

use std::future::Future;

use http::{Method, header};
use tokio::time::Instant;
use url::Url;

use crate::{
    client::{Client, same_resource},
    error::{FetchError, GateError},
    message::{Hop, Request, Response, check_url, host_of, is_credential, shown},
};

/// Decides when a host may be asked. Ingest's gate holds the host's lease in the store and keeps the pause between requests.
///
/// Hosts are named as [`host_of`] does.
pub trait HostGate: Sync {
    /// Called before the first request to another host than the one of the request before; the lease on the first host is the caller's
    /// own. A chain may come back to a host that it has left: entering twice must do no harm.
    fn enter(&self, host: &str) -> impl Future<Output = Result<(), GateError>> + Send;

    /// Called before each request, the first included. May wait out the pause; must check that the lease still holds.
    fn may_send(&self, host: &str) -> impl Future<Output = Result<(), GateError>> + Send;
}

/// The gate that is always open: for commands that one person runs at a terminal (`carewire parse URL`).
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenGate;

impl HostGate for OpenGate {
    async fn enter(&self, _host: &str) -> Result<(), GateError> {
        Ok(())
    }

    async fn may_send(&self, _host: &str) -> Result<(), GateError> {
        Ok(())
    }
}

impl Client {
    /// Sends a request and follows redirects, at most `max_redirects` of them and never in a circle.
    ///
    /// Every hop is checked as the first request is. Credentials stay with their origin, validators with the address that gave them
    /// ([`Request::validators_of`]). 303, and 301 and 302 after a POST, go on as a GET without the body. A redirect without a
    /// usable `Location` header is handed out as the response.
    pub async fn follow(&self, mut request: Request, gate: &impl HostGate) -> Result<Response, FetchError> {
        let started = Instant::now();
        let limit = self.config().max_redirects;
        // From here on the validators are bound to the address that they belong to.
        request.validators_of.get_or_insert_with(|| request.url.clone());
        let mut hops: Vec<Hop> = Vec::new();
        let mut host = checked_host(&request.url)?;
        loop {
            gate.may_send(&host).await?;
            let mut response = self.exchange(&request).await?;
            let Some(to) = target(&response)? else {
                response.hops = hops;
                response.elapsed = started.elapsed();
                return Ok(response);
            };
            let seen = |url: &Url| same_resource(url, &to);
            let method = next_method(&request.method, response.status);
            if seen(&request.url) && method == request.method || hops.iter().any(|hop| seen(&hop.from)) {
                return Err(FetchError::RedirectLoop { url: shown(&to) });
            }
            if hops.len() >= usize::from(limit) {
                return Err(FetchError::TooManyRedirects { limit });
            }
            let next_host = checked_host(&to)?;
            // A closed address is refused before a lease is taken on it.
            self.check_target(&to, Instant::now() + self.config().connect_timeout).await?;
            if next_host != host {
                gate.enter(&next_host).await?;
                host = next_host;
            }
            hops.push(Hop { from: request.url.clone(), to: to.clone(), status: response.status });
            redirect(&mut request, to, method);
        }
    }
}

fn checked_host(url: &Url) -> Result<String, FetchError> {
    check_url(url)?;
    host_of(url).ok_or_else(|| FetchError::InvalidUrl { url: shown(url), reason: "it has no host" })
}

/// Where a response redirects to; `None` where it does not.
fn target(response: &Response) -> Result<Option<Url>, FetchError> {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.headers.get(header::LOCATION) else {
        return Ok(None);
    };
    // Servers send UTF-8 here although they should not; the URL parser then percent-encodes it as browsers do.
    let location = String::from_utf8_lossy(location.as_bytes());
    if location.trim().is_empty() {
        return Ok(None);
    }
    let mut to = response.url.join(location.trim()).map_err(|_| FetchError::InvalidUrl {
        url: location.chars().take(200).collect(),
        reason: "the redirect's Location is no URL",
    })?;
    // RFC 9110 section 10.2.2: the fragment is inherited.
    if to.fragment().is_none() {
        to.set_fragment(response.url.fragment());
    }
    Ok(Some(to))
}

fn next_method(method: &Method, status: u16) -> Method {
    match status {
        303 if method != Method::HEAD => Method::GET,
        301 | 302 if method == Method::POST => Method::GET,
        _ => method.clone(),
    }
}

/// Turns the request to its new address and strips what does not belong there.
fn redirect(request: &mut Request, to: Url, method: Method) {
    if to.origin() != request.url.origin() {
        request.headers = std::mem::take(&mut request.headers)
            .iter()
            .filter(|(name, value)| !is_credential(name, value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
    }
    if method != request.method {
        request.body = None;
        request.headers.remove(header::CONTENT_TYPE);
        request.headers.remove(header::CONTENT_ENCODING);
        request.method = method;
    }
    request.url = to;
}
