//! A member of a group.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::ids::{PartitionId, Topic};
use super::team::{self, Held, Seat, SeatState};
use super::{Log, reader};
use crate::{BusError, ConsumerConfig, Received, Start};

/// A member of a group and what it reads.
pub(crate) struct Member {
    log: Arc<Log>,
    seat: Arc<Seat>,
    config: ConsumerConfig,
    reading: BTreeMap<PartitionId, Reading>,
    /// The partition whose turn is next.
    turn: usize,
    bell: watch::Receiver<u64>,
}

/// A partition being read.
struct Reading {
    topic: Arc<Topic>,
    partition: i32,
    epoch: i64,
    /// Offset to give out next.
    next: i64,
    /// Read but not given out yet: the rest of a row.
    ready: VecDeque<Received>,
}

impl Log {
    pub(crate) async fn join(
        self: &Arc<Self>,
        team: &str,
        topics: &[&str],
        config: ConsumerConfig,
    ) -> Result<Member, BusError> {
        let mut found = Vec::new();
        for topic in topics {
            found.push(self.core.topic(topic).await?);
        }
        let seat = Arc::new(Seat {
            id: uuid::Uuid::new_v4().to_string().into(),
            team: team.into(),
            topics: found,
            timeout: self.core.config.member_timeout,
            max_poll_interval: config.max_poll_interval,
            state: Mutex::new(SeatState { polled: Instant::now(), held: Vec::new() }),
        });
        let member = Member {
            log: self.clone(),
            seat: seat.clone(),
            config,
            reading: BTreeMap::new(),
            turn: 0,
            bell: self.core.heads.listen(),
        };
        self.core.seats.lock().unwrap_or_else(PoisonError::into_inner).insert(seat.id.clone(), seat.clone());
        self.core.writer.run(move |conn| Box::pin(async move { team::beat(conn, &[seat]).await })).await?;
        self.core.refresh().await?;
        Ok(member)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Without heartbeats the group gives its partitions to others after the timeout.
        self.log.core.seats.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.seat.id);
    }
}

impl Member {
    pub(crate) async fn next_batch(
        &mut self,
        max_records: usize,
        max_wait: Duration,
    ) -> Result<Vec<Received>, BusError> {
        let deadline = tokio::time::Instant::now() + max_wait;
        loop {
            self.seat.state().polled = Instant::now();
            // What rings from here on is not missed by the wait below.
            self.bell.mark_unchanged();
            self.take_over_and_release().await?;
            let batch = self.collect(max_records.max(1)).await?;
            if !batch.is_empty() {
                return Ok(batch);
            }
            tokio::select! {
                changed = self.bell.changed() => changed.map_err(|_| BusError::Closed)?,
                () = tokio::time::sleep_until(deadline) => return Ok(Vec::new()),
            }
        }
    }

    /// Brings what is read in line with what the file says is this member's.
    async fn take_over_and_release(&mut self) -> Result<(), BusError> {
        let held = self.seat.state().held.clone();
        let keeps = |partition: PartitionId, epoch: i64| {
            held.iter().any(|held| held.partition == partition && held.epoch == epoch && !held.release)
        };
        self.reading.retain(|&partition, reading| keeps(partition, reading.epoch));
        let release: Vec<PartitionId> = held.iter().filter(|held| held.release).map(|held| held.partition).collect();
        if !release.is_empty() {
            let seat = self.seat.clone();
            let core = &self.log.core;
            core.writer.run(move |conn| Box::pin(async move { team::release(conn, &seat, &release).await })).await?;
            core.refresh().await?;
        }
        let new: Vec<Held> =
            held.into_iter().filter(|held| !held.release && !self.reading.contains_key(&held.partition)).collect();
        if !new.is_empty() {
            self.begin(&new).await?;
        }
        Ok(())
    }

    /// Begins reading partitions at the group's positions.
    async fn begin(&mut self, new: &[Held]) -> Result<(), BusError> {
        let readers = &self.log.core.readers;
        let positions = reader::positions(readers, &self.seat.team).await?;
        for topic in &self.seat.topics {
            if !new.iter().any(|held| held.partition.topic() == topic.id) {
                continue;
            }
            for marks in reader::watermarks(readers, topic).await? {
                let id = topic.partition(marks.partition);
                let Some(held) = new.iter().find(|held| held.partition == id) else { continue };
                let start = match (positions.get(&id), self.config.start) {
                    (Some(&next), _) => next.clamp(marks.low, marks.high),
                    (None, Start::Earliest) => marks.low,
                    (None, Start::Latest) => marks.high,
                };
                self.log.core.heads.raise([(id, marks.high)]);
                let reading = Reading {
                    topic: topic.clone(),
                    partition: marks.partition,
                    epoch: held.epoch,
                    next: start,
                    ready: VecDeque::new(),
                };
                self.reading.insert(id, reading);
            }
        }
        Ok(())
    }

