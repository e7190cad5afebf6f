//! What a subscriber asks (section 5.1): pure.

use std::time::Duration;

use carewire_conditions::Vocabulary;
use carewire_fetch::host_of;
use carewire_store::NewHubRequest;
use url::Url;

use crate::feeds::topic::Topic;

/// Longest callback and topic.
const LONGEST: usize = 2_000;
/// Section 5.1: a secret must be shorter than 200 bytes.
const SECRET: usize = 200;

/// A request as it was read.
#[derive(Debug)]
pub struct Asked {
    subscribe: bool,
    callback: String,
    host: String,
    pub topic: Topic,
    given: String,
    secret: Option<String>,
    lease: Option<u64>,
}

impl Asked {
    /// For the store, with the lease that it is granted.
    pub fn into_new(self, granted: impl FnOnce(Option<u64>) -> Duration) -> NewHubRequest {
        NewHubRequest {
            subscribe: self.subscribe,
            callback: self.callback,
            host: self.host,
            topic: self.topic.key(),
            given: self.given,
            secret: self.secret,
            lease: granted(self.lease),
        }
    }
}

/// Reads a form; what the specification does not know is ignored.
///
/// # Errors
/// What is wrong, and what would be right.
pub fn read(body: &[u8], base: &str, vocabulary: &Vocabulary) -> Result<Asked, String> {
    let (mut mode, mut callback, mut given, mut secret, mut lease) = (None, None, None, None, None);
    for (key, value) in url::form_urlencoded::parse(body) {
        match &*key {
            "hub.mode" => mode = Some(value.into_owned()),
            "hub.callback" => callback = Some(value.into_owned()),
            "hub.topic" => given = Some(value.into_owned()),
            "hub.secret" => secret = Some(value.into_owned()).filter(|secret| !secret.is_empty()),
            "hub.lease_seconds" => lease = Some(value.into_owned()).filter(|lease| !lease.is_empty()),
            _ => {}
        }
    }
    let subscribe = match mode.as_deref() {
        Some("subscribe") => true,
        Some("unsubscribe") => false,
        Some("publish") => return Err("hub.mode: this hub tells of its own network's feeds only".to_owned()),
        _ => return Err("hub.mode: must be subscribe or unsubscribe".to_owned()),
    };
    let (callback, host) = address(callback.as_deref().unwrap_or_default())?;
    let given = given.unwrap_or_default();
    // It goes into a header, and back to the subscriber as it was written.
    let plain = given.len() <= LONGEST && given.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"".contains(&b));
    let below = given.strip_prefix(base).filter(|_| plain);
    let below =
        below.ok_or_else(|| format!("hub.topic: must be the address of a feed of {base}, as in its rel=self"))?;
    let topic = Topic::read(below, vocabulary).map_err(|problem| format!("hub.topic: {}", problem.detail))?;
    if secret.as_ref().is_some_and(|secret| secret.len() >= SECRET) {
        return Err(format!("hub.secret: must be shorter than {SECRET} bytes"));
    }
    let lease = lease.map(|text| text.parse().map_err(|_| "hub.lease_seconds: must be a number".to_owned()));
    Ok(Asked { subscribe, callback, host, topic, given, secret, lease: lease.transpose()? })
}

/// The callback without its fragment, and its host.
fn address(text: &str) -> Result<(String, String), String> {
    let right = || "hub.callback: must be an http or https address, without user and password".to_owned();
    let mut url = Url::parse(text).map_err(|_| right())?;
    let good = text.len() <= LONGEST
        && matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none();
    let host = host_of(&url).filter(|_| good).ok_or_else(right)?;
    url.set_fragment(None);
    Ok((url.to_string(), host))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://net.example/";

    fn form(pairs: &[(&str, &str)]) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        out.extend_pairs([
            ("hub.mode", "subscribe"),
            ("hub.callback", "https://reader.example/cb?id=7#x"),
            ("hub.topic", "https://net.example/feeds/search.atom?language=es&condition=icd10cm:E11"),
        ]);
        out.extend_pairs(pairs);
        out.finish()
    }

    fn asked(pairs: &[(&str, &str)]) -> Result<NewHubRequest, String> {
        let asked = read(form(pairs).as_bytes(), BASE, Vocabulary::bundled())?;
        Ok(asked.into_new(|seconds| Duration::from_secs(seconds.unwrap_or(10))))
    }

    #[test]
    fn spellings_of_a_topic_are_one() {
        let one = asked(&[("hub.secret", "s"), ("hub.other", "ignored")]).expect("right");
        assert_eq!(one.topic, "feeds/search.atom?condition=D003924&language=es");
        assert_eq!(one.given, "https://net.example/feeds/search.atom?language=es&condition=icd10cm:E11");
        assert_eq!((one.callback.as_str(), one.host.as_str()), ("https://reader.example/cb?id=7", "reader.example"));
        assert_eq!((one.subscribe, one.secret.as_deref(), one.lease.as_secs()), (true, Some("s"), 10));
        let short = asked(&[("hub.topic", "https://net.example/feeds/search.rss?condition=D003924")]).expect("right");
        assert_eq!(short.topic, "feeds/conditions/D003924.rss");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (pairs, said) in [
            (&[("hub.mode", "")][..], "hub.mode"),
            (&[("hub.mode", "publish")], "hub.mode"),
            (&[("hub.callback", "")], "hub.callback"),
            (&[("hub.callback", "ftp://a.example/")], "hub.callback"),
            (&[("hub.callback", "https://me:pw@a.example/")], "hub.callback"),
            (&[("hub.topic", "https://other.example/feeds/all.atom")], "hub.topic"),
            (&[("hub.topic", "https://net.example/")], "hub.topic"),
            (&[("hub.topic", "https://net.example/feeds/all.atom?archive=0-63")], "hub.topic"),
            (&[("hub.topic", "https://net.example/feeds/all.atom\r\nX: y")], "hub.topic"),
            (&[("hub.topic", "https://net.example/feeds/search.atom?colour=red")], "hub.topic"),
            (&[("hub.lease_seconds", "soon")], "hub.lease_seconds"),
        ] {
            let error = asked(pairs).err().expect("wrong");
            assert!(error.starts_with(said), "{pairs:?}: {error}");
        }
        assert!(asked(&[("hub.secret", &"x".repeat(200))]).is_err());
        assert!(asked(&[("hub.secret", &"x".repeat(199))]).is_ok());
    }
}
