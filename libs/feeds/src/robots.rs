//! `robots.txt`, as RFC 9309 means it.
//!
//! Read here rather than by a crate: those that exist either are no longer kept or bring a regular-expression engine for what
//! are two pages of rules.

use url::Url;

/// What of a file is read at most (RFC 9309, 2.5 asks for at least 500 KiB).
const MAX_BYTES: usize = 512 << 10;
/// Rules kept of one file; enough for any honest one.
const MAX_RULES: usize = 20_000;
/// Sitemaps kept of one file.
const MAX_SITEMAPS: usize = 1_000;

/// What a site lets one robot read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Robots {
    rules: Vec<Rule>,
    /// Sitemaps that the file names (sitemaps.org, "Specifying the Sitemap location"), as written; they hold for every robot.
    pub sitemaps: Vec<String>,
    /// `Crawl-delay` in seconds, which RFC 9309 does not know and many sites state: at most a day.
    pub crawl_delay_s: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    allow: bool,
    /// Normalised (RFC 9309, 2.2.2).
    pattern: String,
}

impl Robots {
    /// Everything is allowed: what a missing file means (RFC 9309, 2.3.1.3: 400–499).
    #[must_use]
    pub fn allow_all() -> Robots {
        Robots::default()
    }

    /// Nothing is allowed: what an unreachable file means (RFC 9309, 2.3.1.4: 500–599 and network errors).
    #[must_use]
    pub fn disallow_all() -> Robots {
        Robots { rules: vec![Rule { allow: false, pattern: "/".into() }], ..Robots::default() }
    }

    /// What an answer to a request for the file means: the file where the status is 2xx, everything for 4xx, nothing for the
    /// rest, and redirects that were not followed to their end mean everything (RFC 9309, 2.3.1).
    #[must_use]
    pub fn from_response(status: u16, body: &[u8], product: &str) -> Robots {
        match status {
            200..=299 => Robots::parse(body, product),
            300..=499 => Robots::allow_all(),
            _ => Robots::disallow_all(),
        }
    }

    /// Reads a file for the robot `product`, the name at the head of its `User-Agent` such as `Carewire`. Never fails: lines
    /// that cannot be read are passed over (RFC 9309, 2.2).
    #[must_use]
    pub fn parse(bytes: &[u8], product: &str) -> Robots {
        let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
        let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes));
        let product = product.to_ascii_lowercase();
        let mut own = Group::default();
        let mut others = Group::default();
        let mut sitemaps = Vec::new();
        // Whom the group being read is for, and whether it has had a rule: a `user-agent` after a rule begins the next.
        let (mut is_own, mut is_all, mut closed) = (false, false, false);
        for line in text.split(['\n', '\r']) {
            let line = line.split('#').next().unwrap_or_default();
            let Some((key, value)) = line.split_once(':') else { continue };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            match key.as_str() {
                "user-agent" | "useragent" | "user agent" => {
                    if closed {
                        (is_own, is_all, closed) = (false, false, false);
                    }
                    let name = agent_name(value);
                    is_all |= name == "*";
                    is_own |= !name.is_empty() && name == product;
                    own.named |= is_own;
                    others.named |= is_all;
                }
                "allow" | "disallow" => {
                    closed = true;
                    let pattern = normalised(value);
                    for group in [(is_own, &mut own), (is_all, &mut others)].into_iter().filter(|(on, _)| *on) {
                        // An empty value forbids nothing and allows nothing.
                        if !pattern.is_empty() && group.1.rules.len() < MAX_RULES {
                            group.1.rules.push(Rule { allow: key == "allow", pattern: pattern.clone() });
                        }
                    }
                }
                "crawl-delay" => {
                    let delay =
                        value.parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0).map(|s| s.min(86_400.0));
                    if is_own {
                        own.delay = own.delay.or(delay);
                    }
                    if is_all {
                        others.delay = others.delay.or(delay);
                    }
                }
                "sitemap" if !value.is_empty() && sitemaps.len() < MAX_SITEMAPS => sitemaps.push(value.to_owned()),
                _ => {}
            }
        }
        // Groups of one name are one group; only where none has our name the one for all holds (RFC 9309, 2.2.1).
        let group = if own.named { own } else { others };
        Robots { rules: group.rules, sitemaps, crawl_delay_s: group.delay }
    }

    /// Whether the page at `url` may be asked for. The longest pattern that matches decides; `allow` wins where two are as long
    /// (RFC 9309, 2.2.2). The file itself may always be.
    #[must_use]
    pub fn allows(&self, url: &Url) -> bool {
        if url.path() == "/robots.txt" {
            return true;
        }
        let target = normalised(&url[url::Position::BeforePath..url::Position::AfterQuery]);
        let matching = self.rules.iter().filter(|rule| matches(&rule.pattern, &target));
        matching.max_by_key(|rule| (rule.pattern.len(), rule.allow)).is_none_or(|rule| rule.allow)
    }
}

