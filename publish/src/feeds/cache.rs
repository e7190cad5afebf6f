//! Rendered feeds, kept until something in them changes.
//!
//! Two maps: slots by canonical address, bounded by their bytes; and, so that a request need not even be parsed, slots
//! by the address as it was asked. A slot is checked against the change rows that came since; one task at a time
//! renders it anew.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use carewire_query::Query;
use carewire_schemas::ChangeSeq;
use http::{HeaderMap, HeaderValue, header};
use moka::future::Cache as Moka;
use tokio::sync::{Mutex, OnceCell};

use super::{
    FeedsState, Problem,
    address::{Address, Part},
    build::{Built, touches},
    metrics, opml,
    topic::hub_links,
};

/// Spellings of addresses that are remembered.
const ALIASES: u64 = 20_000;
/// Longest spelling that is remembered, in bytes.
const LONGEST_ALIAS: usize = 1_000;
/// A feed that changes all the time is rendered at most for this part (1/n) of the time; what leaves it does not wait.
const RENDER_SHARE: u32 = 4;
/// Longest that a change waits because of that.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// How a body is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Brotli,
}

/// The bodies of a feed as of a number of the sequence.
pub(super) struct Rendered {
    pub identity: Form,
    gzip: OnceCell<Form>,
    brotli: OnceCell<Form>,
    /// Seconds since the epoch, where it is known when the body last changed.
    pub last_modified: Option<u64>,
    /// Changes up to this number are taken into account.
    pub checked: AtomicI64,
    cost: Duration,
    at: Instant,
}

/// A body in one encoding with the headers of its answer.
pub(super) struct Form {
    pub body: Bytes,
    pub etag: HeaderValue,
    pub headers: HeaderMap,
}

/// A place for one address.
pub(super) struct Slot {
    pub address: Address,
    rendered: ArcSwapOption<Rendered>,
    rendering: Mutex<()>,
    bytes: AtomicUsize,
}

/// All of it.
pub(super) struct Cache {
    slots: Moka<String, Arc<Slot>>,
    aliases: Moka<String, Weak<Slot>>,
}

impl Cache {
    pub fn new(bytes: u64) -> Self {
        let weigh = |key: &String, slot: &Arc<Slot>| {
            u32::try_from(key.len() + 1_000 + slot.bytes.load(Ordering::Relaxed)).unwrap_or(u32::MAX)
        };
        Self {
            slots: Moka::builder().weigher(weigh).max_capacity(bytes).build(),
            aliases: Moka::builder().max_capacity(ALIASES).build(),
        }
    }

    /// The slot of an address as it was asked before.
    pub async fn by_alias(&self, asked: &str) -> Option<Arc<Slot>> {
        self.aliases.get(asked).await?.upgrade()
    }

    /// The slot of an address, made when there is none, and remembered by the way it was asked.
    pub async fn slot(&self, asked: &str, address: Address) -> Arc<Slot> {
        let key = address.key();
        let fresh = || Slot {
            address,
            rendered: ArcSwapOption::empty(),
            rendering: Mutex::new(()),
            bytes: AtomicUsize::new(0),
        };
        let slot = self.slots.get_with_by_ref(&key, async { Arc::new(fresh()) }).await;
        if asked.len() <= LONGEST_ALIAS {
            self.aliases.insert(asked.to_owned(), Arc::downgrade(&slot)).await;
        }
        slot
    }

    /// Notes that a slot has other bytes now.
    async fn weigh(&self, slot: &Arc<Slot>) {
        self.slots.insert(slot.address.key(), Arc::clone(slot)).await;
        metrics::CACHE_BYTES.set(i64::try_from(self.slots.weighted_size()).unwrap_or(i64::MAX));
    }

    async fn forget(&self, slot: &Slot) {
        self.slots.invalidate(&slot.address.key()).await;
    }
}

impl Slot {
    /// What is there, if nothing has changed since.
    pub fn fresh(&self, current: ChangeSeq) -> Option<Arc<Rendered>> {
        self.rendered.load_full().filter(|rendered| rendered.checked.load(Ordering::Acquire) >= current)
    }
}

impl FeedsState {
    /// The feed of a slot as of now: what is there where nothing concerns it, else rendered anew.
    pub(super) async fn rendered(&self, slot: &Arc<Slot>) -> Result<Arc<Rendered>, Problem> {
        if let Some(rendered) = slot.fresh(self.current()) {
            metrics::HITS.inc();
            return Ok(rendered);
        }
        let _rendering = slot.rendering.lock().await;
        // Whoever held the lock may have done it.
        let current = self.current();
        if let Some(rendered) = slot.fresh(current) {
            return Ok(rendered);
        }
        let recent = self.inner.index.recent();
        if let Err(error) = recent.advance(&self.inner.store, current).await {
            // A feed of a moment ago is better than none.
            return match slot.rendered.load_full() {
                Some(stale) => {
                    tracing::warn!(%error, "the change log cannot be read: a feed is served as it was");
                    Ok(stale)
                }
                None => Err(error.into()),
            };
        }
        if let Some(old) = slot.rendered.load_full()
            && self.still_good(slot, &old, recent.tip().max(current))
        {
            metrics::HITS.inc();
            return Ok(old);
        }
        let started = Instant::now();
        let built = match &slot.address {
            Address::Feed(address) => self.build(address).await,
            Address::Opml => opml::build(self).await,
        };
        let built = match built {
            Ok(built) => built,
            Err(problem) => {
                self.inner.cache.forget(slot).await;
                return Err(problem);
            }
        };
        metrics::RENDER_SECONDS.observe(started.elapsed().as_secs_f64());
        let rendered = Arc::new(Rendered::new(&slot.address, &self.inner.base, built, started.elapsed()));
        slot.bytes.store(rendered.identity.body.len(), Ordering::Relaxed);
        slot.rendered.store(Some(Arc::clone(&rendered)));
        self.inner.cache.weigh(slot).await;
        Ok(rendered)
    }

