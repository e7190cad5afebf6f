//! Single requests outside polling (hubs, ownership, pages): each under the lease of its host, with the host's pause.

use std::time::Duration;

use carewire_fetch::{Client, FetchError, Request, Response};
use carewire_store::Store;
use carewire_visit::LeaseGate;

/// Sends single requests, each as a job under its host's lease.
#[derive(Clone, Debug)]
pub struct Errands {
    store: Store,
    client: Client,
    /// How long a busy host is waited for.
    patience: Duration,
}

impl Errands {
    /// `patience` is how long a busy host is waited for.
    #[must_use]
    pub fn new(store: Store, client: Client, patience: Duration) -> Self {
        Self { store, client, patience }
    }

    /// How long one may take at most, near enough: the wait for its host, and its requests with their redirects.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.patience + self.client.config().total_timeout * (1 + u32::from(self.client.config().max_redirects))
    }

    /// Sends a request and follows its redirects, each host under its own lease.
    ///
    /// # Errors
    /// As the client's; [`FetchError::Gate`] where the host stayed busy or the database is away.
    pub async fn send(&self, request: Request) -> Result<Response, FetchError> {
        let gate = LeaseGate::take(self.store.clone(), &request.url, self.client.config(), self.patience).await?;
        let answer = self.client.follow(request, &gate).await;
        gate.close().await;
        answer
    }
}
