//! Hosts and their leases: whatever fetches from a publisher does so under one.
//!
//! A host is a name or address without port. One with concurrency n has n leases (slots 1 to n).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Feed, Result, Store, StoreError,
    db::{Kind, LIST, Tx, args, later, time, transaction},
    feeds::{feed_columns, feed_row},
};

/// `hosts.next_due` of a host without active feeds.
const NEVER: i64 = i64::MAX;

const LEASE_HEAD: &str = "INSERT INTO host_leases (host, slot, owner, until)";
const LEASE_TAIL: &str = " ON CONFLICT (host, slot) DO UPDATE SET owner = excluded.owner, until = excluded.until";

/// `next_reason` of a feed that is claimed.
fn claimed(owner: Uuid) -> String {
    format!("claimed {owner}")
}

/// A host that is ready, and the lease that is free there.
struct FreeSlot {
    host: String,
    slot: i32,
    pause: Duration,
}

/// What is known of a host.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Host {
    /// Name or address, without port.
    pub host: String,
    /// How many leases it has.
    pub concurrency: i32,
    /// Pause between requests, in milliseconds.
    pub pause_ms: i64,
    /// Nothing is fetched before.
    pub not_before: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// The right to fetch from a host, for a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostLease {
    /// The host.
    pub host: String,
    /// Which of the host's leases, from 1.
    pub slot: i32,
    /// Who holds it; a fresh one for every taking.
    pub owner: Uuid,
    /// Until when, by the database's clock.
    pub until: Timestamp,
}

/// A host to fetch from, and what is due there.
#[derive(Clone, Debug)]
pub struct HostClaim {
    /// The right to do so.
    pub lease: HostLease,
    /// Pause between requests to the host.
    pub pause: Duration,
    /// Due feeds, oldest first; their turn is already raised. `next_poll` and `next_reason` are as before the claim.
    pub feeds: Vec<Feed>,
}

impl Store {
    /// Notes that hosts have feeds due then, adding hosts not seen before. In order of host, for transactions meet
    /// here; feeds are locked after their hosts.
    pub(crate) async fn hosts_due(tx: &mut Tx, due: impl Iterator<Item = (String, Timestamp)>) -> Result<()> {
        let mut first: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (host, at) in due {
            first.entry(host).and_modify(|known| *known = (*known).min(at)).or_insert(at);
        }
        tx.insert(
            "INSERT INTO hosts (host, next_due)",
            2,
            " ON CONFLICT (host) DO UPDATE SET next_due = excluded.next_due WHERE excluded.next_due < hosts.next_due",
            first.into_iter().flat_map(|(host, at)| args![host, at]).collect(),
        )
        .await
        .map(drop)
    }

    /// Locks hosts, in order: their feeds are locked after them.
    pub(crate) async fn lock_hosts(tx: &mut Tx, hosts: &BTreeSet<String>) -> Result<()> {
        if tx.kind() == Kind::Sqlite {
            return Ok(());
        }
        let hosts: Vec<String> = hosts.iter().cloned().collect();
        for hosts in hosts.chunks(LIST) {
            let mut sql = tx.sql("SELECT 1 FROM hosts WHERE host");
            sql.texts(hosts).push(" ORDER BY host").for_update();
            tx.rows(sql).await?;
        }
        Ok(())
    }

    /// Sets the hosts' `next_due` by their feeds.
    pub(crate) async fn recompute_due(tx: &mut Tx, hosts: &[String]) -> Result<()> {
        for hosts in hosts.chunks(LIST) {
            let mut sql = tx.sql(
                "UPDATE hosts SET next_due = COALESCE((SELECT MIN(next_poll) FROM feeds f WHERE f.host = hosts.host \
                 AND f.state = 'active'), 9223372036854775807) WHERE host",
            );
            sql.texts(hosts);
            tx.run(sql).await?;
        }
        Ok(())
    }

    /// Slots of the given hosts whose lease is running.
    async fn taken_slots(tx: &mut Tx, now: Timestamp, hosts: &[String]) -> Result<HashSet<(String, i64)>> {
        let mut taken = HashSet::new();
        for hosts in hosts.chunks(LIST) {
            let mut sql = tx.sql("SELECT host, slot FROM host_leases WHERE until > ");
            sql.bind(now).push(" AND host").texts(hosts);
            for row in tx.rows(sql).await? {
                taken.insert((row.text(0)?, row.int(1)?));
            }
        }
        Ok(taken)
    }

