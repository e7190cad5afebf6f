//! Pauses without leases.

use std::{collections::HashMap, time::Duration};

use carewire_fetch::{GateError, HostGate};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

/// A gate for commands that one person runs where no network is kept: nobody shares the host, the pause between two requests
/// to it holds all the same.
#[derive(Debug)]
pub struct PauseGate {
    pause: Duration,
    last: Mutex<HashMap<String, Instant>>,
}

impl PauseGate {
    /// A gate with this pause.
    #[must_use]
    pub fn new(pause: Duration) -> PauseGate {
        PauseGate { pause, last: Mutex::default() }
    }
}

impl HostGate for PauseGate {
    async fn enter(&self, _host: &str) -> Result<(), GateError> {
        Ok(())
    }

    async fn may_send(&self, host: &str) -> Result<(), GateError> {
        let mut last = self.last.lock().await;
        if let Some(last) = last.get(host) {
            sleep_until(*last + self.pause).await;
        }
        last.insert(host.to_owned(), Instant::now());
        Ok(())
    }
}
