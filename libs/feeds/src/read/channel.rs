//! What stands in `channel` and `feed`, and at the root of RDF documents.

use super::entry::read_category;
use super::media::seconds;
use super::value::{Untyped, trimmed};
use super::{Child, Place, Reader, Role};
use crate::ns::Ns;
use crate::xml::Tag;
use crate::{Cloud, Format, Generator, Link, TextInput};

impl<'a> Reader<'a> {
    /// Tells the format by the root element.
    pub(super) fn root_format(&mut self, tag: &Tag<'a>, local: &str) {
        let [version] = self.attrs(tag, ["version"]);
        let uri = tag
            .raw_attrs()
            .find(|(k, _)| *k == "xmlns")
            .map(|(_, v)| v.trim().to_ascii_lowercase())
            .unwrap_or_default();
        let prefixed = |needle: &str| {
            tag.raw_attrs().any(|(k, v)| k.starts_with("xmlns") && v.to_ascii_lowercase().contains(needle))
        };
        let format = match local {
            "rdf" if prefixed("purl.org/rss/1.0/") && (uri.contains("rss/1.0") || uri.is_empty()) => Format::Rss10,
            "rdf" if prefixed("netscape.com") => Format::Rss090,
            "rdf" => Format::Rss10,
            "rss" => match version.as_deref().map(str::trim) {
                Some("0.90" | "0.9") => Format::Rss090,
                Some("0.91") => Format::Rss091,
                Some("0.92" | "0.93" | "0.94") => Format::Rss092,
                Some("1.0") => Format::Rss10,
                _ => Format::Rss20,
            },
            "feed" => {
                let old =
                    version.as_deref().is_some_and(|v| v.trim().starts_with("0.")) || uri.contains("purl.org/atom/ns");
                if old { Format::Atom03 } else { Format::Atom10 }
            }
            "channel" if tag.name == "CHANNEL" || tag.name == "Channel" => Format::Cdf,
            _ => Format::Rss20,
        };
        if self.format.is_none_or(|f| !f.is_feed()) {
            self.format = Some(format);
        }
    }

    /// Attributes of `channel`: `rdf:about`, CDF's `HREF`, `BASE` and `LASTMOD`.
    pub(super) fn feed_attributes(&mut self, tag: &Tag<'a>) {
        let [about, href, base, lastmod] = self.attrs(tag, ["about", "href", "base", "lastmod"]);
        if let Some(base) = base
            && let Some(f) = self.stack.last_mut()
        {
            f.base = Self::join_base(f.base.take(), &base);
        }
        if let Some(about) = about {
            let about = self.absolute(&about);
            self.feed.id.get_or_insert(about);
        }
        if let Some(href) = href {
            let href = self.absolute(&href);
            self.feed.url.get_or_insert(href);
        }
        if let Some(lastmod) = lastmod {
            self.feed.updated = self.read_date(&lastmod, "LASTMOD");
        }
        if let Some(lang) = self.stack.last().and_then(|f| f.lang.as_deref()) {
            self.feed.language.get_or_insert_with(|| lang.to_owned());
        }
    }

