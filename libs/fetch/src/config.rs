//! The `[fetch]` section of the configuration.

use std::{fmt, path::PathBuf, time::Duration};

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as humane;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::net::IpNet;

/// How requests to other people's servers are sent. The defaults are such that a small network could keep them.
///
/// Durations are texts of number and unit: `"250ms"`, `"10s"`, `"1m 30s"`. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FetchConfig {
    /// Address ranges that may be fetched from although they are private or otherwise closed, as `"127.0.0.0/8"`.
    pub allow: Vec<IpNet>,
    /// Where a publisher can reach whoever runs this network: an `https` or `mailto` address, shown in the `User-Agent`.
    pub contact: Option<String>,
    /// How many subscribers the network's outputs have beside those that it counts itself, as feed readers state it in the `User-Agent`;
    /// 0 is left out.
    pub subscribers: u64,
    /// The largest body, as sent and as expanded, in bytes.
    pub max_body: u64,
    /// How many times its sent size a body may expand to; looked at only above 1 MiB expanded, since short texts may shrink a lot.
    pub max_ratio: u32,
    /// The largest response header (names and values), in bytes.
    pub max_header: u32,
    /// The largest number of header fields in a response.
    pub max_header_fields: u16,
    /// Limit on resolving, connecting and the TLS handshake.
    #[serde(with = "humane")]
    pub connect_timeout: Duration,
    /// Limit from sending the request to the end of the response's header.
    #[serde(with = "humane")]
    pub header_timeout: Duration,
    /// Limit on a pause in the body.
    #[serde(with = "humane")]
    pub idle_timeout: Duration,
    /// Limit on one whole exchange (one hop). A host's lease must last longer.
    #[serde(with = "humane")]
    pub total_timeout: Duration,
    /// How many redirects are followed.
    pub max_redirects: u8,
    /// The HTTP proxy that everything goes through, as `http://proxy.example:3128`. The proxy then resolves names and connects, and must
    /// itself keep requests from internal servers: what the name resolves to *here* is still checked, but only where it resolves here.
    /// The environment's proxy variables are not read.
    pub proxy: Option<ProxyUrl>,
    /// A PEM file with further certificate authorities, for networks that put one of their own in between. The usual ones are built in.
    pub ca_file: Option<PathBuf>,
    /// The least pause between two requests to one host. Kept by whoever holds the host's lease (ingest), not by this client.
    #[serde(with = "humane")]
    pub min_host_pause: Duration,
    /// How long an unused connection is kept.
    #[serde(with = "humane")]
    pub pool_idle: Duration,
    /// How long a resolved name is kept; at most 60 s, so that a publisher's move is seen.
    #[serde(with = "humane")]
    pub dns_cache: Duration,
}

impl Default for FetchConfig {
    fn default() -> FetchConfig {
        FetchConfig {
            allow: Vec::new(),
            contact: None,
            subscribers: 0,
            max_body: 16 << 20,
            max_ratio: 200,
            max_header: 64 << 10,
            max_header_fields: 200,
            connect_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(15),
            total_timeout: Duration::from_secs(60),
            max_redirects: 5,
            proxy: None,
            ca_file: None,
            min_host_pause: Duration::from_millis(250),
            pool_idle: Duration::from_secs(30),
            dns_cache: Duration::from_secs(60),
        }
    }
}

/// A proxy's address; a password in it is used, and never shown or written.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ProxyUrl(Url);

impl From<Url> for ProxyUrl {
    fn from(url: Url) -> ProxyUrl {
        ProxyUrl(url)
    }
}

impl std::ops::Deref for ProxyUrl {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() && url.set_password(Some("hidden")).is_err() {
            return f.write_str("(an address with a password)");
        }
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ProxyUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is wrong with a [`FetchConfig`]; each text names the key and says what would be right.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is out of its range.
    #[error("fetch.{key}: {message}")]
    Value {
        /// The key within `[fetch]`.
        key: &'static str,
        /// What would be right.
        message: String,
    },
    /// The TLS or HTTP library could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Setup(String),
}

