//! Feeds in every format, written by hand so that no code of the product helps to make what it reads.

use super::publisher::{Asked, Reply};

/// An entry of a sandbox feed.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Unique among the tests' entries; the last part of its address.
    pub id: String,
    /// Title.
    pub title: String,
    /// Text in HTML.
    pub html: String,
    /// RFC 3339.
    pub published: String,
}

impl Entry {
    /// One of yesterday's.
    pub fn new(id: &str, title: &str, html: &str) -> Self {
        Self { id: id.to_owned(), title: title.to_owned(), html: html.to_owned(), published: hours_ago(24) }
    }

    fn link(&self, site: &str) -> String {
        format!("{site}/articles/{}", self.id)
    }
}

/// That many hours ago, as RFC 3339.
pub fn hours_ago(hours: i64) -> String {
    let now = jiff::Timestamp::now();
    let then = now.checked_sub(jiff::SignedDuration::from_hours(hours)).unwrap();
    jiff::Timestamp::from_second(then.as_second()).unwrap().to_string()
}

/// Escapes text for XML.
pub fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn mail_date(rfc3339: &str) -> String {
    let time: jiff::Timestamp = rfc3339.parse().unwrap();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// RSS 2.0 with the text in `content:encoded`.
pub fn rss2(site: &str, title: &str, entries: &[Entry]) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><channel>\
         <title>{}</title><link>{site}</link><description>News</description><language>en</language>\n",
        xml(title)
    );
    for entry in entries {
        out.push_str(&format!(
            "<item><title>{}</title><link>{link}?utm_source=rss</link><guid isPermaLink=\"false\">{}</guid><pubDate>{}</pubDate>\
             <content:encoded><![CDATA[{}]]></content:encoded></item>\n",
            xml(&entry.title), entry.id, mail_date(&entry.published), entry.html, link = entry.link(site),
        ));
    }
    out + "</channel></rss>\n"
}

/// RSS 0.91: no guid, no content module.
pub fn rss091(site: &str, title: &str, entries: &[Entry]) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\"?>\n<rss version=\"0.91\"><channel><title>{}</title><link>{site}</link><description>News</description><language>en</language>\n",
        xml(title)
    );
    for entry in entries {
        out.push_str(&format!(
            "<item><title>{}</title><link>{}</link><description>{}</description></item>\n",
            xml(&entry.title),
            entry.link(site),
            xml(&entry.html)
        ));
    }
    out + "</channel></rss>\n"
}

/// RSS 1.0 (RDF).
pub fn rss1(site: &str, title: &str, entries: &[Entry]) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\"?>\n<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns=\"http://purl.org/rss/1.0/\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel rdf:about=\"{site}/feed\"><title>{}</title><link>{site}</link><description>News</description></channel>\n",
        xml(title)
    );
    for entry in entries {
        out.push_str(&format!(
            "<item rdf:about=\"{link}\"><title>{}</title><link>{link}</link><description>{}</description><dc:date>{}</dc:date></item>\n",
            xml(&entry.title), xml(&entry.html), entry.published, link = entry.link(site)
        ));
    }
    out + "</rdf:RDF>\n"
}

/// Atom 1.0; `deleted` are entries that the publisher has withdrawn (RFC 6721).
pub fn atom(site: &str, title: &str, entries: &[Entry], deleted: &[&Entry]) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" xml:lang=\"en\">\
         <title>{}</title><id>{site}/</id><link href=\"{site}/\"/><updated>{}</updated>\n",
        xml(title),
        hours_ago(0)
    );
    for entry in deleted {
        out.push_str(&format!("<at:deleted-entry ref=\"{}\" when=\"{}\"/>\n", entry.link(site), hours_ago(0)));
    }
    for entry in entries {
        out.push_str(&format!(
            "<entry><title>{}</title><id>{link}</id><link href=\"{link}\"/><published>{when}</published><updated>{when}</updated><content type=\"html\">{}</content></entry>\n",
            xml(&entry.title), xml(&entry.html), link = entry.link(site), when = entry.published
        ));
    }
    out + "</feed>\n"
}

/// JSON Feed 1.1.
pub fn json(site: &str, title: &str, entries: &[Entry]) -> String {
    let items: Vec<_> = entries
        .iter()
        .map(|entry| {
            serde_json::json!({"id": entry.link(site), "url": entry.link(site), "title": entry.title,
                "content_html": entry.html, "date_published": entry.published})
        })
        .collect();
    serde_json::json!({"version": "https://jsonfeed.org/version/1.1", "title": title, "home_page_url": site, "language": "en", "items": items})
        .to_string()
}

/// A channel in YouTube's form; the entries' ids are video ids.
pub fn youtube(channel: &str, title: &str, entries: &[Entry]) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" xmlns:media=\"http://search.yahoo.com/mrss/\" \
         xmlns=\"http://www.w3.org/2005/Atom\"><id>yt:channel:{channel}</id><yt:channelId>{channel}</yt:channelId><title>{}</title>\n",
        xml(title)
    );
    for entry in entries {
        out.push_str(&format!(
            "<entry><id>yt:video:{id}</id><yt:videoId>{id}</yt:videoId><yt:channelId>{channel}</yt:channelId><title>{title}</title>\
             <link rel=\"alternate\" href=\"https://www.youtube.com/watch?v={id}\"/><published>{when}</published><updated>{when}</updated>\
             <media:group><media:title>{title}</media:title><media:thumbnail url=\"https://i1.ytimg.com/vi/{id}/hqdefault.jpg\" width=\"480\" height=\"360\"/>\
             <media:description>{text}</media:description></media:group></entry>\n",
            id = entry.id, title = xml(&entry.title), text = xml(&entry.html), when = entry.published
        ));
    }
    out + "</feed>\n"
}

/// An answer with an `ETag` made of the body, and 304 for who knows it.
pub fn conditional(asked: &Asked, content_type: &str, body: String) -> Reply {
    let sum = body.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let etag = format!("\"{sum:x}\"");
    if asked.header("if-none-match") == Some(&etag) {
        return Reply::status(304).with("etag", &etag);
    }
    Reply::ok(content_type, body).with("etag", &etag)
}

/// Text of so many words that shares no phrase with other seeds' texts: two entries of it are never near-duplicates.
pub fn words(seed: u64, count: usize) -> String {
    const WORDS: [&str; 64] = [
        "river", "garden", "window", "letter", "market", "silver", "bridge", "candle", "winter", "summer", "meadow",
        "carpet", "engine", "planet", "orange", "button", "basket", "castle", "guitar", "hammer", "island", "jacket",
        "kettle", "ladder", "mirror", "needle", "office", "pencil", "quarry", "rocket", "saddle", "ticket", "valley",
        "wallet", "yellow", "zipper", "anchor", "barrel", "copper", "dragon", "eleven", "forest", "golden", "harbor",
        "insect", "jungle", "kitten", "lemon", "marble", "napkin", "oyster", "parrot", "rabbit", "salmon", "tunnel",
        "uncle", "violin", "walnut", "cotton", "dinner", "fabric", "gravel", "helmet", "ivory",
    ];
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count).map(|_| WORDS[random.usize(..WORDS.len())]).collect::<Vec<_>>().join(" ")
}