    /// Hosts that are ready, the longest waiting first, locked, each with a slot that is free.
    async fn free_slots(tx: &mut Tx, now: Timestamp, limit: usize) -> Result<Vec<FreeSlot>> {
        let mut sql = tx.sql("SELECT host, concurrency, pause_ms FROM hosts h WHERE ready_at <= ");
        sql.bind(now).push(" AND (SELECT COUNT(*) FROM host_leases l WHERE l.host = h.host AND l.until > ");
        sql.bind(now).push(") < h.concurrency ORDER BY ready_at, host LIMIT ").bind(limit);
        sql.push_on(Kind::Postgres, " FOR UPDATE SKIP LOCKED");
        let rows = tx.rows(sql).await?;
        let hosts = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
        // Asked again: on PostgreSQL somebody may have taken the last slot before the host was locked.
        let taken = Self::taken_slots(tx, now, &hosts).await?;
        let mut free = Vec::with_capacity(rows.len());
        for (row, host) in rows.iter().zip(hosts) {
            let slot = (1..=row.int(1)?).find(|slot| !taken.contains(&(host.clone(), *slot)));
            if let Some(slot) = slot.and_then(|slot| i32::try_from(slot).ok()) {
                let pause = Duration::from_millis(row.int(2)?.try_into().unwrap_or_default());
                free.push(FreeSlot { host, slot, pause });
            }
        }
        Ok(free)
    }

    /// Due feeds of the hosts, oldest first, at most `limit` of each.
    async fn due_feeds(
        tx: &mut Tx,
        hosts: &[FreeSlot],
        now: Timestamp,
        limit: usize,
    ) -> Result<HashMap<String, Vec<Feed>>> {
        let mut due: HashMap<String, Vec<Feed>> = HashMap::new();
        // One select for each host, so that the index gives its first feeds at once, however many are due there.
        for hosts in hosts.chunks(16) {
            let mut sql = tx.sql("");
            for (index, free) in hosts.iter().enumerate() {
                sql.push(if index == 0 { "SELECT * FROM (SELECT " } else { " UNION ALL SELECT * FROM (SELECT " });
                sql.push(concat!(feed_columns!(), " FROM feeds WHERE host = ")).bind(&*free.host);
                sql.push(" AND state = 'active' AND next_poll <= ").bind(now);
                sql.push(" ORDER BY next_poll LIMIT ").bind(limit).push(") x");
            }
            for row in tx.rows(sql).await? {
                let feed = feed_row(&row)?;
                due.entry(feed.host.clone()).or_default().push(feed);
            }
        }
        for feeds in due.values_mut() {
            feeds.sort_by_key(|feed| feed.next_poll);
        }
        Ok(due)
    }

