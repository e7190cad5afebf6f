//! The sandbox: publishers of our own on loopback, and the real binary on a throw-away data folder.
//!
//! Everything waits on conditions with deadlines ([`eventually`]), and what was started is killed by its own pid.

pub mod feeds;
#[path = "../../shared/hub.rs"]
pub mod hub;
pub mod network;
pub mod outputs;
pub mod publisher;
pub mod servers;

use std::{
    future::Future,
    path::PathBuf,
    sync::LazyLock,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

/// For everything in the tests that is asynchronous (HTTP, bus, store); the tests themselves are not.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

/// Waits for `future`.
pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// How long anything may take on a machine that others use too.
pub const SOON: Duration = Duration::from_secs(60);

/// Asks `probe` again and again until it gives something.
///
/// # Panics
/// When `limit` has passed; the text says what was waited for and what the last answer was.
pub fn eventually<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        match probe() {
            Ok(found) => return found,
            Err(last) if Instant::now() >= deadline => panic!("not within {limit:?}: {what}; last: {last}"),
            Err(_) => std::thread::sleep(Duration::from_millis(60)),
        }
    }
}

/// `Ok` when it holds, else what is there instead.
pub fn when(holds: bool, else_: impl std::fmt::Display) -> Result<(), String> {
    if holds { Ok(()) } else { Err(else_.to_string()) }
}

/// The folder of outside test material, where it is at hand.
pub fn shared_data() -> Option<PathBuf> {
    let folder = std::env::var_os("CAREWIRE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    folder.is_dir().then_some(folder)
}