#[derive(Default)]
struct Group {
    named: bool,
    rules: Vec<Rule>,
    delay: Option<f64>,
}

/// The product token of a `user-agent` line: letters, `_` and `-`; what follows, such as a version, is left.
fn agent_name(value: &str) -> String {
    if value.starts_with('*') {
        return "*".to_owned();
    }
    let end = value.bytes().position(|b| !(b.is_ascii_alphabetic() || b == b'_' || b == b'-')).unwrap_or(value.len());
    value[..end].to_ascii_lowercase()
}

/// Percent-encoding made comparable: letters beyond ASCII encoded, hexadecimal digits in upper case, and what needs no encoding
/// decoded (RFC 9309, 2.2.2; RFC 3986, 6.2.2).
fn normalised(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let bytes = path.as_bytes();
    let hex = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let encoded = match bytes.get(at..at + 3) {
            Some([b'%', high, low]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        let (value, len) = encoded.map_or((byte, 1), |value| (value, 3));
        let unreserved = value.is_ascii_alphanumeric() || matches!(value, b'-' | b'.' | b'_' | b'~');
        if unreserved || (len == 1 && value.is_ascii_graphic()) {
            out.push(char::from(value));
        } else {
            out.push('%');
            for digit in [value >> 4, value & 15] {
                out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
        at += len;
    }
    out
}

/// Whether a pattern matches from the beginning of a path: `*` is any text, `$` at its end the end of the path (RFC 9309, 2.2.3).
/// Greedy from left to right, so never slower than pattern × path.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, anchored) = match pattern.strip_suffix('$') {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let mut pieces = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return !anchored || rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() && anchored {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(file: &str, path: &str) -> bool {
        let url = Url::parse("https://clinic.example").and_then(|u| u.join(path)).expect("an address");
        Robots::parse(file.as_bytes(), "Carewire").allows(&url)
    }

    #[test]
    fn rules_by_section_of_rfc_9309() {
        let table: &[(&str, &str, &str, bool)] = &[
            ("2.2.1 no group matches", "User-agent: other\nDisallow: /", "/a", true),
            ("2.2.1 the group for all", "User-agent: *\nDisallow: /a", "/a", false),
            (
                "2.2.1 one's own group alone holds",
                "User-agent: *\nDisallow: /\nUser-agent: carewire\nAllow: /",
                "/a",
                true,
            ),
            ("2.2.1 names without regard to case", "USER-AGENT: CAREWIRE\nDISALLOW: /a", "/a", false),
            ("2.2.1 only the product token counts", "User-agent: Carewire/1.0\nDisallow: /a", "/a", false),
            ("2.2.1 a longer name is another robot", "User-agent: carewirebot\nDisallow: /a", "/a", true),
            (
                "2.2.1 groups of one name are one",
                "User-agent: carewire\nDisallow: /a\n\nUser-agent: x\nDisallow: /\nUser-agent: carewire\nDisallow: /b",
                "/b",
                false,
            ),
            ("2.1 several names, one group", "User-agent: x\nUser-agent: carewire\nDisallow: /a", "/a", false),
            (
                "2.2.1 an own group without rules",
                "User-agent: *\nDisallow: /\nUser-agent: carewire\nDisallow:",
                "/a",
                true,
            ),
            ("2.2.2 the longest wins", "User-agent: *\nAllow: /a/b\nDisallow: /a", "/a/b/c", true),
            ("2.2.2 the longest wins, the other way", "User-agent: *\nAllow: /a\nDisallow: /a/b", "/a/b/c", false),
            ("2.2.2 allow wins among equals", "User-agent: *\nDisallow: /a\nAllow: /a", "/a", true),
            ("2.2.2 paths are compared with regard to case", "User-agent: *\nDisallow: /A", "/a", true),
            ("2.2.2 the query is compared too", "User-agent: *\nDisallow: /a?b=", "/a?b=1", false),
            ("2.2.2 encoded and plain are one", "User-agent: *\nDisallow: /caf%c3%a9", "/caf\u{e9}", false),
            ("2.2.2 plain in the file", "User-agent: *\nDisallow: /caf\u{e9}/%62ar", "/caf%C3%A9/bar", false),
            ("2.2.3 a star", "User-agent: *\nDisallow: /*/print", "/a/b/print?x", false),
            ("2.2.3 an end", "User-agent: *\nDisallow: /*.pdf$", "/a.pdf", false),
            ("2.2.3 an end that is none", "User-agent: *\nDisallow: /*.pdf$", "/a.pdf?x", true),
            ("2.2.3 a star and an end", "User-agent: *\nDisallow: /a*b$", "/a-b-b", false),
            ("2.2.3 an exact path", "User-agent: *\nDisallow: /a$", "/ab", true),
            ("2.2.4 the file itself", "User-agent: *\nDisallow: /", "/robots.txt", true),
            ("2.2 comments and blanks", "User-agent : * # all\n  Disallow : /a # no", "/a", false),
            (
                "2.2 other lines do not end a group",
                "User-agent: *\nSitemap: https://x.example/s.xml\nDisallow: /a",
                "/a",
                false,
            ),
            ("a rule before any group", "Disallow: /", "/a", true),
            ("carriage returns alone", "User-agent: *\rDisallow: /a", "/a", false),
            ("a mark at the head", "\u{FEFF}User-agent: *\nDisallow: /a", "/a", false),
            ("no robots.txt but a page", "<html><body>User-agent</body></html>", "/a", true),
        ];
        for (name, file, path, expected) in table {
            assert_eq!(allowed(file, path), *expected, "{name}");
        }
    }

    #[test]
    fn statuses_by_section_2_3_1() {
        let url = Url::parse("https://clinic.example/a").expect("an address");
        let file = b"User-agent: *\nDisallow: /a";
        for (status, expected) in
            [(200, false), (301, true), (404, true), (403, true), (429, true), (500, false), (503, false)]
        {
            assert_eq!(Robots::from_response(status, file, "Carewire").allows(&url), expected, "{status}");
        }
    }

    #[test]
    fn sitemaps_and_delay() {
        let file = "Sitemap: https://a.example/1.xml\nUser-agent: *\nCrawl-delay: 2.5\nsitemap:/2.xml\nUser-agent: carewire\nCrawl-delay: 1e99";
        let robots = Robots::parse(file.as_bytes(), "Carewire");
        assert_eq!(robots.sitemaps, ["https://a.example/1.xml", "/2.xml"]);
        assert_eq!(robots.crawl_delay_s, Some(86_400.0));
        assert_eq!(Robots::parse(file.as_bytes(), "other").crawl_delay_s, Some(2.5));
    }

    #[test]
    fn hostile_patterns_take_no_time() {
        let file = format!("User-agent: *\nDisallow: /{}x$", "*a".repeat(10_000));
        let path = format!("/{}", "a".repeat(20_000));
        let started = std::time::Instant::now();
        assert!(allowed(&file, &path));
        assert!(started.elapsed().as_secs() < 2);
    }
}
