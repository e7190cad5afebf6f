//! Requests to the hub, until the subscriber's intent is verified.

use std::time::Duration;

use uuid::Uuid;

use super::PushId;
use crate::{
    Result, Store, StoreError,
    db::{Row, args, later, transaction},
};

/// A request to the hub.
#[derive(Clone, PartialEq, Eq)]
pub struct NewHubRequest {
    /// Subscribe, else unsubscribe.
    pub subscribe: bool,
    /// The subscriber's callback.
    pub callback: String,
    /// Its host, without port.
    pub host: String,
    /// The topic's key.
    pub topic: String,
    /// The topic as the subscriber wrote it.
    pub given: String,
    /// `hub.secret`.
    pub secret: Option<String>,
    /// The lease that it will get.
    pub lease: Duration,
}

/// A request that is to be verified.
#[derive(Clone, PartialEq, Eq)]
pub struct HubRequest {
    /// Its id.
    pub id: Uuid,
    /// What is asked.
    pub asked: NewHubRequest,
    /// Tries so far.
    pub tries: i64,
}

fn request(row: &Row) -> Result<HubRequest> {
    Ok(HubRequest {
        id: row.uuid(0)?,
        asked: NewHubRequest {
            subscribe: row.flag(1)?,
            callback: row.text(2)?,
            host: row.text(3)?,
            topic: row.text(4)?,
            given: row.text(5)?,
            secret: row.opt_text(6)?,
            lease: Duration::from_secs(u64::try_from(row.int(7)?).unwrap_or(0)),
        },
        tries: row.int(8)?,
    })
}

impl Store {
    /// Keeps a request to the hub until it is verified; a newer one of the same callback and topic replaces it.
    ///
    /// # Errors
    /// `Conflict` when `most` requests of that host wait already, or it has `most_subscriptions`.
    pub async fn hub_request(&self, new: &NewHubRequest, most: usize, most_subscriptions: usize) -> Result<()> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "SELECT (SELECT COUNT(*) FROM hub_requests WHERE host = $1 AND NOT (callback = $2 AND topic = $3)), \
                       (SELECT COUNT(*) FROM push_subscriptions WHERE kind = 'hub' AND host = $1 \
                       AND NOT (callback = $2 AND topic = $3))";
            let rows = tx.fetch(sql, args![&*new.host, &*new.callback, &*new.topic]).await?;
            if let Some(row) = rows.first() {
                let full = |index, most: usize| row.int(index).map(|n| n >= i64::try_from(most).unwrap_or(i64::MAX));
                if full(0, most)? || (new.subscribe && full(1, most_subscriptions)?) {
                    return Err(StoreError::Conflict(format!("as much as {} may ask for", new.host)));
                }
            }
            let sql = "INSERT INTO hub_requests (id, subscribe, callback, host, topic, given, secret, lease_s, next_try) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (callback, topic) DO UPDATE SET \
                       id = excluded.id, subscribe = excluded.subscribe, given = excluded.given, secret = excluded.secret, \
                       lease_s = excluded.lease_s, tries = 0, next_try = excluded.next_try";
            let (id, lease) = (Uuid::now_v7(), new.lease.as_secs());
            let args = args![
                id,
                new.subscribe,
                &*new.callback,
                &*new.host,
                &*new.topic,
                &*new.given,
                new.secret.as_deref(),
                lease,
                now
            ];
            tx.execute(sql, args).await?;
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// Requests that are to be verified now, moved on by `hold`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_hub_requests(&self, limit: usize, hold: Duration) -> Result<Vec<HubRequest>> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let sql = "UPDATE hub_requests SET next_try = $2, tries = tries + 1 WHERE id IN (SELECT id FROM hub_requests \
                       WHERE next_try <= $1 ORDER BY next_try, id LIMIT $3) RETURNING id, subscribe, callback, host, \
                       topic, given, secret, lease_s, tries";
            tx.fetch(sql, args![now, later(now, hold), limit]).await?.iter().map(request).collect()
        })
    }

    /// The subscriber confirmed a request: it is served from now on (one that was served already goes on where it is),
    /// or no longer. False where the request was replaced meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hub_verified(&self, request: &HubRequest) -> Result<bool> {
        let asked = &request.asked;
        transaction!(self, |tx| {
            let now = tx.now().await?;
            if tx.execute("DELETE FROM hub_requests WHERE id = $1", args![request.id]).await? == 0 {
                return Ok(false);
            }
            if !asked.subscribe {
                let sql = "DELETE FROM push_subscriptions WHERE kind = 'hub' AND callback = $1 AND topic = $2";
                tx.execute(sql, args![&*asked.callback, &*asked.topic]).await?;
                return Ok(true);
            }
            let sql = "INSERT INTO push_topics (kind, topic, last) VALUES ('hub', $1, 0) ON CONFLICT DO NOTHING";
            tx.execute(sql, args![&*asked.topic]).await?;
            let sql = "INSERT INTO push_subscriptions (id, kind, topic, given, callback, host, secret, state, cursor, \
                       next_try, lease_until, created_at) SELECT $1, 'hub', $2, $3, $4, $5, $6, 'active', n, $7, $8, $7 \
                       FROM sequence WHERE id = 1 ON CONFLICT (callback, topic) WHERE kind = 'hub' DO UPDATE SET \
                       given = excluded.given, secret = excluded.secret, lease_until = excluded.lease_until, tries = 0, \
                       failing_since = NULL, error = NULL, next_try = excluded.next_try";
            let until = later(now, asked.lease);
            let args = args![
                PushId::random().0,
                &*asked.topic,
                &*asked.given,
                &*asked.callback,
                &*asked.host,
                asked.secret.as_deref(),
                now,
                until
            ];
            tx.execute(sql, args).await?;
            Ok(true)
        })
    }

    /// The subscriber did not confirm a request: it is asked again after `retry`, or forgotten.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hub_unverified(&self, id: Uuid, retry: Option<Duration>) -> Result<()> {
        transaction!(self, |tx| {
            match retry {
                Some(retry) => {
                    let next = later(tx.now().await?, retry);
                    tx.execute("UPDATE hub_requests SET next_try = $2 WHERE id = $1", args![id, next]).await.map(drop)
                }
                None => tx.execute("DELETE FROM hub_requests WHERE id = $1", args![id]).await.map(drop),
            }
        })
    }
}
