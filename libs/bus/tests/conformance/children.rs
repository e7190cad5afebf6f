//! Child processes: this binary again, with a role in its environment.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use carewire_bus::{BusError, ConsumerConfig};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::harness::{Harness, after, open, record, signal};

pub const ROLE: &str = "CAREWIRE_BUS_CHILD";
const KIND: &str = "CAREWIRE_BUS_KIND";
const ADDRESS: &str = "CAREWIRE_BUS_ADDRESS";
const TOPIC: &str = "CAREWIRE_BUS_TOPIC";
const NAME: &str = "CAREWIRE_BUS_NAME";

/// A child process; killed when dropped.
pub struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stdin: ChildStdin,
}

impl Worker {
    pub fn start(harness: &Harness, role: &str, topic: &str, name: &str) -> Worker {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .env(ROLE, role)
            .env(KIND, harness.kind.name())
            .env(ADDRESS, harness.address())
            .env(TOPIC, topic)
            .env(NAME, name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a child starts");
        let stdin = child.stdin.take().expect("piped");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Worker { child, lines, stdin }
    }

    /// The next line it prints, or `None` when it has ended.
    pub async fn line(&mut self) -> Option<String> {
        let line = tokio::time::timeout(crate::harness::PATIENCE, self.lines.next_line()).await;
        line.expect("the child says something").expect("readable")
    }

    pub async fn tell(&mut self) {
        self.stdin.write_all(b"go\n").await.expect("the child listens");
        self.stdin.flush().await.expect("the child listens");
    }

    pub fn signal(&self, name: &str) {
        signal(name, self.child.id().expect("it runs"));
    }

    /// Kills it with SIGKILL and gives the lines it had printed.
    pub async fn kill(mut self) -> Vec<String> {
        self.child.start_kill().expect("it can be killed");
        self.child.wait().await.expect("it ends");
        let mut rest = Vec::new();
        while let Ok(Some(line)) = self.lines.next_line().await {
            rest.push(line);
        }
        rest
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("the parent listens");
}

fn heard() {
    std::io::stdin().read_line(&mut String::new()).expect("the parent speaks");
}

pub async fn run(role: &str) {
    let variable = |name: &str| std::env::var(name).expect("the parent sets it");
    let (topic, name) = (variable(TOPIC), variable(NAME));
    // Children are stopped and killed where the tests say so: a process that is stopped (not killed) in the middle of a
    // transaction keeps the file's lock, so none runs in the background.
    let bus = open(&variable(KIND), &variable(ADDRESS), Duration::from_secs(3600)).await;
    match role {
        // Sends numbered records of 16 keys, four batches at a time, and says what was acknowledged.
        "produce" => {
            let producer = bus.producer();
            let lanes = (0..4).map(|lane| {
                let (producer, topic, name) = (producer.clone(), topic.clone(), name.clone());
                tokio::spawn(async move {
                    for round in 0u64.. {
                        let records = (0..4).map(|key| record(&format!("{name}{lane}.{key}"), &round.to_string()));
                        producer.send_all(&topic, records.collect()).await.expect("sending works");
                        say(&format!("{lane} {round}"));
                    }
                })
            });
            futures::future::join_all(lanes.collect::<Vec<_>>()).await;
        }
        // Reads and commits, and says what it holds and has committed.
        "consume" => {
            let mut consumer = bus.consumer(&name, &[&topic], ConsumerConfig::default()).await.expect("joined");
            loop {
                let batch = consumer.next_batch(100, Duration::from_millis(100)).await.expect("reading works");
                let _ = consumer.commit(&after(&batch)).await;
                say(&format!("{} {}", consumer.assignment().len(), batch.len()));
            }
        }
        // Writes one record, waits, writes another.
        "fenced" => {
            let writer = bus.fenced_writer(&topic, &name).await.expect("a writer");
            writer.send_all(vec![record("k", "first")]).await.expect("writing works");
            say("ready");
            heard();
            for _ in 0..2 {
                match writer.send_all(vec![record("k", "stale")]).await {
                    Ok(_) => say("written"),
                    Err(BusError::Fenced) => say("fenced"),
                    Err(error) => say(&format!("error {error}")),
                }
            }
        }
        _ => panic!("no role {role}"),
    }
}
