//! Name resolution as the HTTP library asks for it: cached, and filtered by address.
//!
//! The connector connects to what this resolver returns and to nothing else, so a name that points at an inner server
//! (or does so only at the second look: DNS rebinding) never gets as far as a connection.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
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

/// The addresses of a name, when they have come.
type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
/// Asks for the addresses of a name.
type Lookup = Box<dyn Fn(String) -> Found + Send + Sync>;

struct Inner {
    lookup: Lookup,
    allow: Vec<IpNet>,
    /// The proxy's own name: the operator chose it, and it is usually an inner server.
    proxy: Option<String>,
    cache: Cache<String, Arc<[IpAddr]>>,
}

impl GuardedResolver {
    /// One that asks the system's resolver.
    pub(crate) fn new(allow: Vec<IpNet>, proxy: Option<String>, keep: Duration) -> GuardedResolver {
        let system = |name: String| -> Found {
            Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
        };
        Self::asking(Box::new(system), allow, proxy, keep)
    }

    fn asking(lookup: Lookup, allow: Vec<IpNet>, proxy: Option<String>, keep: Duration) -> GuardedResolver {
        let cache = Cache::builder().max_capacity(50_000).time_to_live(keep).build();
        GuardedResolver { inner: Arc::new(Inner { lookup, allow, proxy, cache }) }
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
        let asked = (self.inner.lookup)(name.to_owned());
        self.inner
            .cache
            .try_get_with_by_ref(name, async move {
                let mut addresses = asked.await?;
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

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    /// A name server that gives one answer after the other, and counts.
    fn server(answers: &[&[&str]], keep: Duration) -> (GuardedResolver, Arc<AtomicUsize>) {
        let answers: Vec<Vec<IpAddr>> =
            answers.iter().rev().map(|ips| ips.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
        let (answers, asked) = (Arc::new(Mutex::new(answers)), Arc::new(AtomicUsize::new(0)));
        let count = asked.clone();
        let lookup = move |_name: String| -> Found {
            let (answers, count) = (answers.clone(), count.clone());
            Box::pin(async move {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                answers.lock().unwrap().pop().ok_or_else(|| io::Error::other("no such name"))
            })
        };
        (GuardedResolver::asking(Box::new(lookup), Vec::new(), None, keep), asked)
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_name_is_asked_for_once_in_its_time_however_many_want_it() {
        let (resolver, asked) = server(&[&["192.0.1.7"]], MINUTE);
        let mut many = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let resolver = resolver.clone();
            many.spawn(async move { resolver.addresses("clinic.example").await.unwrap() });
        }
        let all = many.join_all().await;
        assert!(all.len() == 20 && all.iter().all(|ips| ips[0].to_string() == "192.0.1.7"), "{all:?}");
        resolver.addresses("clinic.example").await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        resolver.addresses("other.example").await.unwrap_err();
        resolver.addresses("other.example").await.unwrap_err();
        assert_eq!(asked.load(Ordering::SeqCst), 3, "a failure is not kept");
    }

    #[tokio::test]
    async fn a_name_that_turns_inward_is_refused_at_each_look() {
        // Nothing is kept, so that each question is a new one: the second answer is an inner server's.
        let (resolver, asked) = server(&[&["192.0.1.7"], &["10.0.0.1"], &["10.0.0.1", "192.0.1.7"]], Duration::ZERO);
        assert!(resolver.addresses("clinic.example").await.is_ok());
        let refused = resolver.addresses("clinic.example").await;
        assert!(matches!(refused, Err(ResolveError::Forbidden(ip)) if ip.to_string() == "10.0.0.1"), "{refused:?}");
        let mixed = resolver.addresses("clinic.example").await.unwrap();
        assert_eq!(mixed.iter().map(IpAddr::to_string).collect::<Vec<_>>(), ["192.0.1.7"], "the inner one is left out");
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn loopback_names_are_never_asked_for() {
        let (resolver, asked) = server(&[&["192.0.1.7"]], MINUTE);
        for name in ["localhost", "LOCALHOST.", "a.localhost"] {
            assert!(matches!(resolver.addresses(name).await, Err(ResolveError::Forbidden(_))), "{name}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 0);
    }
}