    /// Records that are there, from each partition in turn.
    async fn collect(&mut self, max_records: usize) -> Result<Vec<Received>, BusError> {
        let core = &self.log.core;
        let count = self.reading.len();
        self.turn = if count == 0 { 0 } else { (self.turn + 1) % count };
        // Reads first, hands out after: a dropped future must not lose what was taken out of `ready`.
        let mut room = self.config.max_batch_bytes;
        let mut wanted = max_records;
        let order: Vec<PartitionId> = self.reading.keys().copied().cycle().skip(self.turn).take(count).collect();
        for id in &order {
            let Some(reading) = self.reading.get_mut(id) else { continue };
            if reading.ready.is_empty() {
                let head = core.heads.get(*id);
                if reading.next < head {
                    let records =
                        reader::fetch(&core.readers, &reading.topic, reading.partition, reading.next, wanted, room)
                            .await?;
                    if records.is_empty() {
                        // Everything up to there was removed by retention or compaction.
                        reading.next = head;
                    }
                    reading.ready = records.into();
                }
            }
            let (records, bytes) = portion(&reading.ready, wanted, room);
            wanted -= records;
            room = room.saturating_sub(bytes);
            if wanted == 0 || room == 0 {
                break;
            }
        }
        let mut batch = Vec::new();
        let mut room = self.config.max_batch_bytes;
        for id in &order {
            let Some(reading) = self.reading.get_mut(id) else { continue };
            let (records, bytes) = match portion(&reading.ready, max_records - batch.len(), room) {
                // A single record larger than a batch comes alone.
                (0, _) if batch.is_empty() && !reading.ready.is_empty() => (1, room),
                portion => portion,
            };
            room = room.saturating_sub(bytes);
            batch.extend(reading.ready.drain(..records));
            if let Some(last) = batch.last().filter(|_| records > 0) {
                reading.next = last.offset + 1;
            }
            if batch.len() == max_records || room == 0 {
                break;
            }
        }
        Ok(batch)
    }

    pub(crate) async fn commit(&mut self, positions: &[(Arc<str>, i32, i64)]) -> Result<(), BusError> {
        let mut rows = Vec::with_capacity(positions.len());
        let mut lost = Vec::new();
        for (topic, partition, next) in positions {
            match self.find(topic, *partition) {
                Some((&id, reading)) => rows.push((id, reading.epoch, *next)),
                None => lost.push((topic.clone(), *partition)),
            }
        }
        if lost.is_empty() && !rows.is_empty() {
            let (team, id) = (self.seat.team.clone(), self.seat.id.clone());
            let refused = self.log.core.writer.commit(team, id, rows).await?;
            let names = refused.iter().filter_map(|id| self.reading.get(id));
            lost.extend(names.map(|reading| (reading.topic.name.clone(), reading.partition)));
        }
        if lost.is_empty() { Ok(()) } else { Err(BusError::NotAssigned(lost)) }
    }

    fn find(&self, topic: &str, partition: i32) -> Option<(&PartitionId, &Reading)> {
        self.reading.iter().find(|(_, reading)| reading.partition == partition && &*reading.topic.name == topic)
    }

    pub(crate) fn assignment(&self) -> Vec<(Arc<str>, i32)> {
        let mut all: Vec<(Arc<str>, i32)> =
            self.reading.values().map(|reading| (reading.topic.name.clone(), reading.partition)).collect();
        all.sort();
        all
    }

    pub(crate) fn seek(&mut self, topic: &str, partition: i32, offset: i64) -> Result<(), BusError> {
        let reading = self
            .reading
            .values_mut()
            .find(|reading| reading.partition == partition && &*reading.topic.name == topic)
            .ok_or_else(|| BusError::NotAssigned(vec![(topic.into(), partition)]))?;
        reading.next = offset.max(0);
        reading.ready.clear();
        self.log.core.heads.ring();
        Ok(())
    }

    pub(crate) async fn close(self) -> Result<(), BusError> {
        let core = self.log.core.clone();
        let seat = self.seat.clone();
        // Its heartbeat stops first, or it would join again.
        drop(self);
        core.writer.run(move |conn| Box::pin(async move { team::leave(conn, &seat).await })).await?;
        core.refresh().await
    }
}

/// How many of the records, and bytes, fit.
fn portion(ready: &VecDeque<Received>, max_records: usize, max_bytes: usize) -> (usize, usize) {
    let mut bytes = 0;
    let fits = ready.iter().take(max_records).take_while(|record| {
        bytes += record.size();
        bytes <= max_bytes
    });
    let records = fits.count();
    (records, ready.iter().take(records).map(Received::size).sum())
}
