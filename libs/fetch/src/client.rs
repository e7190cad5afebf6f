//! One exchange: checked, sent, limited, read, decoded.

use std::{error::Error as _, sync::Arc};

use http::{HeaderMap, HeaderValue, Method, header};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    address::is_forbidden,
    config::{ConfigError, FetchConfig},
    decode::decode,
    error::{FetchError, Limited, TimeoutKind},
    message::{Request, Response, check_url, echoed, host_of, literal_address},
    metrics,
    resolve::{GuardedResolver, ResolveError},
    transport,
    wire::{self, Limits},
};

/// What is offered; [`crate::decode`] undoes exactly these.
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip, deflate, br, zstd");
const ACCEPT_ANY: HeaderValue = HeaderValue::from_static("*/*");

/// Unused connections kept to each host.
const IDLE: usize = 4;

/// The guarded HTTP client. Cheap to clone; connections and resolved names are shared by all clones.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    resolver: GuardedResolver,
    config: FetchConfig,
    /// The `User-Agent` of requests that state no number of subscribers of their own.
    user_agent: HeaderValue,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("user_agent", &self.inner.user_agent).finish_non_exhaustive()
    }
}

impl Client {
    /// Sets the client up; sends nothing.
    pub fn new(config: &FetchConfig) -> Result<Client, ConfigError> {
        Self::with_idle(config, IDLE)
    }

    /// As [`Client::new`], keeping at most `idle` unused connections to each host: for many requests to few hosts.
    pub fn with_idle(config: &FetchConfig, idle: usize) -> Result<Client, ConfigError> {
        config.check()?;
        let proxy = config.proxy.as_deref().and_then(host_of);
        let resolver = GuardedResolver::new(config.allow.clone(), proxy, config.dns_cache);
        let http = transport::build(config, resolver.clone(), idle)?;
        let user_agent = user_agent(config.contact.as_deref(), stated(config))
            .map_err(|error| ConfigError::Setup(error.to_string()))?;
        Ok(Client { inner: Arc::new(Inner { http, resolver, config: config.clone(), user_agent }) })
    }

    /// The configuration that the client was set up with.
    pub fn config(&self) -> &FetchConfig {
        &self.inner.config
    }

    /// Sends one request and reads its response: exactly one hop, a redirect comes back as a response.
    ///
    /// Takes no lease and keeps no pause; whoever calls it for a publisher's host holds that host's lease.
    pub async fn send(&self, request: Request) -> Result<Response, FetchError> {
        self.exchange(&request).await
    }

    /// [`Client::send`] by reference, counted.
    pub(crate) async fn exchange(&self, request: &Request) -> Result<Response, FetchError> {
        let result = self.exchange_uncounted(request).await;
        metrics::count(&result);
        result
    }

    async fn exchange_uncounted(&self, request: &Request) -> Result<Response, FetchError> {
        let config = &self.inner.config;
        let started = Instant::now();
        let deadline = started + config.total_timeout;
        self.check_target(&request.url, deadline).await?;
        let headers = self.headers(request)?;

        let mut outgoing = reqwest::Request::new(request.method.clone(), request.url.clone());
        *outgoing.headers_mut() = headers;
        if let Some(body) = &request.body {
            *outgoing.body_mut() = Some(body.clone().into());
        }
        // Connecting has its own limit within this one.
        let header_end = (started + config.connect_timeout + config.header_timeout).min(deadline);
        let mut response = match timeout_at(header_end, self.inner.http.execute(outgoing)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.classify(&request.url, &error)),
            Err(_) if header_end == deadline => {
                return Err(FetchError::Timeout { what: TimeoutKind::Total, limit: config.total_timeout });
            }
            Err(_) => {
                return Err(FetchError::Timeout { what: TimeoutKind::Header, limit: config.header_timeout });
            }
        };

        let remote = response.remote_addr();
        // The resolver has filtered already; this holds even if the HTTP library should one day connect by another way.
        if config.proxy.is_none()
            && let Some(remote) = remote
            && is_forbidden(remote.ip(), &config.allow)
        {
            return Err(forbidden(&request.url, remote.ip()));
        }
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        check_header_size(&headers, config.max_header)?;

