//! What the reader takes from each format and vocabulary, one construct a line; and that every repair has its name.

use carewire_feeds::{Context, Format, Parsed, parse, report};
use serde_json::Value;
use std::fmt::Write as _;
use url::Url;

fn read(text: &str) -> Parsed {
    let url = Url::parse("https://clinic.example/a/feed.xml").expect("an address");
    parse(text.as_bytes(), &Context { url: Some(&url), ..Context::default() })
}

const RSS: &str = "<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:dcterms='http://purl.org/dc/terms/' \
    xmlns:content='http://purl.org/rss/1.0/modules/content/' xmlns:media='http://search.yahoo.com/mrss/' \
    xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd' xmlns:podcast='https://podcastindex.org/namespace/1.0' \
    xmlns:sy='http://purl.org/rss/1.0/modules/syndication/' xmlns:cc='http://backend.userland.com/creativeCommonsRssModule' \
    xmlns:atom='http://www.w3.org/2005/Atom' xmlns:thr='http://purl.org/syndication/thread/1.0' \
    xmlns:fh='http://purl.org/syndication/history/1.0' xmlns:slash='http://purl.org/rss/1.0/modules/slash/' \
    xmlns:schema='https://schema.org/'><channel>";
const ATOM: &str = "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:fh='http://purl.org/syndication/history/1.0' \
    xmlns:thr='http://purl.org/syndication/thread/1.0' xmlns:yt='http://www.youtube.com/xml/schemas/2015' \
    xmlns:media='http://search.yahoo.com/mrss/' xmlns:at='http://purl.org/atompub/tombstones/1.0'>";

fn channel(inside: &str) -> String {
    format!("{RSS}{inside}</channel></rss>")
}

fn item(inside: &str) -> String {
    channel(&format!("<item>{inside}</item>"))
}

fn atom(inside: &str) -> String {
    format!("{ATOM}{inside}</feed>")
}

fn entry(inside: &str) -> String {
    atom(&format!("<entry>{inside}</entry>"))
}

fn json(feed: &str) -> String {
    format!("{{\"version\":\"https://jsonfeed.org/version/1.1\",{feed}}}")
}

#[test]
fn formats_are_told_apart() {
    for (text, format) in [
        (
            "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://my.netscape.com/rdf/simple/0.9/'><channel/></rdf:RDF>",
            Format::Rss090,
        ),
        ("<rss version='0.91'><channel/></rss>", Format::Rss091),
        ("<rss version='0.92'><channel/></rss>", Format::Rss092),
        ("<rss version='0.94'><channel/></rss>", Format::Rss092),
        (
            "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><channel/></rdf:RDF>",
            Format::Rss10,
        ),
        ("<rss version='2.0'><channel/></rss>", Format::Rss20),
        ("<rss><channel/></rss>", Format::Rss20),
        ("<feed version='0.3' xmlns='http://purl.org/atom/ns#'/>", Format::Atom03),
        ("<feed xmlns='http://www.w3.org/2005/Atom'/>", Format::Atom10),
        ("{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[]}", Format::JsonFeed10),
        ("{\"version\":\"https://jsonfeed.org/version/1.1\",\"items\":[]}", Format::JsonFeed11),
        ("<html><head/></html>", Format::Html),
        ("<opml version='2.0'/>", Format::Unknown),
        ("{\"a\":1}", Format::Unknown),
    ] {
        assert_eq!(read(text).format, format, "{text}");
    }
}

