//! The sequence with several writers that are killed: no number is left out, and none is seen before a smaller one.
//!
//! Writers are child processes: this test binary, started again with the one test [`child`] and told by the
//! environment what to do.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use carewire_schemas::ItemId;
use carewire_store::{ChangeRow, Changes, ItemRow, ItemState, ItemsView, Position, Store, StoreConfig};

use crate::harness::{Kit, change, conformance, fields, item_id, row, target_of};

/// A child process.
pub struct Worker {
    pub child: Child,
    lines: BufReader<ChildStdout>,
}

impl Worker {
    pub fn start(what: &str, target: &str, number: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["sequence::child", "--exact", "--nocapture", "--ignored"])
            .env("STORE_CHILD", what)
            .env("STORE_TARGET", target)
            .env("STORE_NUMBER", number.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Reads the child's output up to a line with the text.
    pub fn wait_for_line(&mut self, text: &str) {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the child ended before it said `{text}`");
            if line.contains(text) {
                return;
            }
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a child process does; by itself, nothing.
#[test]
#[ignore = "run by other tests as a process of its own"]
fn child() {
    let Ok(what) = std::env::var("STORE_CHILD") else { return };
    let target = std::env::var("STORE_TARGET").unwrap();
    let number: u64 = std::env::var("STORE_NUMBER").unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let config = StoreConfig { readers: 2, ..StoreConfig::new(target_of(&target)) };
        let store = Store::open(&config).await.unwrap();
        println!("opened");
        match what.as_str() {
            "open" => {}
            "hold" => hold(&store, number).await,
            _ => write(&store, number).await,
        }
    });
}

/// Takes a number after locking rows and then hangs in the transaction until killed.
async fn hold(store: &Store, number: u64) {
    let ids: Vec<ItemId> = (0..20).map(item_id).collect();
    let hang = move |view: &ItemsView| {
        println!("holding {} rows in {number}", view.rows.len());
        std::thread::sleep(Duration::from_secs(60));
        Ok(vec![])
    };
    store.change_items(ids, &[], None, hang).await.unwrap();
}

/// Changes random items for ever.
async fn write(store: &Store, number: u64) {
    let mut random = fastrand::Rng::with_seed(number);
    for round in 1.. {
        let ids: Vec<ItemId> = (0..random.u128(1..12)).map(|_| item_id(random.u128(0..150))).collect();
        let seed = random.u64(..);
        let position = Position { consumer: number.to_string(), topic: "t".into(), partition: 0, next_offset: round };
        let wanted = ids.clone();
        let step = move |view: &ItemsView| {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut ids = wanted.clone();
            ids.sort_unstable();
            ids.dedup();
            Ok(ids.into_iter().map(|id| change(next(id, view.rows.get(&id), &mut random))).collect())
        };
        match store.change_items(ids, &[position], None, step).await {
            Ok(_) => {}
            // Connections are ended under it: what it did is there or not, and it goes on.
            Err(error) if error.is_transient() => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn next(id: ItemId, old: Option<&ItemRow>, random: &mut fastrand::Rng) -> ItemRow {
    let was_public = old.is_some_and(|old| old.first.is_some());
    let state = match random.u8(0..10) {
        0 | 1 if was_public => ItemState::Withdrawn,
        0..=2 if !was_public => ItemState::Held,
        _ => ItemState::Curated,
    };
    let code = ["D003924", "D001943"][random.usize(0..2)];
    let old_version = old.map_or(0, |old| old.public_version);
    ItemRow {
        version: old.map_or(0, |old| old.version) + 1,
        public_version: old_version + 1,
        fields: (state == ItemState::Curated).then(|| fields(code)),
        ..row(id, state, &random.u8(0..4).to_string())
    }
}

/// Follows by cursor and insists on every number in order.
async fn follow(store: &Store, log: &mut Vec<ChangeRow>) {
    let after = log.last().map_or(0, |row| row.seq);
    match store.changes(after, 50).await {
        Ok(Changes::Rows(rows)) => {
            for row in rows {
                assert_eq!(row.seq, log.last().map_or(0, |row| row.seq) + 1, "a gap");
                log.push(row);
            }
        }
        Ok(Changes::TooOld) => panic!("a number is seen before a smaller one: after {after}"),
        Err(error) => assert!(error.is_transient(), "{error}"),
    }
}

/// What the log says must be what the rows say.
async fn check(store: &Store, log: &[ChangeRow]) {
    let mut last: HashMap<ItemId, &ChangeRow> = HashMap::new();
    let mut first: HashMap<ItemId, i64> = HashMap::new();
    for row in log {
        let before = last.insert(row.item, row).and_then(|before| before.after.clone());
        assert_eq!(row.before, before, "what was before is what was after the change before");
        if row.after.is_some() {
            first.entry(row.item).or_insert(row.seq);
        }
    }
    let rows = store.items(&(0..160).map(item_id).collect::<Vec<_>>()).await.unwrap();
    let mut states: HashMap<ItemState, i64> = HashMap::new();
    for row in &rows {
        *states.entry(row.state).or_default() += 1;
        let change = last.get(&row.id);
        assert_eq!(row.seq, change.map(|change| change.seq), "{}", row.id);
        assert_eq!(row.first, first.get(&row.id).copied());
        assert_eq!(row.fields, change.and_then(|change| change.after.clone()));
        assert_eq!(row.state == ItemState::Withdrawn, change.is_some_and(|change| change.withdrawn));
    }
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.last_seq, log.len() as i64);
    for (state, n) in counts.items {
        assert_eq!(n, states.get(&state).copied().unwrap_or(0), "{state}");
    }
}

async fn numbers_have_no_gap_though_writers_are_killed(kit: Kit) {
    let target = kit.target_text();
    let mut random = fastrand::Rng::with_seed(11);
    let mut workers: Vec<Worker> = (0..3).map(|n| Worker::start("write", &target, n)).collect();
    let mut log = Vec::new();
    let (mut killed, mut number) = (0, 100);
    let mut next_kill = Instant::now() + Duration::from_millis(400);
    let deadline = Instant::now() + Duration::from_secs(90);
    while killed < 12 || log.len() < 600 {
        assert!(Instant::now() < deadline, "{killed} killed, {} changes", log.len());
        follow(&kit.store, &mut log).await;
        if Instant::now() < next_kill {
            continue;
        }
        killed += 1;
        number += 1;
        match killed % 3 {
            // In the midst of a transaction, with rows locked.
            0 => {
                let mut worker = Worker::start("hold", &target, number);
                worker.wait_for_line("holding");
                worker.kill();
            }
            1 if !kit.is_sqlite() => kit.terminate_backends().await,
            _ => {
                let index = random.usize(0..workers.len());
                workers[index].kill();
                workers[index] = Worker::start("write", &target, number);
            }
        }
        next_kill = Instant::now() + Duration::from_millis(random.u64(50..300));
    }
    for worker in &mut workers {
        worker.kill();
    }
    // A killed writer's last commit may still be on its way into the server.
    let last = crate::harness::wait_for(10, "the end of the log", async || {
        let last = kit.store.last_seq().await.ok()?;
        (kit.store.last_seq().await.ok()? == last).then_some(last)
    })
    .await;
    while (log.len() as i64) < last {
        follow(&kit.store, &mut log).await;
    }
    check(&kit.again().await, &log).await;
    eprintln!("{} changes, {killed} kills", log.len());
}

async fn writers_in_one_process_share_syncs_and_lose_nothing(kit: Kit) {
    let mut tasks = Vec::new();
    for n in 0..16_u128 {
        let store = kit.store.clone();
        tasks.push(tokio::spawn(async move {
            for k in 0..10 {
                let id = item_id(n * 10 + k);
                crate::harness::put(&store, &[row(id, ItemState::Curated, "x")]).await;
                // A future that is dropped half-way leaves nothing locked.
                let half = store.change_items(vec![item_id(0)], &[], None, |_| Ok(vec![]));
                let _ = tokio::time::timeout(Duration::from_micros(50 * n as u64), half).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(kit.store.last_seq().await.unwrap(), 160);
    let mut log = Vec::new();
    while log.len() < 160 {
        follow(&kit.store, &mut log).await;
    }
    check(&kit.store, &log).await;
}

conformance! {
    numbers_have_no_gap_though_writers_are_killed,
    writers_in_one_process_share_syncs_and_lose_nothing,
}