        let limits = Limits {
            max_body: config.max_body,
            max_ratio: config.max_ratio,
            idle: config.idle_timeout,
            total: config.total_timeout,
            deadline,
        };
        let mut answer = Response {
            status,
            url: request.url.clone(),
            hops: Vec::new(),
            headers,
            body: bytes::Bytes::new(),
            complete: true,
            problems: Vec::new(),
            remote,
            elapsed: started.elapsed(),
            wire_bytes: 0,
        };
        // RFC 9110 section 6.4.1: these have no body, whatever their header says.
        if request.method == Method::HEAD || matches!(status, 204 | 304) {
            return Ok(answer);
        }
        let wire = wire::read(&mut response, &limits).await?;
        answer.wire_bytes = wire.body.len() as u64;
        answer.problems.extend(wire.problem);
        let decoded = decode(&answer.headers, wire.body, &limits).await;
        let mut decoded = match decoded {
            // Nothing usable came before the cut: the cut is the reason.
            Err(FetchError::BadContentEncoding { .. }) if wire.problem.is_some() => {
                crate::decode::Decoded { body: bytes::Bytes::new(), problems: Vec::new() }
            }
            other => other?,
        };
        if wire.problem.is_some() {
            // Compressed data that ends too soon is only the other face of the cut.
            decoded.problems.retain(|problem| !problem.loses_data());
        }
        answer.problems.extend(decoded.problems);
        answer.complete = !answer.problems.iter().any(|problem| problem.loses_data());
        answer.body = decoded.body;
        answer.elapsed = started.elapsed();
        Ok(answer)
    }

    /// Checks what can be checked before connecting. Names are checked by the resolver when a connection is made; behind a proxy there is
    /// none to be made here, so they are resolved for the check alone.
    pub(crate) async fn check_target(&self, url: &Url, deadline: Instant) -> Result<(), FetchError> {
        check_url(url)?;
        let config = &self.inner.config;
        if let Some(address) = literal_address(url) {
            if is_forbidden(address, &config.allow) {
                return Err(forbidden(url, address));
            }
        } else if config.proxy.is_some()
            && let Some(host) = host_of(url)
        {
            let end = deadline.min(Instant::now() + config.connect_timeout);
            if let Ok(Err(ResolveError::Forbidden(address))) =
                timeout_at(end, self.inner.resolver.addresses(&host)).await
            {
                return Err(forbidden(url, address));
            }
        }
        Ok(())
    }

    fn headers(&self, request: &Request) -> Result<HeaderMap, FetchError> {
        let mut headers = request.headers.clone();
        headers.insert(header::ACCEPT_ENCODING, ACCEPT_ENCODING);
        headers.insert(header::ACCEPT, request.accept.clone().unwrap_or(ACCEPT_ANY));
        let agent = match request.subscribers {
            None => self.inner.user_agent.clone(),
            count => user_agent(self.inner.config.contact.as_deref(), count)?,
        };
        headers.insert(header::USER_AGENT, agent);
        // What never goes out: this client keeps no cookies and tells no one where it comes from.
        headers.remove(header::COOKIE);
        headers.remove(header::REFERER);
        if request.validators_of.as_ref().is_none_or(|of| same_resource(of, &request.url)) {
            if let Some(value) = request.etag.as_deref().and_then(echoed) {
                headers.insert(header::IF_NONE_MATCH, value);
            }
            if let Some(value) = request.last_modified.as_deref().and_then(echoed) {
                headers.insert(header::IF_MODIFIED_SINCE, value);
            }
        }
        Ok(headers)
    }

    /// Finds the cause in the HTTP library's chain of errors.
    fn classify(&self, url: &Url, error: &reqwest::Error) -> FetchError {
        let host = host_of(url).unwrap_or_default();
        let config = &self.inner.config;
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message = error.to_string();
            if let Some(refused) = error.downcast_ref::<ResolveError>() {
                return match refused {
                    ResolveError::Forbidden(address) => forbidden(url, *address),
                    ResolveError::Failed(message) => FetchError::Dns { host, message: message.clone() },
                };
            }
            if is_tls(error) {
                return FetchError::Tls { host, message };
            }
            cause = error.source();
        }
        if error.is_timeout() {
            FetchError::Timeout { what: TimeoutKind::Connect, limit: config.connect_timeout }
        } else if error.is_connect() && config.proxy.is_some() {
            FetchError::Proxy { message }
        } else if error.is_connect() {
            FetchError::Connect { host, message }
        } else if error.is_builder() {
            FetchError::InvalidRequest { message }
        } else if message == "message head is too large" {
            FetchError::TooLarge { what: Limited::Header, limit: u64::from(config.max_header) }
        } else {
            FetchError::Protocol { host, message }
        }
    }
}

/// Whether an error is the TLS library's. An I/O error hides what it wraps from `source`, and they are nested here.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    if error.is::<rustls::Error>() {
        return true;
    }
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    inner.is_some_and(|inner| is_tls(inner))
}

fn forbidden(url: &Url, address: std::net::IpAddr) -> FetchError {
    FetchError::Forbidden { host: host_of(url).unwrap_or_default(), address }
}

/// Whether two URLs name the same resource: equal but for the fragment, which is never sent.
pub(crate) fn same_resource(a: &Url, b: &Url) -> bool {
    a[..url::Position::AfterQuery] == b[..url::Position::AfterQuery]
}

fn check_header_size(headers: &HeaderMap, limit: u32) -> Result<(), FetchError> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > limit as usize {
        return Err(FetchError::TooLarge { what: Limited::Header, limit: u64::from(limit) });
    }
    Ok(())
}

/// The number of subscribers as configured.
fn stated(config: &FetchConfig) -> Option<u64> {
    Some(config.subscribers).filter(|&subscribers| subscribers > 0)
}

/// `Carewire/0.1 (+CONTACT; N subscribers)`, with what is known of the two.
fn user_agent(contact: Option<&str>, subscribers: Option<u64>) -> Result<HeaderValue, FetchError> {
    let count = subscribers.map(|n| format!("{n} subscriber{}", if n == 1 { "" } else { "s" }));
    let comment = match (contact, count) {
        (None, None) => String::new(),
        (Some(contact), None) => format!(" (+{contact})"),
        (None, Some(count)) => format!(" ({count})"),
        (Some(contact), Some(count)) => format!(" (+{contact}; {count})"),
    };
    HeaderValue::try_from(format!("Carewire/0.1{comment}"))
        .map_err(|error| FetchError::InvalidRequest { message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_agent_says_who_asks_and_for_how_many() {
        let contact = Some("https://carewire.example/about");
        for (contact, subscribers, expected) in [
            (None, None, "Carewire/0.1"),
            (None, Some(1), "Carewire/0.1 (1 subscriber)"),
            (contact, None, "Carewire/0.1 (+https://carewire.example/about)"),
            (contact, Some(12), "Carewire/0.1 (+https://carewire.example/about; 12 subscribers)"),
        ] {
            assert_eq!(user_agent(contact, subscribers).unwrap(), expected);
        }
    }
}
