//! The real servers: PostgreSQL and Apache Kafka from `deploy/test-servers`, shared by the tests that need them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::network::Pair;

/// A database server and a broker on throw-away folders.
pub struct Servers {
    folder: TempDir,
    pair: Pair,
}

fn script(name: &str, args: &[&str]) -> Result<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/test-servers").join(name);
    let out = Command::new(path).args(args).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if !out.status.success() {
        return Err(format!("{name} {args:?}: {}", String::from_utf8_lossy(&out.stderr)));
    }
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    Ok(text.lines().last().unwrap_or_default().to_owned())
}

impl Servers {
    /// Starts both, or says why this run goes without them.
    ///
    /// # Panics
    /// In CI, where they must be there.
    pub fn start() -> Option<Self> {
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        let asked = std::env::var_os("CAREWIRE_TEST_KAFKA").is_some();
        if !ci && !asked {
            eprintln!("SKIPPED: PostgreSQL and Kafka are not asked for (CAREWIRE_TEST_KAFKA=auto or CI=true)");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("carewire-servers-").tempdir().unwrap();
        let dir = |name: &str| folder.path().join(name).display().to_string();
        let database = script("postgres", &["start", &dir("postgres")]).unwrap_or_else(|error| panic!("{error}"));
        let kafka = script("kafka", &["start", &dir("kafka")]).unwrap_or_else(|error| panic!("{error}"));
        Some(Self { folder, pair: Pair::Servers { database, kafka } })
    }

    /// Their addresses.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a statement in the database of `pair`.
    pub fn sql(&self, pair: &Pair, statement: &str) {
        let Pair::Servers { database, .. } = pair else { panic!("no database server") };
        let out =
            Command::new("psql").args(["-q", "-v", "ON_ERROR_STOP=1", "-c", statement, database]).output().unwrap();
        assert!(out.status.success(), "{statement}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// Runs a command of a server's script (`stop`, `start`, `kill9`).
    pub fn run(&self, server: &str, what: &str) {
        script(server, &[what, &self.folder(server).display().to_string()]).unwrap_or_else(|error| panic!("{error}"));
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for server in ["kafka", "postgres"] {
            let _ = script(server, &["kill9", &self.folder(server).display().to_string()]);
        }
    }
}
