//! XML namespaces, by their many spellings.

/// A vocabulary that the reader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ns {
    /// RSS of any version, Atom of any version, or none: their elements share one set of names.
    Core,
    Rdf,
    Dc,
    DcTerms,
    Content,
    Media,
    Itunes,
    Podcast,
    YouTube,
    Slash,
    Wfw,
    Syndication,
    /// creativeCommons and cc alike.
    Cc,
    Threading,
    Tombstones,
    History,
    Xhtml,
    FeedBurner,
    GeoRss,
    Geo,
    Gml,
    Admin,
    OpenSearch,
    /// schema.org's terms, as some health sites put them into feeds.
    Schema,
    /// Declared, and not one of these.
    Other,
}

/// By address: the end of it is enough for those that exist in several spellings. Case, blanks and a final `/` or `#`
/// do not matter.
pub(crate) fn by_uri(uri: &str) -> Ns {
    let uri = uri.trim().to_ascii_lowercase();
    let key = uri.trim_end_matches(['/', '#']);
    let key = key.strip_prefix("http://").or_else(|| key.strip_prefix("https://")).unwrap_or(key);
    match key {
        ""
        | "www.w3.org/2005/atom"
        | "purl.org/atom/ns"
        | "purl.org/rss/1.0"
        | "my.netscape.com/rdf/simple/0.9"
        | "my.netscape.com/publish/formats/rss-0.91.dtd"
        | "channel.netscape.com/rdf/simple/0.9"
        | "backend.userland.com/rss2"
        | "blogs.law.harvard.edu/tech/rss"
        | "backend.userland.com/rss"
        | "backend.userland.com/rss091"
        | "backend.userland.com/rss092"
        | "purl.org/net/rss1.1"
        | "purl.org/rss/2.0"
        | "cyber.law.harvard.edu/rss"
        | "www.w3.org/2005/atom/ns"
        | "example.com/necho" => Ns::Core,
        "www.w3.org/1999/02/22-rdf-syntax-ns" => Ns::Rdf,
        "purl.org/dc/elements/1.1" | "purl.org/dc/elements/1.0" | "purl.org/metadata/dublin_core" => Ns::Dc,
        "purl.org/dc/terms" => Ns::DcTerms,
        "purl.org/rss/1.0/modules/content" => Ns::Content,
        "search.yahoo.com/mrss"
        | "video.search.yahoo.com/mrss"
        | "tools.search.yahoo.com/mrss"
        | "www.rssboard.org/media-rss"
        | "search.yahoo.com/rss" => Ns::Media,
        "www.itunes.com/dtds/podcast-1.0.dtd" | "example.com/dtds/podcast-1.0.dtd" => Ns::Itunes,
        "podcastindex.org/namespace/1.0" => Ns::Podcast,
        "www.youtube.com/xml/schemas/2015" | "gdata.youtube.com/schemas/2007" => Ns::YouTube,
        "purl.org/rss/1.0/modules/slash" => Ns::Slash,
        "wellformedweb.org/commentapi" => Ns::Wfw,
        "purl.org/rss/1.0/modules/syndication" => Ns::Syndication,
        "backend.userland.com/creativecommonsrssmodule"
        | "web.resource.org/cc"
        | "creativecommons.org/ns"
        | "cyber.law.harvard.edu/rss/creativecommonsrssmodule.html" => Ns::Cc,
        "purl.org/syndication/thread/1.0" => Ns::Threading,
        "purl.org/atompub/tombstones/1.0" => Ns::Tombstones,
        "purl.org/syndication/history/1.0" => Ns::History,
        "www.w3.org/1999/xhtml" => Ns::Xhtml,
        "rssnamespace.org/feedburner/ext/1.0" => Ns::FeedBurner,
        "www.georss.org/georss" => Ns::GeoRss,
        "www.w3.org/2003/01/geo/wgs84_pos" => Ns::Geo,
        "www.opengis.net/gml" => Ns::Gml,
        "webns.net/mvcb" => Ns::Admin,
        "schema.org" => Ns::Schema,
        _ if key.starts_with("www.itunes.com/") || key.ends_with("/podcast-1.0.dtd") => Ns::Itunes,
        _ if key.starts_with("podcastindex.org/") || key.contains("podcast-namespace") => Ns::Podcast,
        _ if key.ends_with("spec/opensearch/1.1") => Ns::OpenSearch,
        _ => Ns::Other,
    }
}

/// By the usual prefix, for feeds that forgot to declare it.
pub(crate) fn by_prefix(prefix: &str) -> Option<Ns> {
    const KNOWN: [(&str, Ns); 32] = [
        ("atom", Ns::Core),
        ("atom10", Ns::Core),
        ("a10", Ns::Core),
        ("rss", Ns::Core),
        ("rdf", Ns::Rdf),
        ("dc", Ns::Dc),
        ("dcterms", Ns::DcTerms),
        ("dct", Ns::DcTerms),
        ("content", Ns::Content),
        ("media", Ns::Media),
        ("itunes", Ns::Itunes),
        ("podcast", Ns::Podcast),
        ("yt", Ns::YouTube),
        ("slash", Ns::Slash),
        ("wfw", Ns::Wfw),
        ("sy", Ns::Syndication),
        ("creativecommons", Ns::Cc),
        ("cc", Ns::Cc),
        ("thr", Ns::Threading),
        ("at", Ns::Tombstones),
        ("fh", Ns::History),
        ("xhtml", Ns::Xhtml),
        ("body", Ns::Xhtml),
        ("feedburner", Ns::FeedBurner),
        ("georss", Ns::GeoRss),
        ("geo", Ns::Geo),
        ("gml", Ns::Gml),
        ("admin", Ns::Admin),
        ("opensearch", Ns::OpenSearch),
        ("schema", Ns::Schema),
        ("ynews", Ns::Other),
        ("xml", Ns::Other),
    ];
    KNOWN.iter().find(|(p, _)| p.eq_ignore_ascii_case(prefix)).map(|(_, n)| *n)
}
