//! A fresh store of either kind for each test, and what tests are made of.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use carewire_schemas::{
    ConditionCode, DecisionId, DecisionV1, EntryId, FeedId, Fields, ItemId, OrganizationId, Slug, StoryId, Verdict,
};
use carewire_store::{
    Feed, FeedKind, ItemChange, ItemRow, ItemState, NewFeed, NewOrganization, Organization, Proof, Standing, Store,
    StoreConfig, Target,
};
use jiff::Timestamp;
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

/// Runs each of the named functions (`async fn(Kit)`) against both databases.
macro_rules! conformance {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::harness::Kit::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(kit) = crate::harness::Kit::postgres().await {
                    super::$name(kit).await;
                }
            })+
        }
    };
}
pub(crate) use conformance;

/// A fresh store.
pub struct Kit {
    pub store: Store,
    pub config: StoreConfig,
    pub dir: tempfile::TempDir,
}

impl Kit {
    pub async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = StoreConfig::new(Target::Sqlite(dir.path().join("store.db")));
        let store = Store::open(&config).await.unwrap();
        Self { store, config, dir }
    }

    /// None where no server was asked for.
    pub async fn postgres() -> Option<Self> {
        let config = StoreConfig { readers: 6, ..StoreConfig::new(Target::Postgres(fresh_database().await?)) };
        let store = Store::open(&config).await.unwrap();
        Some(Self { store, config, dir: tempfile::tempdir().unwrap() })
    }

    /// The same store, opened once more, as another process would.
    pub async fn again(&self) -> Store {
        Store::open(&self.config).await.unwrap()
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.config.target, Target::Sqlite(_))
    }

    /// The database as one text, for child processes.
    pub fn target_text(&self) -> String {
        match &self.config.target {
            Target::Sqlite(file) => file.to_str().unwrap().to_owned(),
            Target::Postgres(url) => url.clone(),
        }
    }

    /// A PostgreSQL database that nobody has opened yet.
    pub async fn empty_database() -> String {
        fresh_database().await.unwrap()
    }

    /// Runs a statement past the store.
    pub async fn run_sql(&self, sql: &'static str) {
        match &self.config.target {
            Target::Sqlite(file) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
                sqlx::SqliteConnection::connect_with(&options).await.unwrap().execute(sql).await.unwrap();
            }
            Target::Postgres(url) => {
                PgConnection::connect(url).await.unwrap().execute(sql).await.unwrap();
            }
        }
    }

    /// Ends all connections of this database but those of the asker.
    pub async fn terminate_backends(&self) {
        let Target::Postgres(url) = &self.config.target else { return };
        let mut conn = PgConnection::connect(url).await.unwrap();
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    }
}

/// The database of a child process.
pub fn target_of(text: &str) -> Target {
    if text.starts_with("postgres:") { Target::Postgres(text.to_owned()) } else { Target::Sqlite(text.into()) }
}

/// A server that ends with this process, however that ends: its keeper waits for the end of its input.
struct Server {
    url: String,
    _keeper: Option<(Child, ChildStdin)>,
}

static SERVER: LazyLock<Mutex<Option<Server>>> = LazyLock::new(|| Mutex::new(None));

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/test-servers/postgres")
}

