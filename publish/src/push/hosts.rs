//! No host gets more than its share, however many subscribers it has.

use std::{collections::HashMap, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::PushConfig;

/// What is under way to each host, and when the next request to it may begin.
#[derive(Default)]
pub struct Hosts {
    under_way: HashMap<String, usize>,
    next: HashMap<String, Instant>,
}

/// When a request may begin.
#[derive(Clone, Copy, Debug)]
pub struct Turn(Option<Instant>);

impl Turn {
    /// Waits for it.
    pub async fn come(self) {
        if let Some(at) = self.0 {
            sleep_until(at).await;
        }
    }
}

impl Hosts {
    /// A request to `host` is on its way: when it may begin.
    pub fn enter(&mut self, host: &str, config: &PushConfig) -> Turn {
        *self.under_way.entry(host.to_owned()).or_default() += 1;
        if config.host_rate == 0 {
            return Turn(None);
        }
        let now = Instant::now();
        let next = self.next.entry(host.to_owned()).or_insert(now);
        let at = (*next).max(now);
        *next = at + Duration::from_secs(1) / config.host_rate;
        Turn(Some(at))
    }

    /// A request to `host` has ended.
    pub fn leave(&mut self, host: &str) {
        if let Some(count) = self.under_way.get_mut(host) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.under_way.remove(host);
            }
        }
        if self.next.len() > 10_000 {
            let now = Instant::now();
            self.next.retain(|_, next| *next > now);
        }
    }

    /// Hosts to which enough is under way.
    pub fn busy(&self, config: &PushConfig) -> Vec<String> {
        if config.host_concurrency == 0 {
            return Vec::new();
        }
        let full = self.under_way.iter().filter(|(_, count)| **count >= config.host_concurrency);
        full.map(|(host, _)| host.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_gets_its_share_and_others_do_not_wait_for_it() {
        let config = PushConfig { host_concurrency: 2, host_rate: 10, ..Default::default() };
        let mut hosts = Hosts::default();
        let began = Instant::now();
        let turns: Vec<_> = (0..3).filter_map(|_| hosts.enter("slow.example", &config).0).collect();
        assert!(turns[2] - turns[0] >= Duration::from_millis(200), "three take two tenths of a second");
        let other = hosts.enter("other.example", &config).0.expect("a time");
        assert!(other < turns[1] || other - began < Duration::from_millis(100), "nobody waits for another host");
        assert_eq!(hosts.busy(&config), ["slow.example"]);
        hosts.leave("slow.example");
        hosts.leave("slow.example");
        assert!(hosts.busy(&config).is_empty());
        let lifted = PushConfig { host_concurrency: 0, host_rate: 0, ..config };
        for _ in 0..100 {
            assert!(hosts.enter("slow.example", &lifted).0.is_none());
        }
        assert!(hosts.busy(&lifted).is_empty());
    }
}
