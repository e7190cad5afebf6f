//! What can go wrong with a request, in the terms that a feed's page and a metric show.

use std::{fmt, net::IpAddr, time::Duration};

/// Why a request gave no response.
///
/// The texts name hosts and limits, never header values or bodies, so they may be shown to a feed's owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The server's address is one that nothing may be fetched from ([`crate::is_forbidden`]).
    #[error("{host} is at {address}, an address that nothing may be fetched from")]
    Forbidden {
        /// The host as the URL names it.
        host: String,
        /// The refused address.
        address: IpAddr,
    },
    /// The name could not be resolved.
    #[error("the name {host} was not resolved: {message}")]
    Dns {
        /// The host as the URL names it.
        host: String,
        /// What the resolver said.
        message: String,
    },
    /// No connection was made.
    #[error("no connection to {host}: {message}")]
    Connect {
        /// The host as the URL names it.
        host: String,
        /// What the system said.
        message: String,
    },
    /// The TLS handshake failed: certificate, name or protocol.
    #[error("no secure connection to {host}: {message}")]
    Tls {
        /// The host as the URL names it.
        host: String,
        /// What the TLS library said.
        message: String,
    },
    /// A time limit passed before anything useful came.
    #[error("{what} took longer than {limit:?}")]
    Timeout {
        /// Which limit.
        what: TimeoutKind,
        /// Its value.
        limit: Duration,
    },
    /// The header or the (expanded) body is larger than allowed.
    #[error("the {what} is larger than {limit} bytes")]
    TooLarge {
        /// Header or body.
        what: Limited,
        /// The limit in bytes.
        limit: u64,
    },
    /// The body expands more than allowed: a zip bomb.
    #[error("the body expands more than {limit} times")]
    Ratio {
        /// The limit.
        limit: u32,
    },
    /// The body is encoded in a way that was not offered, or not at all as its header says, and nothing of it could be read.
    #[error("the body's content encoding `{encoding}` cannot be undone")]
    BadContentEncoding {
        /// The coding as the server named it.
        encoding: String,
    },
    /// More redirects than allowed.
    #[error("more than {limit} redirects")]
    TooManyRedirects {
        /// The limit.
        limit: u8,
    },
    /// A redirect led back to an address of the same chain.
    #[error("redirects lead in a circle at {url}")]
    RedirectLoop {
        /// The address that came twice.
        url: String,
    },
    /// The URL, or the one that a redirect names, cannot be used.
    #[error("`{url}` cannot be fetched: {reason}")]
    InvalidUrl {
        /// The URL, without its user information.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The request's own parts are no valid HTTP (a header with a line break).
    #[error("the request is no valid HTTP: {message}")]
    InvalidRequest {
        /// What is wrong.
        message: String,
    },
    /// The configured proxy refused or could not be reached.
    #[error("the proxy failed: {message}")]
    Proxy {
        /// What went wrong.
        message: String,
    },
    /// The server broke the connection before its header ended, or what it sent is no HTTP.
    #[error("{host} did not answer in HTTP: {message}")]
    Protocol {
        /// The host as the URL names it.
        host: String,
        /// What the HTTP library said.
        message: String,
    },
    /// The host's gate did not let the request through.
    #[error(transparent)]
    Gate(#[from] GateError),
}

impl FetchError {
    /// A stable name in kebab case: the label of metrics, the code of a feed's problem.
    pub fn code(&self) -> &'static str {
        match self {
            FetchError::Forbidden { .. } => "forbidden-address",
            FetchError::Dns { .. } => "dns",
            FetchError::Connect { .. } => "connect",
            FetchError::Tls { .. } => "tls",
            FetchError::Timeout { what, .. } => what.code(),
            FetchError::TooLarge { what: Limited::Header, .. } => "header-too-large",
            FetchError::TooLarge { what: Limited::Body, .. } => "body-too-large",
            FetchError::Ratio { .. } => "zip-bomb",
            FetchError::BadContentEncoding { .. } => "bad-content-encoding",
            FetchError::TooManyRedirects { .. } => "too-many-redirects",
            FetchError::RedirectLoop { .. } => "redirect-loop",
            FetchError::InvalidUrl { .. } => "invalid-url",
            FetchError::InvalidRequest { .. } => "invalid-request",
            FetchError::Proxy { .. } => "proxy",
            FetchError::Protocol { .. } => "protocol",
            FetchError::Gate(error) => error.code(),
        }
    }

    /// Whether the same request may well succeed later without anybody mending anything.
    ///
    /// A bad certificate, a body too large or a refused address stays until its owner or the operator acts.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            FetchError::Dns { .. }
                | FetchError::Connect { .. }
                | FetchError::Timeout { .. }
                | FetchError::Proxy { .. }
                | FetchError::Protocol { .. }
                | FetchError::Gate(_)
        )
    }
}

/// Which time limit passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutKind {
    /// Resolving, connecting and the TLS handshake.
    Connect,
    /// From sending the request to the end of the response's header.
    Header,
    /// Between two pieces of the body.
    Idle,
    /// The whole exchange.
    Total,
}

impl TimeoutKind {
    /// The stable name, as in [`FetchError::code`].
    pub fn code(self) -> &'static str {
        match self {
            TimeoutKind::Connect => "connect-timeout",
            TimeoutKind::Header => "header-timeout",
            TimeoutKind::Idle => "idle-timeout",
            TimeoutKind::Total => "total-timeout",
        }
    }
}

impl fmt::Display for TimeoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeoutKind::Connect => "connecting",
            TimeoutKind::Header => "the answer's header",
            TimeoutKind::Idle => "a pause in the body",
            TimeoutKind::Total => "the whole exchange",
        })
    }
}

/// What a size limit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Names and values of the response's header.
    Header,
    /// The body, as sent or expanded.
    Body,
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limited::Header => "header",
            Limited::Body => "body",
        })
    }
}

/// Why a [`crate::HostGate`] let no request through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// Another worker holds the host's lease, or the host asked to be left alone for now.
    #[error("{host} is busy")]
    Busy {
        /// The host.
        host: String,
        /// How long until it is worth trying again, where known.
        retry_in: Option<Duration>,
    },
    /// The lease is lost: another worker may be talking to the host.
    #[error("the lease on {host} is lost")]
    Lost {
        /// The host.
        host: String,
    },
    /// The gate's own store failed.
    #[error("the gate of {host} failed: {message}")]
    Failed {
        /// The host.
        host: String,
        /// What went wrong.
        message: String,
    },
}

impl GateError {
    fn code(&self) -> &'static str {
        match self {
            GateError::Busy { .. } => "host-busy",
            GateError::Lost { .. } => "lease-lost",
            GateError::Failed { .. } => "gate-failed",
        }
    }
}
