//! Configuration: defaults, then one TOML file, then the environment, then the command line.
//!
//! `CAREWIRE_<SECTION>__<KEY>` holds a value in TOML (`CAREWIRE_FETCH__ALLOW='["127.0.0.0/8"]'`), a top-level key is
//! `CAREWIRE_LISTEN`. Unknown keys are errors that name the key and where it stands.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use carewire_bus::{KafkaConfig, Secret};
use carewire_fetch::{FetchConfig, IpNet};
use carewire_ingest::{IngestConfig, ownership::OwnershipConfig, websub::WebsubConfig, youtube::YoutubeConfig};
use carewire_publish::{hub::HubConfig, push::PushConfig, streams::StreamsConfig};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};
use url::Url;

/// Everything that can be configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The data folder: the embedded database and log, and the search index.
    pub data: PathBuf,
    /// Address that HTTP is served on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// PostgreSQL, as `postgres://user:password@host/database`; without it the embedded database is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseUrl>,
    /// Kafka's brokers, `host:port` comma-separated; without them the embedded log is used. Details: `[bus]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kafka: Option<String>,
    /// The address under which this network is reached from outside; makes all absolute links, ids and mail links.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<Url>,
    /// Address ranges of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How requests to other people's servers are sent.
    pub fetch: FetchConfig,
    /// How feeds are polled.
    pub ingest: IngestConfig,
    /// How publishers' hubs are subscribed to.
    pub websub: WebsubConfig,
    /// How proofs of ownership are kept.
    pub ownership: OwnershipConfig,
    /// How YouTube is asked beside its feeds.
    pub youtube: YoutubeConfig,
    /// How streams are served.
    pub streams: StreamsConfig,
    /// What may be asked of the network's own hub.
    pub hub: HubConfig,
    /// How deliveries are made.
    pub push: PushConfig,
    /// The topics on Kafka and how to reach it.
    pub bus: BusConfig,
    /// Who mail is sent by.
    pub mail: MailConfig,
    /// What is known of conditions.
    pub conditions: ConditionsConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("carewire-data"),
            listen: None,
            database: None,
            kafka: None,
            public_url: None,
            trusted_proxies: Vec::new(),
            fetch: FetchConfig::default(),
            ingest: IngestConfig::default(),
            websub: WebsubConfig::default(),
            ownership: OwnershipConfig::default(),
            youtube: YoutubeConfig::default(),
            streams: StreamsConfig::default(),
            hub: HubConfig::default(),
            push: PushConfig::default(),
            bus: BusConfig::default(),
            mail: MailConfig::default(),
            conditions: ConditionsConfig::default(),
        }
    }
}

/// `[bus]`: topics, and what Kafka needs beside its brokers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusConfig {
    /// Partitions of each topic when it is created.
    pub partitions: i32,
    /// Replicas of each topic when it is created; Kafka only.
    pub replication: i32,
    /// Protocol, SASL and TLS; Kafka only.
    pub security: carewire_bus::Security,
    /// Further settings of librdkafka by its names; Kafka only.
    pub extra: carewire_bus::Extra,
}

impl Default for BusConfig {
    fn default() -> Self {
        let kafka = KafkaConfig::new("");
        Self { partitions: 8, replication: 1, security: kafka.security, extra: kafka.extra }
    }
}

/// `[mail]`: without a server, what would be mailed is shown to the operator.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// The SMTP server, as `smtps://user:password@host:465` or `smtp://host:587?tls=required`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<Secret>,
    /// The sender, as `Carewire <network@example.org>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// `[conditions]`: what is known of conditions beside the vocabulary that comes with the program.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConditionsConfig {
    /// An overlay of the vocabulary: a TOML file with names, conditions, and words that are not that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlay: Option<PathBuf>,
}

impl ConditionsConfig {
    /// Makes the process's vocabulary carry the overlay; to be called before anything is tagged or served.
    ///
    /// # Errors
    /// When the file cannot be read or is no overlay.
    pub fn install(&self) -> Result<()> {
        let Some(file) = &self.overlay else { return Ok(()) };
        let text = std::fs::read_to_string(file).with_context(|| format!("conditions.overlay: {}", file.display()))?;
        carewire_conditions::overlay::install(&text).with_context(|| format!("conditions.overlay: {}", file.display()))
    }
}

/// A database address; shown without its password.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(pub String);