    pub(super) fn feed_child(&mut self, tag: &Tag<'a>, ns: Ns, local: &str) -> Child {
        if self.format == Some(Format::Html) {
            return Child::Inside(Place::Ignored);
        }
        match ns {
            Ns::Core => return self.feed_core(tag, local),
            Ns::Dc | Ns::DcTerms => return self.feed_dublin_core(tag, local),
            Ns::Itunes => return self.feed_itunes(tag, local),
            Ns::Media => return self.media_child(tag, ns, local),
            _ => {}
        }
        match (ns, local) {
            (Ns::Content, "encoded") => {
                let text = self.text(tag, Untyped::Html);
                self.feed.info = self.feed.info.take().or(text);
            }
            (Ns::YouTube, "channelid") => self.feed.youtube_channel_id = self.plain(tag).map(channel_id),
            (Ns::YouTube, "playlistid") => self.feed.youtube_playlist_id = self.plain(tag),
            (Ns::Syndication, "updateperiod") => {
                self.feed.update_period = self.plain(tag).map(|p| p.to_ascii_lowercase())
            }
            (Ns::Syndication, "updatefrequency") => self.feed.update_frequency = self.number(tag),
            (Ns::Podcast, "guid") => self.feed.podcast_guid = self.plain(tag),
            (Ns::Podcast, "locked") => {
                self.feed.podcast_locked = self.plain(tag).map(|v| v.eq_ignore_ascii_case("yes"))
            }
            (Ns::Podcast, "txt") => {
                let [purpose] = self.attrs(tag, ["purpose"]);
                let value = self.plain(tag);
                if let Some(value) = value.filter(|_| self.feed.podcast_txt.len() < super::close::MAX_LIST) {
                    if purpose.as_deref().is_some_and(|p| p.eq_ignore_ascii_case("verify")) {
                        self.feed.verify_tokens.push(value.clone());
                    }
                    self.feed.podcast_txt.push((purpose.map(Into::into), value));
                }
            }
            (Ns::Cc, "license" | "licence") | (Ns::Podcast, "license") => {
                if let Some(l) = self.licence(tag) {
                    self.feed.licence.get_or_insert(l);
                }
            }
            (Ns::FeedBurner, "browserfriendly") => {
                let text = self.text(tag, Untyped::Plain);
                self.feed.info = self.feed.info.take().or(text);
            }
            (Ns::History, "complete") => self.feed.complete = true,
            (Ns::History, "archive") => self.feed.archive = true,
            (Ns::Admin, "errorreportsto") => {
                let [to] = self.attrs(tag, ["resource"]);
                self.feed.error_reports_to = to.map(Into::into);
            }
            (Ns::Admin, "generatoragent") => {
                let [to] = self.attrs(tag, ["resource"]);
                if let Some(to) = to {
                    self.feed.generator.get_or_insert_default().url = Some(to.into());
                }
            }
            (Ns::Rdf, "li" | "seq" | "bag") => return Child::Inside(Place::Ignored),
            _ => return Child::Inside(Place::Ignored),
        }
        self.skip_to_end(tag)
    }

    fn feed_core(&mut self, tag: &Tag<'a>, local: &str) -> Child {
        match local {
            "title" => {
                let title = self.title(tag, Ns::Core);
                self.feed.title = self.feed.title.take().or(title);
            }
            "link" => self.link(tag),
            "description" | "subtitle" | "tagline" | "abstract" => {
                let untyped = if self.is_atom() { Untyped::Plain } else { Untyped::Html };
                let text = self.text(tag, untyped);
                self.feed.subtitle = self.feed.subtitle.take().or(text);
            }
            "info" => self.feed.info = self.text(tag, Untyped::Plain),
            "id" => self.feed.id = self.plain(tag),
            "updated" | "modified" | "lastbuilddate" => {
                let date = self.date(tag);
                self.feed.updated = date.or(self.feed.updated);
            }
            "pubdate" | "published" | "issued" | "created" => {
                let date = self.date(tag);
                self.feed.published = self.feed.published.or(date);
            }
            "language" => {
                let language = self.plain(tag).map(|l| super::language_tag(&l));
                self.feed.language = language.or(self.feed.language.take());
            }
            "author" | "managingeditor" => return Child::Inside(Place::Person(Role::Author)),
            "contributor" => return Child::Inside(Place::Person(Role::Contributor)),
            "webmaster" => return Child::Inside(Place::Person(Role::Publisher)),
            "category" => {
                let category = read_category(self, tag);
                self.feed.categories.extend(category);
            }
            "keywords" => {
                let words = self.plain(tag);
                self.feed.categories.extend(super::entry::keywords(words.as_deref().unwrap_or("")));
            }
            "generator" => {
                let [url, uri, version] = self.attrs(tag, ["url", "uri", "version"]);
                let name = self.plain(tag).unwrap_or_default();
                let url = uri.or(url).map(|u| self.absolute(&u));
                self.feed.generator = Some(Generator { name, url, version: version.map(Into::into) });
            }
            "copyright" | "rights" => {
                let rights = self.text(tag, Untyped::Plain);
                self.feed.rights = self.feed.rights.take().or(rights);
            }
            "ttl" => self.feed.ttl_minutes = self.number(tag),
            "skiphours" | "skipdays" => return Child::Inside(Place::Skip),
            "image" => return Child::Inside(Place::Image),
            "textinput" => {
                self.feed.text_input.get_or_insert_with(TextInput::default);
                return Child::Inside(Place::TextInput);
            }
            "icon" => self.feed.icon = self.address(tag),
            "logo" => {
                let [href] = self.attrs(tag, ["href"]);
                let url = match href {
                    Some(h) => Some(self.absolute(&h)),
                    None => self.address(tag),
                };
                if url.is_some() {
                    self.feed.image.get_or_insert_default().url = url;
                }
            }
            "docs" => self.feed.docs = self.address(tag),
            "rating" => self.feed.rating = self.plain(tag),
            "cloud" => {
                let [domain, port, path, procedure, protocol] =
                    self.attrs(tag, ["domain", "port", "path", "registerProcedure", "protocol"]);
                self.feed.cloud = Some(Cloud {
                    domain: domain.map(Into::into),
                    port: port.map(Into::into),
                    path: path.map(Into::into),
                    register_procedure: procedure.map(Into::into),
                    protocol: protocol.map(Into::into),
                });
            }
            "items" => return Child::Inside(Place::Root),
            "redirect" => return Child::Inside(Place::Root),
            "newlocation" => self.feed.new_feed_url = self.address(tag),
            _ => return Child::Inside(Place::Ignored),
        }
        self.skip_to_end(tag)
    }

