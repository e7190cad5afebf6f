//! What sites let robots read: asked for once a day, kept by each worker for itself, for it is soon asked for again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use carewire_feeds::robots::Robots;
use carewire_fetch::Response;
use carewire_visit::ROBOT;
use url::Url;

/// How long a robots.txt is good (RFC 9309, 2.4), and of how many sites it is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
const MOST_SITES: usize = 1000;

/// What is known of sites' robots.txt.
#[derive(Debug, Default)]
pub(crate) struct KnownRobots(Mutex<HashMap<Url, (Instant, Robots)>>);

/// What is known of one site's.
pub(crate) enum Known {
    /// This.
    Rules(Robots),
    /// Nothing: this is to be asked for, and the answer given to [`KnownRobots::learn`].
    Ask(Url),
}

impl KnownRobots {
    /// What is known of the site of a page.
    pub(crate) fn of(&self, page: &Url) -> Known {
        let Ok(address) = page.join("/robots.txt") else { return Known::Rules(Robots::disallow_all()) };
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&address).filter(|(since, _)| since.elapsed() < KEPT) {
            Some((_, robots)) => Known::Rules(robots.clone()),
            None => Known::Ask(address),
        }
    }

    /// Takes an answer in.
    ///
    /// # Errors
    /// The status, where the file is unreachable: nothing may be read for now (RFC 9309, 2.3.1.4).
    pub(crate) fn learn(&self, address: Url, answer: &Response) -> Result<Robots, u16> {
        if answer.status >= 500 || answer.status == 429 {
            return Err(answer.status);
        }
        let robots = Robots::from_response(answer.status, &answer.body, ROBOT);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_SITES {
            known.retain(|_, (since, _)| since.elapsed() < KEPT);
        }
        if known.len() < MOST_SITES {
            known.insert(address, (Instant::now(), robots.clone()));
        }
        Ok(robots)
    }
}
