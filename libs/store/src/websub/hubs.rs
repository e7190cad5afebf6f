//! Which of a feed's hubs is subscribed to: the first that it names, and the next when that one fails.

use std::time::Duration;

use carewire_schemas::FeedId;
use jiff::Timestamp;

use super::{columns, subscription};
use crate::{
    Result, Store, StoreError,
    db::{Tx, args, later, transaction},
};

/// A subscription to be wanted.
struct NewSubscription<'a> {
    token: &'a str,
    secret: &'a str,
    feed: FeedId,
    hub: &'a str,
    topic: &'a str,
    others: Vec<String>,
    tries: i64,
    error: Option<&'a str>,
}

/// The hubs after the one at `at`, then those before it: in this order they are tried.
fn others(hubs: &[String], at: usize) -> Vec<String> {
    hubs.iter().skip(at + 1).chain(hubs.iter().take(at)).cloned().collect()
}

fn json(value: &[String]) -> Result<String> {
    serde_json::to_string(value).map_err(StoreError::unreadable)
}

impl Store {
    /// Notes which hubs a feed announces and under which topic; `None` where it announces none any more. A subscription
    /// to a hub or topic that is not among them is left, one to the first of them is wanted under `token` and `secret`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn offer_hub(
        &self,
        feed: FeedId,
        offer: Option<(&[String], &str)>,
        token: &str,
        secret: &str,
    ) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let mut sql = tx.sql("SELECT token, hub, topic FROM websub_subscriptions WHERE offered = 1 AND feed = ");
            sql.bind(feed.0).for_update();
            if let Some(known) = tx.rows(sql).await?.first() {
                let (known, hub, topic) = (known.text(0)?, known.text(1)?, known.text(2)?);
                let place = offer.filter(|offer| offer.1 == topic);
                if let Some((hubs, at)) = place.and_then(|(hubs, _)| Some((hubs, hubs.iter().position(|h| *h == hub)?)))
                {
                    let sql = "UPDATE websub_subscriptions SET others = $2 WHERE token = $1";
                    return tx.execute(sql, args![known, json(&others(hubs, at))?]).await.map(drop);
                }
                let sql = "UPDATE websub_subscriptions SET offered = 0, next_try = $2 WHERE token = $1";
                tx.execute(sql, args![known, now]).await?;
            }
            if let Some((hubs, topic)) = offer
                && let Some(hub) = hubs.first()
            {
                let new =
                    NewSubscription { token, secret, feed, hub, topic, others: others(hubs, 0), tries: 0, error: None };
                Self::insert_subscription(&mut tx, new, now, now).await?;
            }
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    async fn insert_subscription(tx: &mut Tx, new: NewSubscription<'_>, now: Timestamp, next: Timestamp) -> Result<()> {
        let sql = "INSERT INTO websub_subscriptions (token, feed, hub, topic, secret, state, next_try, created_at, tries, \
                   error, others) VALUES ($1, $2, $3, $4, $5, 'wanted', $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
        let args = args![
            new.token,
            new.feed.0,
            new.hub,
            new.topic,
            new.secret,
            next,
            now,
            new.tries,
            new.error,
            json(&new.others)?
        ];
        tx.execute(sql, args).await.map(drop)
    }

    /// The feed's next hub takes the place of one that failed, refused, did not verify or stayed silent, under `token` and
    /// `secret`; answers which. None where the feed names no other, or the subscription is not offered any more: nothing
    /// happens then. When all of them have failed since one last verified, the next is asked after `wait`.
    ///
    /// W3C WebSub, section 4: of several hubs a subscriber may take one or more, for the publisher tells them all. One at a
    /// time is enough, and each entry then comes once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fall_back(
        &self,
        failed: &str,
        why: &str,
        (token, secret): (&str, &str),
        wait: Duration,
    ) -> Result<Option<String>> {
        let next = transaction!(self, |tx| {
            let now = tx.now().await?;
            let mut sql =
                tx.sql(concat!("SELECT ", columns!(), " FROM websub_subscriptions WHERE offered = 1 AND token = "));
            sql.bind(failed).for_update();
            let Some(one) = tx.rows(sql).await?.first().map(subscription).transpose()? else { return Ok(None) };
            let Some((hub, rest)) = one.others.split_first() else { return Ok(None) };
            // One that still delivers is left in good order by the sweep; the others never began.
            let sql = "UPDATE websub_subscriptions SET offered = 0, next_try = $2, error = $3, \
                       state = CASE WHEN state = 'active' THEN state ELSE 'left' END WHERE token = $1";
            tx.execute(sql, args![failed, now, why]).await?;
            let tries = one.tries + 1;
            let all_failed = usize::try_from(tries).is_ok_and(|tries| tries > one.others.len());
            let others: Vec<String> = rest.iter().chain([&one.hub]).cloned().collect();
            let why = format!("{}: {why}", one.hub);
            let new = NewSubscription {
                token,
                secret,
                feed: one.feed,
                hub,
                topic: &one.topic,
                others,
                tries,
                error: Some(&why),
            };
            let next = if all_failed { later(now, wait) } else { now };
            Self::insert_subscription(&mut tx, new, now, next).await?;
            Self::push_in(&mut tx, one.feed, None).await?;
            Self::note_activity(&mut tx).await?;
            Ok(Some(hub.clone()))
        })?;
        if next.is_some() {
            self.inner.signals.stir();
        }
        Ok(next)
    }
}
