//! `carewire backup` and `restore`: the embedded data folder, copied while it is in use.
//!
//! The store is copied first, then the log: so the log holds at least what the store has seen, and groups with effects
//! in the store go on from the positions that the store recorded.

use std::path::Path;

use anyhow::{Context, Result, bail};
use carewire_bus::BusError;
use serde::Serialize;

use super::{answer, open_store};
use crate::{
    config::Config,
    engine::{self, BUS_FILE, STORE_FILE},
};

#[derive(Serialize)]
struct Copied {
    folder: String,
    store_bytes: u64,
    log_bytes: u64,
}

fn embedded_only(config: &Config) -> Result<()> {
    if config.database.is_some() || config.kafka.is_some() {
        bail!("this is for the embedded data folder; PostgreSQL and Kafka are backed up by their own means");
    }
    Ok(())
}

pub async fn backup(config: Config, to: &Path, json: bool) -> Result<()> {
    embedded_only(&config)?;
    if !config.in_data(STORE_FILE).is_file() {
        bail!("{} holds no network", config.data.display());
    }
    if to.exists() {
        bail!("{} is there already: a backup makes a new folder", to.display());
    }
    // Made beside and renamed, so that a folder of that name is always a whole backup.
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = to.file_name().context("the backup's folder needs a name")?.to_string_lossy();
    let partial = parent.join(format!(".{name}.partial"));
    std::fs::create_dir(&partial).with_context(|| format!("{} cannot be made", partial.display()))?;
    let made = copy(&config, &partial).await;
    if let Err(error) = made {
        let _ = std::fs::remove_dir_all(&partial);
        return Err(error);
    }
    std::fs::rename(&partial, to).with_context(|| format!("{} cannot be made", to.display()))?;
    report(to, json)
}

async fn copy(config: &Config, to: &Path) -> Result<()> {
    open_store(config).await?.backup_to(&to.join(STORE_FILE)).await?;
    engine::open_bus(config).await?.backup_to(&to.join(BUS_FILE)).await?;
    let settings = config.in_data("carewire.toml");
    if settings.is_file() {
        std::fs::copy(settings, to.join("carewire.toml"))?;
    }
    for file in [STORE_FILE, BUS_FILE] {
        std::fs::File::open(to.join(file))?.sync_all()?;
    }
    std::fs::File::open(to)?.sync_all()?;
    Ok(())
}

pub async fn restore(config: &Config, from: &Path, json: bool) -> Result<()> {
    embedded_only(config)?;
    for file in [STORE_FILE, BUS_FILE] {
        if !from.join(file).is_file() {
            bail!("{} is no backup: {file} is missing", from.display());
        }
    }
    if config.data.exists() && std::fs::read_dir(&config.data)?.next().is_some() {
        bail!("{} is not empty: move it away first, nothing is overwritten", config.data.display());
    }
    std::fs::create_dir_all(&config.data)?;
    for file in [STORE_FILE, BUS_FILE, "carewire.toml"] {
        if from.join(file).is_file() {
            std::fs::copy(from.join(file), config.in_data(file))?;
        }
    }
    positions(config).await?;
    report(&config.data, json)
}

/// Groups with effects in the store start where the store says.
async fn positions(config: &Config) -> Result<()> {
    let store = open_store(config).await?;
    let bus = engine::open_bus(config).await?;
    for group in engine::GROUPS_WITH_EFFECTS {
        let mut by_topic: std::collections::BTreeMap<String, Vec<(i32, i64)>> = std::collections::BTreeMap::new();
        for position in store.positions(group).await? {
            by_topic.entry(position.topic).or_default().push((position.partition, position.next_offset));
        }
        for (topic, positions) in by_topic {
            match bus.set_committed(group, &topic, &positions).await {
                Ok(()) => {}
                Err(BusError::UnknownTopic(_)) => tracing::warn!(topic, "the backup's log does not know this topic"),
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

fn report(folder: &Path, json: bool) -> Result<()> {
    let size = |file: &str| std::fs::metadata(folder.join(file)).map_or(0, |data| data.len());
    let copied =
        Copied { folder: folder.display().to_string(), store_bytes: size(STORE_FILE), log_bytes: size(BUS_FILE) };
    answer(json, &copied, || {
        format!("{}: database {} bytes, log {} bytes", copied.folder, copied.store_bytes, copied.log_bytes)
    })
}
