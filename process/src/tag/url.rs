//! Canonical addresses: one address for what trackers, mail programs and mobile sites give many.

use url::Url;

/// Query parameters that only tell where a reader came from. Those that begin with `utm_` go as well.
const TRACKING: [&str; 38] = [
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "at_campaign",
    "at_custom1",
    "at_custom2",
    "at_custom3",
    "at_custom4",
    "at_medium",
    "campaign_id",
    "cmpid",
    "dclid",
    "fb_action_ids",
    "fb_action_types",
    "fb_ref",
    "fb_source",
    "fbclid",
    "gbraid",
    "gclid",
    "gclsrc",
    "hss_channel",
    "igshid",
    "mc_cid",
    "mc_eid",
    "mibextid",
    "mkt_tok",
    "msclkid",
    "ns_campaign",
    "ns_mchannel",
    "ns_source",
    "si",
    "srsltid",
    "ttclid",
    "twclid",
    "vero_id",
    "wbraid",
    "yclid",
];

/// The address without tracking parameters, fragment, default port and credentials, its host in lower case; other
/// parameters stay in their order. None for what is no http(s) address.
#[must_use]
pub fn canonical(address: &str) -> Option<Url> {
    let mut url = Url::parse(address.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) || address.len() > 4096 {
        return None;
    }
    // A fragment that is a path ("#!/news/5") is where old single-page sites keep the page.
    if !url.fragment().is_some_and(|fragment| fragment.starts_with("!/") || fragment.starts_with('/')) {
        url.set_fragment(None);
    }
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if let Some(query) = url.query() {
        let youtube = is_youtube(&url);
        let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !is_tracking(pair, youtube)).collect();
        let kept = kept.join("&");
        if kept != query {
            url.set_query((!kept.is_empty()).then_some(&kept));
        }
    }
    Some(url)
}

fn is_tracking(pair: &str, youtube: bool) -> bool {
    let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    // "si" is a share mark on YouTube and may be anything elsewhere.
    if name == "si" {
        return youtube;
    }
    name.starts_with("utm_") || TRACKING.contains(&name.as_str())
}

fn is_youtube(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host == "youtu.be" || host == "youtube.com" || host.ends_with(".youtube.com"))
}

/// The video's id where an address is that of a YouTube video.
#[must_use]
pub fn youtube_id(url: &Url) -> Option<String> {
    if !is_youtube(url) {
        return None;
    }
    let mut path = url.path_segments()?;
    let id = if url.host_str() == Some("youtu.be") {
        path.next()?.to_owned()
    } else {
        match path.next()? {
            "watch" => url.query_pairs().find(|(name, _)| name == "v")?.1.into_owned(),
            "shorts" | "embed" | "live" | "v" => path.next()?.to_owned(),
            _ => return None,
        }
    };
    (id.len() == 11 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')).then_some(id)
}