    /// Claims hosts with due feeds: the longest waiting first, each at most once a call, none that is to be left
    /// alone or whose leases are all taken. A feed claimed is not due again until finished ([`Store::finish_polls`])
    /// or until `lease` has passed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_hosts(
        &self,
        owner: Uuid,
        max_hosts: usize,
        feeds_per_host: usize,
        lease: Duration,
    ) -> Result<Vec<HostClaim>> {
        transaction!(self, |tx| {
            let now = tx.now().await?;
            let until = later(now, lease);
            let mut free = Self::free_slots(&mut tx, now, max_hosts).await?;
            let mut due = Self::due_feeds(&mut tx, &free, now, feeds_per_host).await?;
            let all: Vec<String> = free.iter().map(|free| free.host.clone()).collect();
            free.retain(|free| due.contains_key(&free.host));
            let leases = free.iter().flat_map(|free| args![&*free.host, free.slot, owner, until]).collect();
            tx.insert(LEASE_HEAD, 4, LEASE_TAIL, leases).await?;
            let reason = claimed(owner);
            let ids: Vec<Uuid> = due.values().flatten().map(|feed| feed.id.0).collect();
            let mut turns = HashMap::with_capacity(ids.len());
            for ids in ids.chunks(LIST) {
                let mut sql = tx.sql("UPDATE feeds SET turn = turn + 1, next_poll = ");
                sql.bind(until).push(", next_reason = ").bind(&*reason).push(" WHERE id").ids(ids);
                sql.push(" RETURNING id, turn");
                for row in tx.rows(sql).await? {
                    turns.insert(row.uuid(0)?, row.int(1)?);
                }
            }
            Self::recompute_due(&mut tx, &all).await?;
            let claims = free.into_iter().map(|free| {
                let mut feeds = due.remove(&free.host).unwrap_or_default();
                for feed in &mut feeds {
                    feed.turn = turns.get(&feed.id.0).copied().unwrap_or(feed.turn);
                }
                let lease = HostLease { host: free.host, slot: free.slot, owner, until };
                HostClaim { lease, pause: free.pause, feeds }
            });
            Ok(claims.collect())
        })
    }

    /// Whether the lease is still its holder's, by the database's clock.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lease_alive(&self, lease: &HostLease) -> Result<bool> {
        let mut conn = self.inner.db.reader().await?;
        let now = conn.now().await?;
        let sql =
            "SELECT 1 FROM host_leases WHERE host = $1 AND slot = $2 AND owner = $3 AND until = $4 AND until > $5";
        let args = args![&*lease.host, lease.slot, lease.owner, lease.until, now];
        Ok(conn.fetch_opt(sql, args).await?.is_some())
    }

    /// Lengthens a lease to `duration` from now.
    ///
    /// # Errors
    /// `LeaseLost` when somebody else has it, or it had run out and was released.
    pub async fn renew_host_lease(&self, lease: &mut HostLease, duration: Duration) -> Result<()> {
        let until = transaction!(self, |tx| {
            let mut sql = tx.sql("SELECT host FROM hosts WHERE host = ");
            sql.bind(&*lease.host).for_update();
            tx.rows(sql).await?;
            let until = later(tx.now().await?, duration);
            let sql = "UPDATE host_leases SET until = $5 WHERE host = $1 AND slot = $2 AND owner = $3 AND until = $4";
            let args = args![&*lease.host, lease.slot, lease.owner, lease.until, until];
            if tx.execute(sql, args).await? == 0 {
                return Err(StoreError::LeaseLost(lease.host.clone()));
            }
            // The feeds claimed with it stay claimed with it.
            let sql = "UPDATE feeds SET next_poll = $4 \
                       WHERE host = $1 AND state = 'active' AND next_poll = $2 AND next_reason = $3";
            if tx.execute(sql, args![&*lease.host, lease.until, claimed(lease.owner), until]).await? > 0 {
                Self::recompute_due(&mut tx, std::slice::from_ref(&lease.host)).await?;
            }
            Ok(until)
        })?;
        lease.until = until;
        Ok(())
    }

    /// Gives a lease back; nothing happens when it is no longer the caller's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_host(&self, lease: &HostLease) -> Result<()> {
        transaction!(self, |tx| {
            let sql = "DELETE FROM host_leases WHERE host = $1 AND slot = $2 AND owner = $3 AND until = $4";
            tx.execute(sql, args![&*lease.host, lease.slot, lease.owner, lease.until]).await.map(drop)
        })
    }

    /// Gives feeds of a claim back that were not polled, as they came in it: they are due again as before the claim.
    /// One that was finished, claimed again or asked for by hand meanwhile stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(&self, feeds: &[Feed]) -> Result<()> {
        if feeds.is_empty() {
            return Ok(());
        }
        transaction!(self, |tx| {
            Self::hosts_due(&mut tx, feeds.iter().map(|feed| (feed.host.clone(), feed.next_poll))).await?;
            for feed in feeds {
                let sql = "UPDATE feeds SET next_poll = $3, next_reason = $4 \
                           WHERE id = $1 AND turn = $2 AND next_reason LIKE 'claimed %'";
                tx.execute(sql, args![feed.id.0, feed.turn, feed.next_poll, &*feed.next_reason]).await?;
            }
            Ok(())
        })
    }

    /// Takes a lease of a host whether or not feeds are due there (redirects, discovery, checks); none when all are
    /// taken or the host is to be left alone. A host not seen before gets the default policy.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn acquire_host(&self, host: &str, owner: Uuid, lease: Duration) -> Result<Option<HostLease>> {
        transaction!(self, |tx| {
            tx.execute("INSERT INTO hosts (host) VALUES ($1) ON CONFLICT (host) DO NOTHING", args![host]).await?;
            let mut sql = tx.sql("SELECT concurrency, not_before FROM hosts WHERE host = ");
            sql.bind(host).for_update();
            let Some(row) = tx.rows(sql).await?.into_iter().next() else { return Ok(None) };
            let now = tx.now().await?;
            let taken = Self::taken_slots(&mut tx, now, &[host.to_owned()]).await?;
            let slot = (1..=row.int(0)?).find(|slot| !taken.contains(&(host.to_owned(), *slot)));
            let Some(slot) = slot.filter(|_| row.int(1).is_ok_and(|not_before| not_before <= now.as_millisecond()))
            else {
                return Ok(None);
            };
            let until = later(now, lease);
            tx.insert(LEASE_HEAD, 4, LEASE_TAIL, args![host, slot, owner, until]).await?;
            let slot = i32::try_from(slot).map_err(StoreError::unreadable)?;
            Ok(Some(HostLease { host: host.to_owned(), slot, owner, until }))
        })
    }

    /// Leaves a host alone until then, and notes why. An earlier time than the one noted changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host_not_before(&self, host: &str, until: Timestamp, reason: &str) -> Result<()> {
        transaction!(self, |tx| {
            tx.execute(
                "INSERT INTO hosts (host, not_before, reason) VALUES ($1, $2, $3) ON CONFLICT (host) DO UPDATE \
                 SET not_before = excluded.not_before, reason = excluded.reason \
                 WHERE excluded.not_before > hosts.not_before",
                args![host, until, reason],
            )
            .await
            .map(drop)
        })
    }

    /// How many leases a host has and how long to pause between requests to it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_host_policy(&self, host: &str, concurrency: u16, pause: Duration) -> Result<()> {
        let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        transaction!(self, |tx| {
            tx.execute(
                "INSERT INTO hosts (host, concurrency, pause_ms) VALUES ($1, $2, $3) ON CONFLICT (host) DO UPDATE \
                 SET concurrency = excluded.concurrency, pause_ms = excluded.pause_ms",
                args![host, i64::from(concurrency.max(1)), pause],
            )
            .await?;
            Self::note_activity(&mut tx).await
        })?;
        self.inner.signals.stir();
        Ok(())
    }

    /// What is known of a host.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host(&self, host: &str) -> Result<Option<Host>> {
        let sql = "SELECT concurrency, pause_ms, not_before, reason FROM hosts WHERE host = $1";
        let Some(row) = self.inner.db.fetch_opt(sql, args![host]).await? else { return Ok(None) };
        Ok(Some(Host {
            host: host.to_owned(),
            concurrency: i32::try_from(row.int(0)?).unwrap_or(i32::MAX),
            pause_ms: row.int(1)?,
            not_before: Some(row.int(2)?).filter(|millis| *millis > 0).map(time).transpose()?,
            reason: row.opt_text(3)?,
        }))
    }

    /// When [`Store::claim_hosts`] may next find something: none when nothing is scheduled. In the past when something
    /// is due already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.inner.db.reader().await?;
        let now = conn.now().await?;
        // Not ready yet; ready with a free lease; ready as soon as the first of its leases runs out.
        let rows = conn
            .fetch(
                "SELECT * FROM (SELECT ready_at FROM hosts WHERE ready_at > $1 AND ready_at < $2 \
                 ORDER BY ready_at LIMIT 1) a \
                 UNION ALL SELECT * FROM (SELECT ready_at FROM hosts h WHERE ready_at <= $1 AND (SELECT COUNT(*) FROM \
                 host_leases l WHERE l.host = h.host AND l.until > $1) < concurrency ORDER BY ready_at LIMIT 1) b \
                 UNION ALL SELECT * FROM (SELECT l.until FROM host_leases l JOIN hosts h ON h.host = l.host \
                 WHERE l.until > $1 AND h.ready_at <= $1 ORDER BY l.until LIMIT 1) c",
                args![now, NEVER],
            )
            .await?;
        let first = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>>>()?.into_iter().min();
        first.map(time).transpose()
    }
}