fn start_server() -> Server {
    let dir = tempfile::tempdir().unwrap().keep();
    let mut keeper = Command::new("sh")
        .arg("-c")
        .arg("\"$0\" start \"$1\"; cat >/dev/null; \"$0\" stop \"$1\"; rm -rf \"$1\"")
        .args([script().as_path(), dir.as_path()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = keeper.stdin.take().unwrap();
    let url = BufReader::new(keeper.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find(|line| line.starts_with("postgres://"))
        .expect("the script starts a server and prints its address");
    Server { url, _keeper: Some((keeper, stdin)) }
}

fn server_url() -> Option<String> {
    let asked = std::env::var("CAREWIRE_TEST_POSTGRES").unwrap_or_default();
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    if asked.is_empty() && !ci {
        eprintln!("SKIPPED: PostgreSQL (CAREWIRE_TEST_POSTGRES=auto or an address runs it)");
        return None;
    }
    let mut server = SERVER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let server = server.get_or_insert_with(|| {
        if asked.is_empty() || asked == "auto" { start_server() } else { Server { url: asked, _keeper: None } }
    });
    Some(server.url.clone())
}

async fn fresh_database() -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let url = tokio::task::spawn_blocking(server_url).await.unwrap()?;
    let name = format!("carewire_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut conn = PgConnection::connect(&url).await.unwrap();
    conn.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (base, _) = url.rsplit_once('/').unwrap();
    Some(format!("{base}/{name}"))
}

/// Waits until `condition` gives something; panics after `seconds`.
pub async fn wait_for<T, F>(seconds: u64, what: &str, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {seconds} s for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn new_organization(slug: &str) -> NewOrganization {
    NewOrganization {
        slug: Slug::new(slug).unwrap(),
        name: format!("The {slug}"),
        site: Some(format!("https://{slug}.example/")),
        country: None,
        kind: None,
        standing: Standing::Accepted,
    }
}

pub async fn organization(store: &Store, slug: &str) -> Organization {
    store.add_organization(new_organization(slug)).await.unwrap()
}

pub fn new_feed(organization: OrganizationId, url: &str) -> NewFeed {
    let host = url.split('/').nth(2).unwrap().split(':').next().unwrap().to_owned();
    NewFeed {
        organization,
        url: url.to_owned(),
        kind: FeedKind::Feed,
        title: None,
        site_url: None,
        host,
        proof: Proof::None,
        interval_s: 1800,
    }
}

pub async fn feed(store: &Store, organization: OrganizationId, url: &str) -> Feed {
    store.add_feed(new_feed(organization, url)).await.unwrap()
}

/// The n-th item of a test.
pub fn item_id(n: u128) -> ItemId {
    ItemId(Uuid::new_v5(&Uuid::from_u128(7), &n.to_be_bytes()))
}

pub fn entry_id(feed: FeedId, n: usize) -> EntryId {
    EntryId::derive(feed, &n.to_string())
}

pub fn fields(code: &str) -> Fields {
    Fields {
        about: vec![ConditionCode(code.to_owned())],
        mentioned: vec![],
        organizations: vec!["ours".into()],
        kind: carewire_schemas::ItemKind::Article,
        language: Some("en".into()),
        published: 1_700_000_000_000,
        text_hash: u64::MAX - 5,
        duration: None,
        ..Default::default()
    }
}

pub fn row(id: ItemId, state: ItemState, content: &str) -> ItemRow {
    ItemRow {
        id,
        version: 1,
        state,
        first: None,
        seq: None,
        story: StoryId::derive(id),
        published: 1_700_000_000_000,
        updated: 1_700_000_000_000,
        rule: "accepted-organization".into(),
        content: content.to_owned(),
        meta: "{}".into(),
        fields: (state == ItemState::Curated).then(|| fields("D003924")),
        decided: None,
        public_version: 1,
    }
}

pub fn change(row: ItemRow) -> ItemChange {
    ItemChange { row, decision: None }
}

/// Writes rows as they are, whatever is there.
pub async fn put(store: &Store, rows: &[ItemRow]) -> carewire_store::Applied {
    let ids = rows.iter().map(|row| row.id).collect();
    store.change_items(ids, &[], None, |_| Ok(rows.iter().cloned().map(change).collect())).await.unwrap()
}

pub fn decision(item: ItemId, verdict: Verdict, expected_version: Option<i64>) -> DecisionV1 {
    DecisionV1 {
        id: DecisionId::random(),
        item,
        verdict,
        reason: "because".into(),
        by: "a curator".into(),
        at: Timestamp::from_second(1_700_000_000).unwrap(),
        expected_version,
    }
}