    fn feed_dublin_core(&mut self, tag: &Tag<'a>, local: &str) -> Child {
        match local {
            "title" => {
                let title = self.title(tag, Ns::Dc);
                self.feed.title = self.feed.title.take().or(title);
            }
            "description" => {
                let text = self.text(tag, Untyped::Html);
                self.feed.subtitle = self.feed.subtitle.take().or(text);
            }
            "language" => {
                let language = self.plain(tag).map(|l| super::language_tag(&l));
                self.feed.language = self.feed.language.take().or(language);
            }
            "rights" => {
                let rights = self.text(tag, Untyped::Plain);
                self.feed.rights = self.feed.rights.take().or(rights);
            }
            "date" | "modified" => {
                let date = self.date(tag);
                self.feed.updated = self.feed.updated.or(date);
            }
            "issued" | "created" => {
                let date = self.date(tag);
                self.feed.published = self.feed.published.or(date);
            }
            "subject" => {
                let category = read_category(self, tag);
                self.feed.categories.extend(category);
            }
            "creator" | "author" => return Child::Inside(Place::Person(Role::Author)),
            "contributor" => return Child::Inside(Place::Person(Role::Contributor)),
            "publisher" => return Child::Inside(Place::Person(Role::Publisher)),
            _ => return Child::Inside(Place::Ignored),
        }
        self.skip_to_end(tag)
    }

    fn feed_itunes(&mut self, tag: &Tag<'a>, local: &str) -> Child {
        match local {
            "new-feed-url" => self.feed.new_feed_url = self.address(tag),
            "author" => return Child::Inside(Place::Person(Role::Author)),
            "owner" => return Child::Inside(Place::Person(Role::Owner)),
            "category" => {
                let category = read_category(self, tag);
                self.feed.categories.extend(category);
                // sub-categories stand inside
                return if tag.empty { Child::Done } else { Child::Inside(Place::Through) };
            }
            "image" | "link" => {
                let [href, url] = self.attrs(tag, ["href", "url"]);
                if let Some(h) = href.or(url) {
                    let url = self.absolute(&h);
                    self.feed.itunes.image = Some(url);
                }
            }
            "duration" => self.feed.itunes.duration_s = self.plain(tag).and_then(|d| seconds(&d)),
            _ => {
                let mut itunes = std::mem::take(&mut self.feed.itunes);
                let known = self.itunes_field(tag, local, &mut itunes);
                self.feed.itunes = itunes;
                if !known {
                    return Child::Inside(Place::Ignored);
                }
            }
        }
        self.skip_to_end(tag)
    }