impl FetchConfig {
    /// Checks what types cannot: ranges, schemes, characters.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, message: &str| Err(ConfigError::Value { key, message: message.to_owned() });
        for (key, value) in [
            ("connect_timeout", self.connect_timeout),
            ("header_timeout", self.header_timeout),
            ("idle_timeout", self.idle_timeout),
            ("total_timeout", self.total_timeout),
        ] {
            if value.is_zero() || value > Duration::from_secs(3600) {
                return wrong(key, "must be more than 0 and at most \"1h\"");
            }
        }
        if self.max_body == 0 || self.max_body > 1 << 30 {
            return wrong("max_body", "must be between 1 and 1073741824 bytes");
        }
        if self.max_ratio == 0 {
            return wrong("max_ratio", "must be at least 1");
        }
        if self.max_header < 1024 || self.max_header > 1 << 20 {
            return wrong("max_header", "must be between 1024 and 1048576 bytes");
        }
        if self.max_header_fields < 16 {
            return wrong("max_header_fields", "must be at least 16");
        }
        if self.dns_cache > Duration::from_secs(60) {
            return wrong("dns_cache", "must be at most \"60s\"");
        }
        if self.contact.as_ref().is_some_and(|contact| {
            contact.is_empty() || !contact.bytes().all(|b| b.is_ascii_graphic() && !b"()\\;".contains(&b))
        }) {
            return wrong(
                "contact",
                "must be an address such as https://example.org/about or mailto:feeds@example.org, without spaces or parentheses",
            );
        }
        if let Some(proxy) = &self.proxy
            && (!matches!(proxy.scheme(), "http" | "https") || proxy.host_str().is_none())
        {
            return wrong("proxy", "must be an address such as http://proxy.example:3128");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_ranges_are_humane_texts() {
        let config = FetchConfig::default();
        let text = serde_json::to_string(&config).unwrap();
        assert!(text.contains("\"connect_timeout\":\"10s\""), "{text}");
        assert_eq!(serde_json::from_str::<FetchConfig>(&text).unwrap(), config);
        let read: FetchConfig =
            serde_json::from_str(r#"{"allow":["127.0.0.0/8"],"total_timeout":"1m 30s","min_host_pause":"0s"}"#)
                .unwrap();
        assert_eq!(read.total_timeout, Duration::from_secs(90));
        assert_eq!(read.min_host_pause, Duration::ZERO);
        assert_eq!(read.allow[0].to_string(), "127.0.0.0/8");
    }

    #[test]
    fn the_proxys_password_is_not_shown() {
        let config: FetchConfig = serde_json::from_str(r#"{"proxy":"http://me:secret@proxy.example:3128"}"#).unwrap();
        assert_eq!(config.proxy.as_ref().and_then(|proxy| proxy.password()), Some("secret"));
        for shown in [format!("{config:?}"), serde_json::to_string(&config).unwrap()] {
            assert!(shown.contains("proxy.example") && !shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn wrong_keys_and_values_are_named() {
        for (json, part) in [
            (r#"{"alow":[]}"#, "unknown field `alow`"),
            (r#"{"allow":["localhost"]}"#, "`localhost` is no address range"),
        ] {
            let error = serde_json::from_str::<FetchConfig>(json).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        for (config, part) in [
            (FetchConfig { contact: Some("me (at) home".into()), ..FetchConfig::default() }, "fetch.contact"),
            (FetchConfig { total_timeout: Duration::ZERO, ..FetchConfig::default() }, "fetch.total_timeout"),
            (FetchConfig { proxy: Url::parse("ftp://x/").ok().map(ProxyUrl), ..FetchConfig::default() }, "fetch.proxy"),
            (FetchConfig { max_body: 0, ..FetchConfig::default() }, "fetch.max_body"),
        ] {
            let error = config.check().unwrap_err().to_string();
            assert!(error.starts_with(part), "{error}");
        }
    }
}
