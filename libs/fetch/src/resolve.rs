//! Name resolution as the HTTP library asks for it: cached, and filtered by address.
//!
//! The connector connects to what this resolver returns and to nothing else, so a name that points at an inner server
//! (or does so only at the second look: DNS rebinding) never gets as far as a connection.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use moka::future::Cache;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{address::is_forbidden, net::IpNet};

/// Why a name gave no address that may be connected to.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("all addresses are forbidden, {0} among them")]
    Forbidden(IpAddr),
    #[error("{0}")]
    Failed(String),
}

#[derive(Clone)]
pub(crate) struct GuardedResolver {
    inner: Arc<Inner>,
}

struct Inner {
    allow: Vec<IpNet>,
    /// The proxy's own name: the operator chose it, and it is usually an inner server.
    proxy: Option<String>,
    cache: Cache<String, Arc<[IpAddr]>>,
}

impl GuardedResolver {
    pub(crate) fn new(allow: Vec<IpNet>, proxy: Option<String>, keep: Duration) -> GuardedResolver {
        let cache = Cache::builder().max_capacity(50_000).time_to_live(keep).build();
        GuardedResolver { inner: Arc::new(Inner { allow, proxy, cache }) }
    }

    /// The addresses of a name that may be connected to; at least one.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let all = self.lookup(name).await?;
        let open: Vec<IpAddr> = all.iter().copied().filter(|&ip| !is_forbidden(ip, &self.inner.allow)).collect();
        match all.first() {
            Some(&first) if open.is_empty() => Err(ResolveError::Forbidden(first)),
            None => Err(ResolveError::Failed("the name has no address".to_owned())),
            _ => Ok(open),
        }
    }

    /// All addresses of a name, from the cache or the system's resolver; one look-up at a time for each name. Failures are not kept.
    async fn lookup(&self, name: &str) -> Result<Arc<[IpAddr]>, ResolveError> {
        if is_localhost(name) {
            return Ok(LOOPBACK.into());
        }
        let asked = name.to_owned();
        self.inner
            .cache
            .try_get_with_by_ref(name, async move {
                let found = tokio::net::lookup_host((asked, 0)).await?;
                let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
                addresses.dedup();
                Ok::<Arc<[IpAddr]>, io::Error>(addresses.into())
            })
            .await
            .map_err(|error| ResolveError::Failed(error.to_string()))
    }
}

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// RFC 6761 section 6.3: these names are loopback and are never asked of a name server, which might say otherwise.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let addresses = if this.inner.proxy.as_deref() == Some(name) {
                this.lookup(name).await?.to_vec()
            } else {
                this.addresses(name).await?
            };
            let addresses: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}
