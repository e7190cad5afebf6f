//! Hosts that many share: what stands there proves nothing for one of those who publish there.

use psl::{List, Psl, Type};

/// Platforms where publishers get a path or a name below, and which are not (or not all of them) in the public suffix list's
/// private part. A name below counts as well.
const PLATFORMS: [&str; 62] = [
    "acast.com",
    "anchor.fm",
    "apple.com",
    "archive.org",
    "audioboom.com",
    "bandcamp.com",
    "blogger.com",
    "blogspot.com",
    "bsky.app",
    "bsky.social",
    "buttondown.com",
    "buttondown.email",
    "buzzsprout.com",
    "captivate.fm",
    "cloudfront.net",
    "facebook.com",
    "feedblitz.com",
    "feedburner.com",
    "fireside.fm",
    "flickr.com",
    "ghost.io",
    "github.com",
    "github.io",
    "gitlab.com",
    "gitlab.io",
    "google.com",
    "googleapis.com",
    "herokuapp.com",
    "instagram.com",
    "ivoox.com",
    "jimdofree.com",
    "libsyn.com",
    "linkedin.com",
    "livejournal.com",
    "mastodon.social",
    "medium.com",
    "megaphone.fm",
    "myshopify.com",
    "netlify.app",
    "omny.fm",
    "over-blog.com",
    "pages.dev",
    "podbean.com",
    "podigee.io",
    "reddit.com",
    "simplecast.com",
    "soundcloud.com",
    "spotify.com",
    "spreaker.com",
    "squarespace.com",
    "substack.com",
    "tiktok.com",
    "transistor.fm",
    "tumblr.com",
    "typepad.com",
    "vercel.app",
    "vimeo.com",
    "weebly.com",
    "wixsite.com",
    "wordpress.com",
    "x.com",
    "youtube.com",
];

/// Whether many share a host: a public suffix, a name below a suffix that a company gives out, a platform or a name below it, a name
/// without a dot.
#[must_use]
pub fn is_shared(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return false;
    }
    let platform = PLATFORMS
        .iter()
        .any(|name| host == *name || host.strip_suffix(name).is_some_and(|before| before.ends_with('.')));
    platform || !host.contains('.') || suffix(&host).is_none_or(|(suffix, private)| private || suffix == host)
}

/// The part of a host that its owner registered (`www.clinic.example` → `clinic.example`); none for shared hosts and addresses.
#[must_use]
pub fn registered(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if is_shared(&host) || host.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let domain = List.domain(host.as_bytes())?;
    String::from_utf8(domain.as_bytes().to_vec()).ok()
}

/// A host's public suffix, and whether a company and not a registry gives it out.
fn suffix(host: &str) -> Option<(String, bool)> {
    let suffix = List.suffix(host.as_bytes())?;
    let private = suffix.typ() == Some(Type::Private);
    Some((String::from_utf8(suffix.as_bytes().to_vec()).ok()?, private))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_hosts_are_known() {
        for (host, shared, registered_as) in [
            ("clinic.example", false, Some("clinic.example")),
            ("www.clinic.example", false, Some("clinic.example")),
            ("News.Clinic.co.uk.", false, Some("clinic.co.uk")),
            ("charite.de", false, Some("charite.de")),
            ("192.0.2.1", false, None),
            ("2001:db8::1", false, None),
            ("[2001:db8::1]", false, None),
            ("co.uk", true, None),
            ("com", true, None),
            ("localhost", true, None),
            ("", true, None),
            ("clinic.blogspot.com", true, None),
            ("clinic.wordpress.com", true, None),
            ("wordpress.com", true, None),
            ("clinic.github.io", true, None),
            ("medium.com", true, None),
            ("clinic.medium.com", true, None),
            ("notmedium.com", false, Some("notmedium.com")),
            ("www.youtube.com", true, None),
            ("feeds.feedburner.com", true, None),
            ("bucket.s3.amazonaws.com", true, None),
        ] {
            assert_eq!(is_shared(host), shared, "{host}");
            assert_eq!(registered(host).as_deref(), registered_as, "{host}");
        }
    }
}
