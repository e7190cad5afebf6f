//! Groups.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use carewire_bus::{BusError, Consumer, Received};

use crate::children::Worker;
use crate::harness::{Harness, PATIENCE, after, consume, member, pair, record};

/// Lets each member ask for records in turn until the condition holds; what they got.
async fn turns(
    members: &mut [&mut Consumer],
    mut done: impl FnMut(&[Vec<(std::sync::Arc<str>, i32)>], usize) -> bool,
) -> Vec<Received> {
    let deadline = Instant::now() + PATIENCE;
    let mut got = Vec::new();
    loop {
        for member in members.iter_mut() {
            let batch = member.next_batch(100, Duration::from_millis(50)).await.expect("reading works");
            member.commit(&after(&batch)).await.expect("it still holds what it just got");
            got.extend(batch);
        }
        let held: Vec<_> = members.iter().map(|member| member.assignment()).collect();
        if done(&held, got.len()) {
            return got;
        }
        assert!(Instant::now() < deadline, "the members hold {held:?} and got {} records", got.len());
    }
}

/// Members share the partitions, each record is read once, and who leaves is replaced at once.
pub async fn members_share_partitions(harness: Harness) {
    let (one, two) = (harness.bus().await, harness.bus().await);
    let topic = harness.topic(&one, "shared", 4).await;
    let group = harness.name("group");
    let send = async |round: usize| {
        let records = (0..200).map(|key| record(&format!("k{key}"), &round.to_string()));
        one.producer().send_all(&topic, records.collect()).await.expect("sent");
    };
    send(0).await;
    let mut first = member(&one, &group, &topic).await;
    let mut got = turns(&mut [&mut first], |held, got| held[0].len() == 4 && got == 200).await;
    let mut second = member(&two, &group, &topic).await;
    send(1).await;
    got.extend(
        turns(&mut [&mut first, &mut second], |held, got| held.iter().all(|held| held.len() == 2) && got >= 200).await,
    );
    let names: BTreeSet<_> = first.assignment().into_iter().chain(second.assignment()).collect();
    assert_eq!(names.len(), 4, "no partition twice");
    send(2).await;
    got.extend(turns(&mut [&mut first, &mut second], |_, got| got >= 200).await);
    second.close().await.expect("left");
    send(3).await;
    got.extend(turns(&mut [&mut first], |held, got| held[0].len() == 4 && got >= 200).await);
    let mut rounds: HashMap<String, Vec<String>> = HashMap::new();
    for record in &got {
        let (key, round) = pair(record);
        rounds.entry(key).or_default().push(round);
    }
    assert_eq!(rounds.len(), 200);
    assert!(rounds.values().all(|rounds| rounds == &["0", "1", "2", "3"]), "each once and in order: {rounds:?}");
    first.close().await.expect("left");
}

/// A member's process is killed with SIGKILL: its partitions go to the others, from where it had committed.
pub async fn killed_member_is_taken_over(harness: Harness) {
    let bus = harness.bus().await;
    let topic = harness.topic(&bus, "taken-over", 4).await;
    let group = harness.name("group");
    let mut worker = Worker::start(&harness, "consume", &topic, &group);
    while !worker.line().await.expect("it reads").starts_with("4 ") {}
    let mut mine = member(&bus, &group, &topic).await;
    turns(&mut [&mut mine], |held, _| held[0].len() == 2).await;
    let send = async |round: usize| {
        let records = (0..400).map(|key| record(&format!("k{key}"), &round.to_string()));
        bus.producer().send_all(&topic, records.collect()).await.expect("sent");
    };
    send(0).await;
    let mut theirs = 0;
    while theirs == 0 {
        let line = worker.line().await.expect("it reads");
        theirs = line.split(' ').nth(1).and_then(|count| count.parse().ok()).expect("a number");
    }
    worker.kill().await;
    let killed = Instant::now();
    send(1).await;
    turns(&mut [&mut mine], |held, _| held[0].len() == 4).await;
    println!("    taken over {:.1} s after the kill", killed.elapsed().as_secs_f64());
    // Whatever the dead member had not committed comes, and everything sent since.
    let ends = bus.watermarks(&topic).await.expect("watermarks");
    let deadline = Instant::now() + PATIENCE;
    loop {
        turns(&mut [&mut mine], |_, _| true).await;
        let committed = bus.committed(&group, &topic).await.expect("positions");
        if ends.iter().zip(&committed).all(|(end, (_, next))| *next == Some(end.high)) {
            break;
        }
        assert!(Instant::now() < deadline, "{committed:?} of {ends:?}");
    }
    mine.close().await.expect("left");
}

/// Positions of a partition that passed to another member are refused, and nothing is stored.
pub async fn lost_partition_cannot_be_committed(harness: Harness) {
    let (one, two) = (harness.bus().await, harness.bus().await);
    let topic = harness.topic(&one, "lost", 1).await;
    let group = harness.name("group");
    one.producer().send_all(&topic, (0..10).map(|n| record("k", &n.to_string())).collect()).await.expect("sent");
    let mut stalled = member(&one, &group, &topic).await;
    let batch = stalled.next_batch(5, Duration::from_secs(30)).await.expect("read");
    assert!(!batch.is_empty());
    let nowhere = stalled.commit(&[(topic.as_str().into(), 7, 1)]).await;
    assert!(matches!(&nowhere, Err(BusError::NotAssigned(lost)) if lost[0].1 == 7), "{nowhere:?}");
    stalled.close().await.expect("left");
    let mut next = member(&two, &group, &topic).await;
    let records = consume(&mut next, 10).await;
    assert_eq!(records[0].offset, 0, "nothing was stored");
    let mut late = member(&one, &group, &topic).await;
    let refused = late.commit(&[(topic.as_str().into(), 0, 3)]).await;
    assert!(matches!(refused, Err(BusError::NotAssigned(_))), "{refused:?}");
    assert_eq!(two.committed(&group, &topic).await.expect("positions"), [(0, Some(10))]);
    next.close().await.expect("left");
    late.close().await.expect("left");
}
