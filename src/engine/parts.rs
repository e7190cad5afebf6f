//! What stages work with: store, bus, client, vocabulary.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use carewire_bus::{Bus, BusError, Cleanup, EmbeddedConfig, Health, KafkaConfig, TopicSpec, stage::BackOff};
use carewire_schemas::topics::{self, Kept};
use carewire_store::{Store, StoreConfig, StoreError, Target};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// The embedded database in the data folder.
pub const STORE_FILE: &str = "store.db";
/// The embedded log in the data folder.
pub const BUS_FILE: &str = "log.db";
/// Groups whose effects are in the store, with their positions.
pub const GROUPS_WITH_EFFECTS: [&str; 2] = ["group", carewire_publish::sink::GROUP];

/// What stages work with. Cheap to clone.
#[derive(Clone)]
pub struct Parts {
    /// What is in force.
    pub config: Arc<Config>,
    /// The database.
    pub store: Store,
    /// The bus.
    pub bus: Bus,
}

impl Parts {
    /// Opens database and bus; a database that is away is waited for, until `stop`.
    ///
    /// # Errors
    /// When they refuse for good.
    pub async fn open(config: Config, stop: &CancellationToken, health: &Health) -> Result<Option<Self>> {
        if config.database.is_none() || config.kafka.is_none() {
            data_folder(&config.data)?;
        }
        let mut wait = BackOff::default();
        let store = loop {
            match Store::open(&store_config(&config)).await {
                Ok(store) => break store,
                Err(error @ StoreError::Unavailable(_)) => {
                    health.waits(error.to_string());
                    if wait.stopped(stop).await {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error).context("the database cannot be opened"),
            }
        };
        let bus = open_bus(&config).await?;
        health.well();
        Ok(Some(Self { config: Arc::new(config), store, bus }))
    }

    /// Makes the topics that are not there yet; a broker that is away is waited for. False when `stop` came first.
    ///
    /// # Errors
    /// When the broker refuses for good.
    pub async fn topics(&self, stop: &CancellationToken, health: &Health) -> Result<bool> {
        let mut wait = BackOff::default();
        loop {
            match self.bus.ensure_topics(&topic_specs(&self.config)).await {
                Ok(()) => {
                    health.well();
                    return Ok(true);
                }
                Err(error @ BusError::Unavailable(_)) => {
                    health.waits(error.to_string());
                    if wait.stopped(stop).await {
                        return Ok(false);
                    }
                }
                Err(error) => return Err(error).context("the topics cannot be made"),
            }
        }
    }
}

fn topic_specs(config: &Config) -> Vec<TopicSpec> {
    topics::ALL
        .iter()
        .map(|topic| TopicSpec {
            name: topic.name.to_owned(),
            partitions: config.bus.partitions,
            replication: config.bus.replication,
            cleanup: match topic.kept {
                Kept::Time(time) => Cleanup::Time(time),
                Kept::Compacted(delete_retention) => Cleanup::Compact { delete_retention },
                Kept::Forever => Cleanup::Forever,
            },
            max_record_bytes: topics::MAX_RECORD_BYTES,
        })
        .collect()
}

fn store_config(config: &Config) -> StoreConfig {
    StoreConfig::new(match &config.database {
        Some(url) => Target::Postgres(url.0.clone()),
        None => Target::Sqlite(config.in_data(STORE_FILE)),
    })
}

/// Opens the database for one command.
///
/// # Errors
/// When it is away or refuses.
pub async fn open_store(config: &Config) -> Result<Store> {
    if config.database.is_none() {
        data_folder(&config.data)?;
    }
    Store::open(&store_config(config)).await.context("the database cannot be opened")
}

/// Opens the bus; a broker need not be there.
///
/// # Errors
/// When the embedded log cannot be opened or the configuration is wrong.
pub async fn open_bus(config: &Config) -> Result<Bus> {
    match &config.kafka {
        Some(brokers) => {
            let mut kafka = KafkaConfig::new(brokers.clone());
            kafka.security = config.bus.security.clone();
            kafka.extra = config.bus.extra.clone();
            Ok(Bus::kafka(kafka)?)
        }
        None => {
            data_folder(&config.data)?;
            let mut embedded = EmbeddedConfig::new(config.in_data(BUS_FILE));
            // What other processes append (commands, stages run apart) is noticed within this time.
            embedded.poll_interval = Duration::from_millis(100);
            Bus::embedded(embedded).await.context("the embedded log cannot be opened")
        }
    }
}

/// Makes the data folder, readable for its owner only: it holds token hashes and what is not published.
fn data_folder(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the data folder {} cannot be made; choose another with --data DIR", folder.display()))
}