/// Name, document, where in the report, what stands there.
type Case = (&'static str, String, &'static str, &'static str);

#[test]
fn constructs_by_vocabulary() {
    let cases: Vec<Case> = vec![
        // RSS 2.0
        ("RSS title, as text", item("<title>A &amp;lt; B</title>"), "/entries/0/title", "A &lt; B"),
        ("RSS guid is a permalink unless said otherwise", item("<guid>https://clinic.example/1</guid>"), "/entries/0/url", "https://clinic.example/1"),
        ("RSS guid that is none", item("<guid isPermaLink='false'>https://clinic.example/1</guid>"), "/entries/0/url", "null"),
        ("RSS link against the feed", item("<link>../b</link>"), "/entries/0/url", "https://clinic.example/b"),
        ("RSS ttl", channel("<ttl>90</ttl>"), "/feed/ttl_minutes", "90"),
        ("RSS skipHours", channel("<skipHours><hour>3</hour><hour>24</hour></skipHours>"), "/feed/skip_hours", "[3,0]"),
        ("RSS skipDays", channel("<skipDays><day>Sunday</day></skipDays>"), "/feed/skip_days", "[\"Sunday\"]"),
        ("RSS source", item("<source url='https://o.example/f'>Other</source>"), "/entries/0/source/url", "https://o.example/f"),
        ("RSS author is a mail address", item("<author>ann@clinic.example (Ann)</author>"), "/entries/0/authors/0/name", "Ann"),
        ("RSS enclosure", item("<enclosure url='a.mp3' type='audio/mpeg' length='7'/>"), "/entries/0/media/0/url", "https://clinic.example/a/a.mp3"),
        ("RSS comments", item("<comments>https://clinic.example/c</comments>"), "/entries/0/comments_url", "https://clinic.example/c"),
        ("syndication", channel("<sy:updatePeriod>Hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>"), "/feed/update_period", "hourly"),
        ("content:encoded beside a description", item("<description>short</description><content:encoded>&lt;p&gt;long&lt;/p&gt;</content:encoded>"), "/entries/0/content", "<p>long</p>"),
        // Dublin Core
        ("dc:creator", item("<dc:creator>Ann</dc:creator>"), "/entries/0/authors/0/name", "Ann"),
        ("dc:date", item("<dc:date>2026-01-02</dc:date>"), "/entries/0/published", "2026-01-02T00:00:00Z"),
        ("dc:subject", item("<dc:subject>heart</dc:subject>"), "/entries/0/categories/0/term", "heart"),
        ("dc:language", item("<dc:language>es_MX</dc:language>"), "/entries/0/language", "es-MX"),
        ("dcterms:modified", item("<dcterms:modified>2026-01-02</dcterms:modified>"), "/entries/0/updated", "2026-01-02T00:00:00Z"),
        ("dcterms:valid", item("<dcterms:valid>start=2026-01-02; end=2027-01-02</dcterms:valid>"), "/entries/0/expires", "2027-01-02T00:00:00Z"),
        ("dcterms:license", item("<dcterms:license>https://cc.example/by</dcterms:license>"), "/entries/0/licence", "https://cc.example/by"),
        // Creative Commons
        ("creativeCommons:license of the feed", channel("<cc:license>https://cc.example/by</cc:license>"), "/feed/licence", "https://cc.example/by"),
        ("rel=license", entry("<link rel='license' href='https://cc.example/by'/>"), "/entries/0/licence", "https://cc.example/by"),
        // schema.org
        ("schema:lastReviewed", item("<schema:lastReviewed>2026-01-02</schema:lastReviewed>"), "/entries/0/reviewed", "2026-01-02T00:00:00Z"),
        ("review dates in the text", item("<description>&lt;p&gt;Page last reviewed: 2 January 2026&lt;br&gt;Next review due: 2 January 2029</description>"), "/entries/0/next_review", "2029-01-02T00:00:00Z"),
        // Media RSS
        ("media:content", item("<media:content url='v.mp4' medium='video' duration='61' width='640'><media:title>Film</media:title></media:content>"), "/entries/0/media/0/duration_s", "61.0"),
        ("media:group shares its title", item("<media:group><media:title>Film</media:title><media:content url='v.mp4'/></media:group>"), "/entries/0/media/0/title", "Film"),
        ("media:thumbnail", item("<media:thumbnail url='t.jpg' width='9'/>"), "/entries/0/media/0/is_thumbnail", "true"),
        ("media:description where there is no other", item("<media:description>words</media:description>"), "/entries/0/summary", "words"),
        // iTunes and Podcasting 2.0
        ("itunes:new-feed-url", channel("<itunes:new-feed-url>https://new.example/f</itunes:new-feed-url>"), "/feed/new_feed_url", "https://new.example/f"),
        ("itunes:duration", item("<itunes:duration>1:01:01</itunes:duration>"), "/entries/0/itunes/duration_s", "3661.0"),
        ("itunes:category, nested", channel("<itunes:category text='Health'><itunes:category text='Medicine'/></itunes:category>"), "/feed/categories/1/term", "Medicine"),
        ("itunes:owner", channel("<itunes:owner><itunes:email>o@clinic.example</itunes:email></itunes:owner>"), "/feed/itunes/owner/email", "o@clinic.example"),
        ("podcast:guid", channel("<podcast:guid>917393e3</podcast:guid>"), "/feed/podcast_guid", "917393e3"),
        ("podcast:transcript", item("<podcast:transcript url='t.vtt' type='text/vtt' language='en'/>"), "/entries/0/transcripts/0/url", "https://clinic.example/a/t.vtt"),
        ("podcast:txt of any purpose", channel("<podcast:txt>hello</podcast:txt><podcast:txt purpose='verify'>token</podcast:txt>"), "/feed/podcast_txt", "[[null,\"hello\"],[\"verify\",\"token\"]]"),
        // Atom
        ("Atom text is text", entry("<title>a &lt;b&gt;</title>"), "/entries/0/title", "a <b>"),
        ("Atom html", entry("<title type='html'>a &lt;b&gt;c&lt;/b&gt;</title>"), "/entries/0/title_type", "html"),
        ("Atom xhtml without its div", entry("<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>x</p></div></content>"), "/entries/0/content", "<p>x</p>"),
        ("Atom link of HTML before others", entry("<link href='x.pdf' type='application/pdf'/><link href='x' type='text/html'/>"), "/entries/0/url", "https://clinic.example/a/x"),
        ("xml:base, nested", atom("<entry xml:base='/b/'><link href='c/d' xml:base='x/'/></entry>"), "/entries/0/url", "https://clinic.example/b/x/c/d"),
        ("xml:lang", atom("<entry xml:lang='de'><title>x</title></entry>"), "/entries/0/language", "de"),
        ("Atom source", entry("<source><id>urn:o</id><title>O</title></source>"), "/entries/0/source/id", "urn:o"),
        ("Atom content elsewhere", entry("<content src='x.pdf' type='application/pdf'/>"), "/entries/0/media/0/url", "https://clinic.example/a/x.pdf"),
        ("rel=via", entry("<link rel='via' href='https://o.example/1'/>"), "/entries/0/source/url", "https://o.example/1"),
        ("rel=self", atom("<link rel='self' href='feed.xml'/>"), "/feed/self_url", "https://clinic.example/a/feed.xml"),
        ("rel=hub, several", atom("<link rel='hub' href='https://h.example/1'/><link rel='hub' href='https://h.example/2'/>"), "/feed/hubs", "[\"https://h.example/1\",\"https://h.example/2\"]"),
        ("hub in RSS", channel("<atom:link rel='hub' href='https://h.example/1'/>"), "/feed/hubs", "[\"https://h.example/1\"]"),
        ("threading", entry("<thr:in-reply-to ref='tag:x'/>"), "/entries/0/in_reply_to", "[\"tag:x\"]"),
        ("rel=replies", entry("<link rel='replies' href='c.atom'/>"), "/entries/0/comments_feed", "https://clinic.example/a/c.atom"),
        ("Atom 0.3 mode", "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><entry><content type='text/html' mode='escaped'>&lt;p&gt;x&lt;/p&gt;</content></entry></feed>".into(), "/entries/0/content", "<p>x</p>"),
        ("Atom 0.3 dates", "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><entry><issued>2026-01-02</issued></entry></feed>".into(), "/entries/0/published", "2026-01-02T00:00:00Z"),
        // RFC 5005
        ("5005, 2 complete", atom("<fh:complete/>"), "/feed/complete", "true"),
        ("5005, 3 next", atom("<link rel='next' href='?p=2'/>"), "/feed/next_url", "https://clinic.example/a/feed.xml?p=2"),
        ("5005, 3 previous", atom("<link rel='previous' href='?p=1'/>"), "/feed/previous_url", "https://clinic.example/a/feed.xml?p=1"),
        ("5005, 4 archive", atom("<fh:archive/>"), "/feed/archive", "true"),
        ("5005, 4 prev-archive", atom("<link rel='prev-archive' href='2025.xml'/>"), "/feed/prev_archive", "https://clinic.example/a/2025.xml"),
        ("5005, 4 next-archive", atom("<link rel='next-archive' href='2026.xml'/>"), "/feed/next_archive", "https://clinic.example/a/2026.xml"),
        ("5005, 4 current", atom("<link rel='current' href='feed.xml'/>"), "/feed/current_url", "https://clinic.example/a/feed.xml"),
        ("5005 in RSS", channel("<fh:archive/><atom:link rel='prev-archive' href='2025.xml'/>"), "/feed/prev_archive", "https://clinic.example/a/2025.xml"),
        // RFC 6721
        ("6721 ref", atom("<at:deleted-entry ref='tag:1' when='2026-01-02T00:00:00Z'/>"), "/deleted/0/ref", "tag:1"),
        ("6721 when", atom("<at:deleted-entry ref='tag:1' when='2026-01-02T00:00:00Z'><at:comment>wrong dose</at:comment></at:deleted-entry>"), "/deleted/0/comment", "wrong dose"),
        // YouTube
        ("yt:videoId", entry("<yt:videoId>abc</yt:videoId>"), "/entries/0/video/id", "abc"),
        ("yt:channelId of the feed", atom("<yt:channelId>abcdefghijklmnopqrstuv</yt:channelId>"), "/feed/youtube_channel_id", "UCabcdefghijklmnopqrstuv"),
        ("yt:playlistId", atom("<yt:playlistId>PL1</yt:playlistId>"), "/feed/youtube_playlist_id", "PL1"),
        // JSON Feed
        ("JSON next_url", json("\"next_url\":\"https://clinic.example/f?p=2\",\"items\":[]"), "/feed/next_url", "https://clinic.example/f?p=2"),
        ("JSON hubs", json("\"hubs\":[{\"type\":\"WebSub\",\"url\":\"https://h.example/\"}],\"items\":[]"), "/feed/hubs", "[\"https://h.example/\"]"),
        ("JSON number as id", json("\"items\":[{\"id\":7}]"), "/entries/0/id", "7"),
        ("JSON author of 1.0", json("\"items\":[{\"id\":\"7\",\"author\":{\"name\":\"Ann\"}}]"), "/entries/0/authors/0/name", "Ann"),
        ("JSON attachment", json("\"items\":[{\"id\":\"7\",\"attachments\":[{\"url\":\"https://clinic.example/a.mp3\",\"mime_type\":\"audio/mpeg\",\"duration_in_seconds\":5}]}]"), "/entries/0/media/0/duration_s", "5.0"),
        ("JSON external_url", json("\"items\":[{\"id\":\"7\",\"external_url\":\"https://o.example/\"}]"), "/entries/0/url", "https://o.example/"),
        ("JSON expired", json("\"expired\":true,\"items\":[]"), "/feed/expired", "true"),
        // Entries without a title
        ("a title is made of the first sentence", item("<description>&lt;p&gt;Our new sleep clinic opens today. Come and see &lt;a href='x'&gt;us&lt;/a&gt;.&lt;/p&gt;&lt;p&gt;More&lt;/p&gt;</description>"), "/entries/0/made_title", "Our new sleep clinic opens today"),
        ("a long one is cut between words", entry(&format!("<content>{}</content>", "word ".repeat(60))), "/entries/0/made_title", "word word word word word word word word word word word word word word word word word word word word word word word…"),
        ("none is made where there is one", item("<title>T</title><description>Text</description>"), "/entries/0/made_title", "null"),
    ];
    let mut wrong = String::new();
    for (name, text, pointer, expected) in cases {
        let found = report(&read(&text)).pointer(pointer).cloned().unwrap_or(Value::Null);
        let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        if found != expected {
            let _ = writeln!(wrong, "{name}: {found} for {expected}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_header_names_the_language_of_a_feed_that_does_not() {
    for (header, text, expected) in [
        ("es", channel(""), Some("es")),
        ("pt_BR", channel(""), Some("pt-BR")),
        ("es, en", channel(""), None),
        ("", channel(""), None),
        ("es", channel("<language>en</language>"), Some("en")),
        ("es", "<html></html>".into(), None),
    ] {
        let parsed = parse(text.as_bytes(), &Context { content_language: Some(header), ..Context::default() });
        assert_eq!(parsed.feed.language.as_deref(), expected, "{header}");
    }
    let parsed =
        parse(item("<title>x</title>").as_bytes(), &Context { content_language: Some("es"), ..Context::default() });
    assert_eq!(parsed.entries[0].language.as_deref(), Some("es"), "it holds for the entries");
}

/// RFC 7303, 3 and the WHATWG Encoding Standard, 6: mark, header, declaration, detection.
#[test]
fn encodings_in_order_of_trust() {
    let doc = |declared: &str, title: &[u8]| {
        let mut bytes = format!("<?xml version='1.0'{declared}?><rss version='2.0'><channel><title>").into_bytes();
        bytes.extend(title);
        bytes.extend(b"</title></channel></rss>");
        bytes
    };
    let utf8 = "Süß".as_bytes();
    let latin = b"S\xFC\xDF";
    let cyrillic = b"\xC4\xC1"; // koi8-r
    let mut marked = b"\xEF\xBB\xBF".to_vec();
    marked.extend(doc(" encoding='iso-8859-1'", utf8));
    for (name, bytes, header, title, problem) in [
        ("a mark before all", marked, Some("text/xml; charset=iso-8859-1"), "Süß", None),
        (
            "the header before the declaration",
            doc(" encoding='utf-8'", latin),
            Some("text/xml; charset=iso-8859-1"),
            "Süß",
            Some("encoding-mismatch"),
        ),
        ("the declaration without a header", doc(" encoding='koi8-r'", cyrillic), Some("text/xml"), "да", None),
        (
            "a header that the bytes contradict",
            doc("", utf8),
            Some("text/xml; charset=iso-8859-1"),
            "Süß",
            Some("encoding-mismatch"),
        ),
        (
            "a declaration that the bytes contradict",
            doc(" encoding='iso-8859-1'", utf8),
            None,
            "Süß",
            Some("encoding-mismatch"),
        ),
        ("nothing stated, and UTF-8", doc("", utf8), None, "Süß", None),
        ("UTF-8 stated, and not so", doc(" encoding='utf-8'", latin), None, "Süß", Some("encoding-detected")),
        ("an encoding that nobody knows", doc(" encoding='x-nobody'", utf8), None, "Süß", Some("unknown-encoding")),
        ("UTF-8 encoded twice", doc("", "SÃ¼ÃŸ".as_bytes()), None, "Süß", Some("double-encoded")),
        (
            "a stray byte in UTF-8",
            doc("", b"S\xC3\xBC\xC3\x9F \x96"),
            Some("text/xml; charset=utf-8"),
            "Süß –",
            Some("invalid-bytes"),
        ),
    ] {
        let parsed = parse(&bytes, &Context { content_type: header, ..Context::default() });
        assert_eq!(parsed.feed.title.as_ref().map(|t| t.value.as_str()), Some(title), "{name}");
        match problem {
            Some(code) => assert!(parsed.problems.iter().any(|p| p.code == code), "{name}: {:?}", parsed.problems),
            None => assert!(parsed.problems.is_empty(), "{name}: {:?}", parsed.problems),
        }
    }
    let wide: Vec<u8> =
        "\u{FEFF}<rss><channel><title>Süß</title></channel></rss>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(parse(&wide, &Context::default()).feed.title.map(|t| t.value).as_deref(), Some("Süß"));
}

#[test]
fn every_repair_has_its_name_and_keeps_the_entries() {
    let good = "<item><title>kept</title><guid isPermaLink='false'>1</guid></item>";
    let after = |inside: &str| format!("<rss><channel>{inside}{good}</channel></rss>");
    let cases: Vec<(&str, String)> = vec![
        ("bare-ampersand", after("<title>A & B</title>")),
        ("bare-less-than", after("<description>a < b</description>")),
        ("undeclared-entity", after("<title>A &foo; B</title>")),
        ("undeclared-prefix", after("<foo:bar>x</foo:bar>")),
        ("control-character", after("<title>A\u{1}B</title>")),
        ("junk-before-document", format!("warning: x\n{}", after(""))),
        ("unclosed-tag", after("<title>x</title><generator</title>")),
        ("unclosed-quote", after("<cloud domain=\"x><title>y</title>")),
        ("unclosed-comment", after("<!-- never")),
        ("unclosed-cdata", format!("<rss><channel>{good}<item><title><![CDATA[x")),
        ("unknown-declaration", after("<!FOO>")),
        ("unclosed-entry", format!("<rss><channel><item><title>x</title>{good}</channel></rss>")),
        ("wrong-nesting", after("<image><title>x</title><url>https://x.example/i.png</url></channel>")),
        ("unmatched-end-tag", after("</nonsense>")),
        ("truncated", format!("<rss><channel>{good}<item><title>half")),
        ("several-roots", format!("{}{}", after(""), after(""))),
        ("no-root", good.to_owned()),
        (
            "external-entity",
            format!("<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>{}", after("<title>&x;</title>")),
        ),
        ("double-encoded", after("<title>donâ€™t</title>")),
        ("bad-date", after("<pubDate>soon</pubDate>")),
        ("date-without-zone", after("<pubDate>2026-01-02 10:00</pubDate>")),
    ];
    let mut wrong = String::new();
    for (code, text) in cases {
        let parsed = parse(text.as_bytes(), &Context::default());
        let kept = parsed.entries.iter().any(|e| e.title.as_ref().is_some_and(|t| t.value == "kept"));
        let named = parsed.problems.iter().any(|p| p.code == code && !p.where_.is_empty() && !p.message.is_empty());
        if !kept || !named {
            let _ = writeln!(wrong, "{code}: kept {kept}, named {named}: {:?}", parsed.problems);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
