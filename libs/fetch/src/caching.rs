//! What a server says about when to come back: `Retry-After` (RFC 9110 section 10.2.3) and freshness (RFC 9111).

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, header};
use jiff::Timestamp;

/// The longest time for which a host can send us away: a hostile or mistaken value must not lose a feed.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// How long the server asks to be left alone, at most [`MAX_RETRY_AFTER`].
///
/// `None` where there is no such header or it cannot be read. A date in the past is zero.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match delta_seconds(value) {
        Some(wait) => wait,
        None => until(http_date(value)?, now),
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// What a response's header says about its freshness, for a private cache (RFC 9111).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// How much longer the response is fresh: asking again before is useless. `None` where the server says nothing of it,
    /// zero where it is stale already or the value cannot be read (section 4.2.1).
    pub lifetime: Option<Duration>,
    /// `no-store`: the body must not be kept for answering others (section 5.2.2.5).
    pub no_store: bool,
    /// `no-cache`: to be asked for each time (section 5.2.2.4); then `lifetime` is zero.
    pub no_cache: bool,
}

/// Reads `Cache-Control: max-age`, `no-store` and `no-cache`, else `Expires` less `Date`, each less `Age` (sections 4.2.1 to 4.2.3, 5.3).
///
/// `s-maxage` is for shared caches, which we are not. `now` stands in for a missing `Date`.
pub fn cache_lifetime(headers: &HeaderMap, now: Timestamp) -> Freshness {
    let mut freshness = Freshness::default();
    let mut max_age: Option<Duration> = None;
    for value in headers.get_all(header::CACHE_CONTROL) {
        let Ok(value) = value.to_str() else { continue };
        for directive in value.split(',') {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" => freshness.no_store = true,
                // With an argument it speaks of single fields only.
                "no-cache" if argument.is_empty() => freshness.no_cache = true,
                "max-age" => {
                    let age = delta_seconds(argument.trim().trim_matches('"')).unwrap_or_default();
                    // Section 4.2.1: of several values, the most restrictive one.
                    max_age = Some(max_age.map_or(age, |other| other.min(age)));
                }
                _ => {}
            }
        }
    }
    let age = text(headers, header::AGE).and_then(delta_seconds).unwrap_or_default();
    let lifetime = max_age.or_else(|| {
        let expires = text(headers, header::EXPIRES)?;
        let date = text(headers, header::DATE).and_then(http_date).unwrap_or(now);
        // Section 5.3: an unreadable date, "0" above all, means already expired.
        Some(http_date(expires).map_or(Duration::ZERO, |expires| until(expires, date)))
    });
    freshness.lifetime = lifetime.map(|lifetime| lifetime.saturating_sub(age));
    if freshness.no_cache {
        freshness.lifetime = Some(Duration::ZERO);
    }
    freshness
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// RFC 9111 section 1.2.2: digits; what overflows is 2^31 seconds.
fn delta_seconds(text: &str) -> Option<Duration> {
    const MANY: u64 = 1 << 31;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(text.parse().map_or(MANY, |seconds: u64| seconds.min(MANY))))
}

/// RFC 9110 section 5.6.7: the fixed form and the two obsolete ones.
fn http_date(text: &str) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Timestamp::from_second(i64::try_from(since_epoch.as_secs()).ok()?).ok()
}

fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    fn now() -> Timestamp {
        "2026-11-23T20:00:00Z".parse().unwrap()
    }

    #[test]
    fn retry_after_in_seconds_and_dates() {
        for (value, seconds) in [
            ("120", Some(120)),
            (" 120 ", Some(120)),
            ("0", Some(0)),
            ("999999999999999999999999", Some(86_400)),
            ("Mon, 23 Nov 2026 20:05:00 GMT", Some(300)),
            ("Monday, 23-Nov-26 20:05:00 GMT", Some(300)),
            ("Mon Nov 23 20:05:00 2026", Some(300)),
            ("Mon, 23 Nov 2026 19:05:00 GMT", Some(0)),
            ("Fri, 23 Nov 2096 19:05:00 GMT", Some(86_400)),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
        ] {
            let wait = retry_after(&headers(&[("retry-after", value)]), now());
            assert_eq!(wait, seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now()), None);
    }

    #[test]
    fn freshness_by_section_of_rfc_9111() {
        let date = ("date", "Mon, 23 Nov 2026 20:00:00 GMT");
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<u64>);
        let table: &[Case<'_>] = &[
            ("nothing said", &[], None),
            ("5.2.2.1 max-age", &[("cache-control", "public, max-age=600")], Some(600)),
            ("5.2 quoted argument", &[("cache-control", "max-age=\"600\"")], Some(600)),
            ("5.2 names without regard to case", &[("cache-control", "Max-Age=600")], Some(600)),
            ("4.2.1 the most restrictive one", &[("cache-control", "max-age=600, max-age=60")], Some(60)),
            ("4.2.1 unreadable is stale", &[("cache-control", "max-age=ten")], Some(0)),
            ("5.2.2.10 s-maxage is not for us", &[("cache-control", "s-maxage=600")], None),
            ("5.1 Age", &[("cache-control", "max-age=600"), ("age", "100")], Some(500)),
            ("5.1 Age beyond", &[("cache-control", "max-age=600"), ("age", "700")], Some(0)),
            ("5.3 Expires", &[("expires", "Mon, 23 Nov 2026 21:00:00 GMT"), date], Some(3600)),
            (
                "5.3 Expires by the server's clock",
                &[("expires", "Mon, 23 Nov 2026 21:00:00 GMT"), ("date", "Mon, 23 Nov 2026 20:30:00 GMT")],
                Some(1800),
            ),
            ("5.3 Expires without Date", &[("expires", "Mon, 23 Nov 2026 21:00:00 GMT")], Some(3600)),
            ("5.3 Expires: 0", &[("expires", "0"), date], Some(0)),
            ("5.3 max-age before Expires", &[("expires", "0"), ("cache-control", "max-age=60")], Some(60)),
            ("5.2.2.4 no-cache", &[("cache-control", "no-cache, max-age=60")], Some(0)),
            ("5.2.2.4 no-cache of one field", &[("cache-control", "no-cache=\"set-cookie\", max-age=60")], Some(60)),
            ("1.2.2 overflow", &[("cache-control", "max-age=99999999999999999999")], Some(1 << 31)),
        ];
        for (name, lines, seconds) in table {
            let freshness = cache_lifetime(&headers(lines), now());
            assert_eq!(freshness.lifetime, seconds.map(Duration::from_secs), "{name}");
        }
        assert!(cache_lifetime(&headers(&[("cache-control", "no-store")]), now()).no_store);
    }
}
