//! The network under test: the real binary, as one process or as stages apart, on a throw-away folder.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{SOON, block_on, eventually};

const BINARY: &str = env!("CARGO_BIN_EXE_carewire");

/// What the network stores in and talks through.
#[derive(Clone, Debug)]
pub enum Pair {
    /// SQLite and the embedded log.
    Embedded,
    /// PostgreSQL and Kafka.
    Servers {
        /// `postgres://…`
        database: String,
        /// `host:port`
        kafka: String,
    },
}

/// Quick polls, everything on loopback, leases that end soon after a kill.
pub const QUICK: &str = r#"
[fetch]
allow = ["127.0.0.0/8"]
min_host_pause = "10ms"
header_timeout = "2s"
idle_timeout = "1s"
total_timeout = "3s"
max_body = 4000000

[ingest]
min_interval = "1s"
default_interval = "1s"
max_interval = "3s"
adaptive = false
jitter = 0.0
gone_after = "1s"
lease = "5s"
"#;

/// A network with its folder and configuration.
pub struct Network {
    folder: TempDir,
    pair: Pair,
    config: PathBuf,
    /// The data folder.
    pub data: PathBuf,
}

/// What a command answered.
pub struct Answer {
    /// Exit code; none after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Answer {
    /// The JSON on standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}

/// Runs the binary without any network.
pub fn command(args: &[&str], input: &str) -> Answer {
    let mut child = clean(Command::new(BINARY).args(args))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A command that does not read its input may be gone before all is written.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Answer {
        code: out.status.code(),
        out: String::from_utf8_lossy(&out.stdout).into_owned(),
        err: String::from_utf8_lossy(&out.stderr).into_owned(),
    }
}

/// Without settings that the surroundings may have.
fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CAREWIRE_") || name == "RUST_LOG") {
        command.env_remove(name);
    }
    command.current_dir(std::env::temp_dir())
}

impl Network {
    /// One with this configuration (TOML), beside what the pair needs.
    pub fn new(pair: &Pair, settings: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("carewire-e2e-").tempdir().unwrap();
        let (config, data) = (folder.path().join("network.toml"), folder.path().join("data"));
        std::fs::write(&config, settings).unwrap();
        Self { folder, pair: pair.clone(), config, data }
    }

    /// The folder of everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it stores in and talks through.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// The same configuration and pair on another data folder.
    #[must_use]
    pub fn on(mut self, data: PathBuf) -> Self {
        self.data = data;
        self
    }

    fn global(&self) -> Vec<String> {
        let mut args = vec![
            "--config".to_owned(),
            self.config.display().to_string(),
            "--data".to_owned(),
            self.data.display().to_string(),
        ];
        if let Pair::Servers { database, kafka } = &self.pair {
            args.extend(["--database".to_owned(), database.clone(), "--kafka".to_owned(), kafka.clone()]);
        }
        args
    }

    /// Runs a command beside the network.
    pub fn cli(&self, args: &[&str]) -> Answer {
        let global = self.global();
        let all: Vec<&str> = global.iter().map(String::as_str).chain(args.iter().copied()).collect();
        command(&all, "")
    }

    /// Runs a command that must succeed, with `--json`.
    pub fn json(&self, args: &[&str]) -> Value {
        let answer = self.cli(&[args, &["--json"]].concat());
        assert_eq!(answer.code, Some(0), "{args:?}: {}\n{}", answer.out, answer.err);
        answer.json()
    }

    /// Registers an accepted organization with one feed that is vouched for.
    pub fn publish(&self, slug: &str, name: &str, feed: &str) {
        self.json(&["org", "add", name, "--slug", slug, "--accept"]);
        self.json(&["feed", "add", slug, feed, "--vouch"]);
    }

    /// `feed show --json`.
    pub fn feed(&self, url: &str) -> Value {
        self.json(&["feed", "show", url])
    }