    /// Attribute-only elements that were not self-closing still have an end to be found.
    pub(super) fn skip_to_end(&mut self, tag: &Tag<'a>) -> Child {
        // a value that was read moved the scanner on; an attribute-only element left it at the end of its start tag
        // and if that end is missing, what follows must not be lost in it
        if !tag.empty && self.scan.pos == tag.end {
            return Child::Inside(Place::Through);
        }
        Child::Done
    }

    pub(super) fn is_atom(&self) -> bool {
        matches!(self.format, Some(Format::Atom03 | Format::Atom10))
    }

    pub(super) fn skip_child(&mut self, tag: &Tag<'a>, local: &str) -> Child {
        match local {
            "hour" => {
                if let Some(h) = self.number(tag) {
                    // RSS 0.91 counts 1–24
                    self.feed.skip_hours.extend(u8::try_from(h % 24).ok());
                }
            }
            "day" => {
                let day = self.plain(tag);
                self.feed.skip_days.extend(day);
            }
            _ => return Child::Inside(Place::Ignored),
        }
        Child::Done
    }

    pub(super) fn text_input_child(&mut self, tag: &Tag<'a>, local: &str) -> Child {
        let value = match local {
            "title" | "description" | "name" => self.plain(tag),
            "link" => self.address(tag),
            _ => return Child::Inside(Place::Ignored),
        };
        let input = self.feed.text_input.get_or_insert_default();
        match local {
            "title" => input.title = value,
            "description" => input.description = value,
            "name" => input.name = value,
            _ => input.link = value,
        }
        Child::Done
    }

    /// `link` of a feed, an entry or a source: Atom's with attributes or RSS' with text.
    pub(super) fn link(&mut self, tag: &Tag<'a>) {
        if let Some(link) = self.read_link(tag) {
            match &mut self.draft {
                Some(d) => d.entry.links.push(link),
                None => self.feed.links.push(link),
            }
        }
    }

    pub(super) fn read_link(&mut self, tag: &Tag<'a>) -> Option<Link> {
        let [href, url, rel, mime, hreflang, title, length] =
            self.attrs(tag, ["href", "url", "rel", "type", "hreflang", "title", "length"]);
        let attribute = href.or(url);
        // an Atom link that is not closed must not swallow what follows
        let text = if attribute.is_none() { self.plain(tag) } else { None };
        let href = match (&attribute, text) {
            (Some(h), _) => self.absolute(h),
            (None, Some(text)) => {
                let href = self.absolute(&text);
                if self.draft.is_none() && self.site_from_rss.is_none() {
                    self.site_from_rss = Some(href.clone());
                }
                href
            }
            // an empty `href` is the base itself (RFC 3986, 5.2.2); none at all is a broken link
            (None, None) if has_attribute(tag, "href") => self.absolute(""),
            (None, None)
                if rel.is_some() || mime.is_some() || title.is_some() || hreflang.is_some() || length.is_some() =>
            {
                String::new()
            }
            (None, None) => return None,
        };
        Some(Link {
            href,
            rel: rel.map(|r| r.to_ascii_lowercase()),
            mime: mime.map(Into::into),
            hreflang: hreflang.map(Into::into),
            title: title.map(Into::into),
            length: length.and_then(|l| l.parse().ok()),
        })
    }

    /// The address of a licence: text or `rdf:resource`.
    pub(super) fn licence(&mut self, tag: &Tag<'a>) -> Option<String> {
        let [resource, url] = self.attrs(tag, ["resource", "url"]);
        let text = self.plain(tag);
        resource.or(url).map(Into::into).or(text.and_then(|t| trimmed(&t)))
    }
}

fn has_attribute(tag: &Tag<'_>, name: &str) -> bool {
    tag.raw_attrs().any(|(k, _)| k.eq_ignore_ascii_case(name))
}

/// YouTube's feeds give the id without its `UC` at the level of the feed.
pub(super) fn channel_id(id: String) -> String {
    if id.len() == 22 { format!("UC{id}") } else { id }
}