impl DatabaseUrl {
    fn shown(&self) -> String {
        match Url::parse(&self.0) {
            Ok(mut url) if url.password().is_some() => {
                let _ = url.set_password(Some("hidden"));
                url.to_string()
            }
            Ok(url) => url.to_string(),
            Err(_) => "(not an address)".to_owned(),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

/// What the command line says of the configuration.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Overrides {
    /// Configuration file (TOML); without it `carewire.toml` in the data folder, where there is one
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Data folder
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// PostgreSQL in place of the embedded database
    #[arg(long, value_name = "URL", global = true)]
    pub database: Option<String>,
    /// Kafka in place of the embedded log: brokers, comma-separated
    #[arg(long, value_name = "BROKERS", global = true)]
    pub kafka: Option<String>,
}

impl Config {
    /// Reads what is in force.
    ///
    /// # Errors
    /// When a file cannot be read, a key is unknown or a value is wrong; the error names the key and its place.
    pub fn load(overrides: &Overrides) -> Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = Self::file(overrides) {
            if !file.is_file() {
                bail!("configuration file {} is not there", file.display());
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        figment = figment.merge(environment());
        let mut config: Self = figment.extract().map_err(explain)?;
        if let Some(data) = &overrides.data {
            config.data.clone_from(data);
        }
        if let Some(database) = &overrides.database {
            config.database = Some(DatabaseUrl(database.clone()));
        }
        if let Some(kafka) = &overrides.kafka {
            config.kafka = Some(kafka.clone());
        }
        config.check()?;
        Ok(config)
    }

    fn file(overrides: &Overrides) -> Option<PathBuf> {
        overrides.config.clone().or_else(|| {
            let data = overrides.data.clone().unwrap_or_else(|| Self::default().data);
            Some(data.join("carewire.toml")).filter(|file| file.is_file())
        })
    }

    /// What types cannot hold.
    fn check(&self) -> Result<()> {
        if let Some(url) = &self.public_url {
            if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
                bail!("public_url: `{url}` must be an http or https address, as https://carewire.example.org/");
            }
            if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
                bail!("public_url: `{url}` must have no query, fragment or user");
            }
        }
        if let Some(database) = &self.database
            && !(database.0.starts_with("postgres://") || database.0.starts_with("postgresql://"))
        {
            bail!("database: must begin with postgres:// (the embedded database needs no address, only `data`)");
        }
        if !(1..=1024).contains(&self.bus.partitions) {
            bail!("bus.partitions: {} must be between 1 and 1024", self.bus.partitions);
        }
        if self.bus.replication < 1 {
            bail!("bus.replication: {} must be 1 or more", self.bus.replication);
        }
        if self.mail.smtp.is_some() && self.mail.from.is_none() {
            bail!("mail.from: must be given beside mail.smtp, as \"Carewire <network@example.org>\"");
        }
        self.fetch.check()?;
        self.ingest.check().context("section [ingest]")?;
        self.websub.check().context("section [websub]")?;
        self.ownership.check().context("section [ownership]")?;
        self.youtube.check().context("section [youtube]")?;
        self.streams.check().context("section [streams]")?;
        self.hub.check().context("section [hub]")?;
        self.push.check().context("section [push]")?;
        Ok(())
    }

    /// The address that links are made of: `public_url`, else where we listen.
    #[must_use]
    pub fn base_url(&self, listening: SocketAddr) -> Url {
        self.public_url.clone().unwrap_or_else(|| local_url(listening))
    }

    /// The configuration as TOML, secrets hidden.
    ///
    /// # Errors
    /// When a value has no form in TOML.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// A path in the data folder.
    #[must_use]
    pub fn in_data(&self, name: impl AsRef<Path>) -> PathBuf {
        self.data.join(name)
    }
}

fn local_url(listening: SocketAddr) -> Url {
    let mut url = Url::parse("http://127.0.0.1/").unwrap_or_else(|_| unreachable!("a constant that is an address"));
    let ip = if listening.ip().is_unspecified() { [127, 0, 0, 1].into() } else { listening.ip() };
    let _ = url.set_ip_host(ip);
    let _ = url.set_port(Some(listening.port()));
    url
}

/// `CAREWIRE_…`, without what Kubernetes sets for a service that is named like us.
fn environment() -> Env {
    let service = |key: &str| {
        let key = key.to_ascii_uppercase();
        key == "PORT" || key.starts_with("PORT_") || key.starts_with("SERVICE_HOST") || key.starts_with("SERVICE_PORT")
    };
    Env::prefixed("CAREWIRE_")
        .filter(move |key| {
            let ignored =
                service(key.as_str()) || key.as_str().contains("_SERVICE_") || key.as_str().contains("_PORT_");
            if service(key.as_str()) {
                tracing::warn!(key = %key, "ignored: a variable that Kubernetes sets for a service, not a setting");
            }
            !ignored && !NOT_SETTINGS.contains(&key.as_str().to_ascii_uppercase().as_str())
        })
        .split("__")
}

/// Variables of the test tools, which share the prefix.
const NOT_SETTINGS: [&str; 5] = ["TEST_KAFKA", "TEST_POSTGRES", "SHARED_DATA", "CACHE", "CI"];

/// Figment's errors as one readable text: which key, where it stands, what would be right.
fn explain(errors: figment::Error) -> anyhow::Error {
    let lines: Vec<String> = errors
        .into_iter()
        .map(|error| {
            let key = error.path.join(".");
            let place = error.metadata.as_ref().map(|metadata| {
                metadata.source.as_ref().map_or_else(|| metadata.name.to_string(), ToString::to_string)
            });
            let key = if key.is_empty() { String::new() } else { format!("key `{key}`: ") };
            let place = place.map(|place| format!(" (in {place})")).unwrap_or_default();
            format!("configuration: {key}{}{place}", error.kind)
        })
        .collect();
    anyhow::anyhow!(lines.join("\n"))
}