    /// Starts a stage, or `up`, and waits until it listens.
    pub fn start(&self, stage: &str) -> Stage {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let log = self.folder.path().join(format!("{stage}-{number}.log"));
        let mut command = Command::new(BINARY);
        clean(&mut command).args(self.global()).args(["--log", "json", stage, "--listen", "127.0.0.1:0"]);
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        let mut stage = Stage { name: stage.to_owned(), child: Some(child), base: String::new(), log };
        let address = eventually(&format!("{} listens", stage.name), SOON, || {
            if let Some(status) = stage.child.as_mut().and_then(|child| child.try_wait().unwrap()) {
                panic!("{} ended with {status}: {}", stage.name, stage.log());
            }
            let log = stage.log();
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut listening = lines.filter(|line| line["message"] == "listening");
            listening.find_map(|line| line["address"].as_str().map(str::to_owned)).ok_or(log.clone())
        });
        stage.base = format!("http://{address}");
        stage
    }

    /// Starts a stage and waits until it is ready.
    pub fn start_ready(&self, stage: &str) -> Stage {
        let stage = self.start(stage);
        stage.ready(SOON);
        stage
    }
}

/// A running process of the network.
pub struct Stage {
    /// Which.
    pub name: String,
    child: Option<Child>,
    /// `http://127.0.0.1:PORT`
    pub base: String,
    log: PathBuf,
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Got {
    /// Status; 0 when nobody answered.
    pub status: u16,
    /// Headers.
    pub headers: reqwest::header::HeaderMap,
    /// Body.
    pub body: String,
}

impl Got {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("status {}: {error}: {}", self.status, self.body))
    }

    /// A header's text, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Sends a request; status 0 when there was no answer.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Got {
    block_on(async {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        let mut request = client.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let none = |error: reqwest::Error| Got { status: 0, headers: Default::default(), body: error.to_string() };
        match request.send().await {
            Ok(answer) => {
                let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
                match answer.text().await {
                    Ok(body) => Got { status, headers, body },
                    Err(error) => none(error),
                }
            }
            Err(error) => none(error),
        }
    })
}

impl Stage {
    /// GET of a path.
    pub fn get(&self, path: &str) -> Got {
        send("GET", &format!("{}{path}", self.base), &[], None)
    }

    /// GET that must succeed, as JSON.
    pub fn json(&self, path: &str) -> Value {
        let got = self.get(path);
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        got.json()
    }

    /// A request with a token.
    pub fn call(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Got {
        send(method, &format!("{}{path}", self.base), &[("authorization", &format!("Bearer {token}"))], body)
    }

    /// Waits for `/readyz` to say that nothing is missing.
    pub fn ready(&self, limit: Duration) {
        eventually(&format!("{} is ready", self.name), limit, || {
            let got = self.get("/readyz");
            super::when(got.status == 200, format!("{}\n{}", got.body, self.log()))
        });
    }

    /// The value of a metric (`name{labels}`); 0 where it is not there.
    pub fn metric(&self, line: &str) -> f64 {
        let text = self.get("/metrics").body;
        let value = text.lines().find_map(|known| known.strip_prefix(line)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or(0.0)
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// SIGKILL, and waits for its end.
    pub fn kill9(mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal by name (`STOP`, `CONT`).
    pub fn signal(&self, name: &str) {
        let Some(child) = &self.child else { return };
        let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGTERM; gives its exit status and how long it took.
    pub fn stop(mut self) -> (ExitStatus, Duration) {
        let mut child = self.child.take().unwrap();
        let began = Instant::now();
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let status = eventually(&format!("{} has ended", self.name), Duration::from_secs(40), || {
            child.try_wait().unwrap().ok_or_else(|| "still runs".to_owned())
        });
        (status, began.elapsed())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(12).collect();
            eprintln!(
                "--- the last of {}'s log:\n{}",
                self.name,
                tail.into_iter().rev().collect::<Vec<_>>().join("\n")
            );
        }
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