    /// Whether what was rendered may be served at `tip`: no change since concerns it, or it was rendered so lately
    /// that it would be rendered all the time.
    fn still_good(&self, slot: &Slot, old: &Rendered, tip: ChangeSeq) -> bool {
        let checked = old.checked.load(Ordering::Acquire);
        let lately = old.at.elapsed() < (old.cost * RENDER_SHARE).min(LONGEST_WAIT);
        // Too much has changed to walk through, or the index is being built: the feed is rendered, if not all the time.
        let Some(rows) = self.inner.index.recent().between(checked, tip) else { return lately };
        let query = match &slot.address {
            Address::Feed(feed) => feed.subject.query(),
            Address::Opml => Query::default(),
        };
        let mut gone = false;
        let mut touched = false;
        for row in &rows {
            let how = match &slot.address {
                Address::Opml => opml::touches(row),
                Address::Feed(feed) => match feed.part {
                    // Into a complete range of numbers nothing new comes.
                    Part::Archive(_) if row.before.is_none() && row.version <= 1 => None,
                    _ => touches(row, &query, self),
                },
            };
            touched |= how.is_some();
            gone |= how == Some(true);
            if gone {
                return false;
            }
        }
        if !touched {
            // Only forward: another task may have checked further.
            old.checked.fetch_max(tip, Ordering::AcqRel);
            return true;
        }
        lately
    }

    /// The body in an encoding, made at the first request for it.
    pub(super) async fn form<'a>(&self, slot: &Arc<Slot>, rendered: &'a Rendered, encoding: Encoding) -> &'a Form {
        let cell = match encoding {
            Encoding::Identity => return &rendered.identity,
            Encoding::Gzip => &rendered.gzip,
            Encoding::Brotli => &rendered.brotli,
        };
        if let Some(form) = cell.get() {
            return form;
        }
        let made = cell
            .get_or_try_init(|| async {
                let body = rendered.identity.body.clone();
                let packed = tokio::task::spawn_blocking(move || compress(&body, encoding)).await;
                let packed = packed.ok().flatten().ok_or(())?;
                slot.bytes.fetch_add(packed.len(), Ordering::Relaxed);
                self.inner.cache.weigh(slot).await;
                Ok::<_, ()>(rendered.identity.encoded(packed, encoding))
            })
            .await;
        // Without the compressed form the plain one is right too.
        made.unwrap_or(&rendered.identity)
    }
}

impl Rendered {
    fn new(address: &Address, base: &str, built: Built, cost: Duration) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_128(&built.body);
        let (media_type, max_age) = match address {
            Address::Feed(feed) => {
                (feed.format.media_type(), if matches!(feed.part, Part::Archive(_)) { 3_600 } else { 60 })
            }
            Address::Opml => ("text/x-opml; charset=utf-8", 60),
        };
        let last_modified = built.updated.and_then(|updated| u64::try_from(updated.as_second()).ok());
        let text = |value: String| HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static(""));
        let etag = text(format!("\"{hash:032x}\""));
        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::ETAG, etag.clone());
        if let Some(seconds) = last_modified {
            let system = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
            headers.insert(header::LAST_MODIFIED, text(httpdate::fmt_http_date(system)));
        }
        headers.insert(header::CACHE_CONTROL, text(format!("public, max-age={max_age}")));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag, link"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // WebSub, section 4: who wants to be told of changes finds hub and topic here.
        if let Address::Feed(feed) = address
            && feed.part == Part::Newest
        {
            headers.insert(header::LINK, text(hub_links(base, &feed.url(base))));
        }
        Self {
            identity: Form { body: built.body.into(), etag, headers },
            gzip: OnceCell::new(),
            brotli: OnceCell::new(),
            last_modified,
            checked: AtomicI64::new(built.checked),
            cost,
            at: Instant::now(),
        }
    }
}

impl Form {
    /// The same answer in another encoding, with an entity tag of its own (RFC 9110 §8.8.3.3).
    fn encoded(&self, body: Vec<u8>, encoding: Encoding) -> Self {
        let (name, suffix) = match encoding {
            Encoding::Identity => ("identity", ""),
            Encoding::Gzip => ("gzip", "-gz"),
            Encoding::Brotli => ("br", "-br"),
        };
        let plain = self.etag.to_str().unwrap_or_default().trim_end_matches('"');
        let etag = HeaderValue::from_str(&format!("{plain}{suffix}\"")).unwrap_or_else(|_| self.etag.clone());
        let mut headers = self.headers.clone();
        headers.insert(header::ETAG, etag.clone());
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        Self { body: body.into(), etag, headers }
    }
}

/// Packed once and sent often: worth a good level.
fn compress(body: &[u8], encoding: Encoding) -> Option<Vec<u8>> {
    use std::io::Write;
    match encoding {
        Encoding::Identity => Some(body.to_vec()),
        Encoding::Gzip => {
            let mut writer =
                flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 4), flate2::Compression::new(6));
            writer.write_all(body).ok()?;
            writer.finish().ok()
        }
        Encoding::Brotli => {
            let parameters = brotli::enc::BrotliEncoderParams { quality: 5, lgwin: 20, ..Default::default() };
            let mut out = Vec::with_capacity(body.len() / 4);
            brotli::BrotliCompress(&mut &*body, &mut out, &parameters).ok()?;
            Some(out)
        }
    }
}
