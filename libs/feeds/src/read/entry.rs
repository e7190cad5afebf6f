//! What stands in `item` and `entry`.

use super::channel::channel_id;
use super::media::seconds;
use super::value::{Untyped, trimmed};
use super::{Child, Place, Reader, Role};
use crate::ns::Ns;
use crate::xml::Tag;
use crate::{Category, Itunes, Link, Media, Person, Text, Transcript, Video};

/// The open entry. Only called where one is open: [`Place::Entry`] is pushed together with it.
macro_rules! entry {
    ($reader:expr) => {
        match &mut $reader.draft {
            Some(d) => &mut d.entry,
            None => return Child::Inside(Place::Ignored),
        }
    };
}

impl<'a> Reader<'a> {
    /// Attributes of an entry: `rdf:about`, CDF's `HREF` and `LASTMOD`.
    pub(super) fn entry_attributes(&mut self, tag: &Tag<'a>) {
        let [about, href, lastmod] = self.attrs(tag, ["about", "href", "lastmod"]);
        let about = about.map(|a| self.absolute(&a));
        let href = href.map(|h| self.absolute(&h));
        let updated = lastmod.as_deref().and_then(|l| self.read_date(l, "LASTMOD"));
        let language = self.stack.last().and_then(|f| f.lang.as_deref()).map(str::to_owned);
        if let Some(d) = &mut self.draft {
            d.entry.id = about;
            d.entry.links.extend(href.map(|href| Link { href, ..Link::default() }));
            d.entry.updated = updated;
            d.entry.raw_dates.extend(lastmod.map(|l| ("LASTMOD".to_owned(), l.into_owned())));
            d.entry.language = language;
        }
    }

    pub(super) fn entry_child(&mut self, tag: &Tag<'a>, ns: Ns, local: &str) -> Child {
        match ns {
            Ns::Core => return self.entry_core(tag, local),
            Ns::Dc | Ns::DcTerms => return self.entry_dublin_core(tag, local),
            Ns::Itunes => return self.entry_itunes(tag, local),
            Ns::Media => return self.media_child(tag, ns, local),
            _ => {}
        }
        match (ns, local) {
            (Ns::Content, "encoded") => {
                let text = self.text(tag, Untyped::Html);
                self.set_content(text);
            }
            (Ns::Xhtml, "body") => {
                let text = self.text(tag, Untyped::Html).map(|t| Text { kind: crate::TextKind::Xhtml, ..t });
                self.set_content(text);
            }
            (Ns::YouTube, "videoid") => {
                let id = self.plain(tag);
                if let Some(id) = id {
                    entry!(self).video.get_or_insert_with(youtube).id = id;
                }
            }
            (Ns::YouTube, "channelid") => {
                let id = self.plain(tag).map(channel_id);
                entry!(self).video.get_or_insert_with(youtube).channel_id = id;
            }
            (Ns::YouTube, "duration") => {
                let [s] = self.attrs(tag, ["seconds"]);
                if let Some(d) = s.and_then(|s| seconds(&s)) {
                    entry!(self).video.get_or_insert_with(youtube).duration_s = Some(d);
                }
            }
            (Ns::Slash, "comments") | (Ns::Threading, "total") => entry!(self).comments_count = self.number(tag),
            (Ns::Wfw, "commentrss") => entry!(self).comments_feed = self.address(tag),
            (Ns::Wfw, "comment") => {
                let url = self.address(tag);
                let e = entry!(self);
                e.comments_url = e.comments_url.take().or(url);
            }
            (Ns::Threading, "in-reply-to") => {
                let [id, href] = self.attrs(tag, ["ref", "href"]);
                entry!(self).in_reply_to.extend(id.or(href).map(String::from));
            }
            (Ns::Cc, "license" | "licence") | (Ns::Podcast, "license") => {
                let licence = self.licence(tag);
                if let Some(d) = &mut self.draft {
                    d.entry.licence = licence.or(d.entry.licence.take());
                    d.cc_licence = true;
                }
            }
            (Ns::FeedBurner, "origlink") => {
                let url = self.address(tag);
                if let Some(d) = &mut self.draft {
                    d.orig_link = url;
                }
            }
            (Ns::Schema, "lastreviewed") => {
                let date = self.date(tag);
                entry!(self).reviewed = date;
            }
            (Ns::Schema, "nextreview" | "nextreviewdate") => {
                let date = self.date(tag);
                entry!(self).next_review = date;
            }
            (Ns::FeedBurner, "origenclosurelink") => {}
            (Ns::Podcast, "transcript") => {
                let [url, mime, language, rel] = self.attrs(tag, ["url", "type", "language", "rel"]);
                if let Some(url) = url {
                    let url = self.absolute(&url);
                    entry!(self).transcripts.push(Transcript {
                        url,
                        mime: mime.map(Into::into),
                        language: language.map(Into::into),
                        rel: rel.map(Into::into),
                    });
                }
            }
            (Ns::GeoRss, "point") | (Ns::Gml, "pos") => {
                let value = self.plain(tag).unwrap_or_default();
                let mut n = value.split(|c: char| c.is_whitespace() || c == ',').filter_map(|s| s.parse().ok());
                if let (Some(lat), Some(long)) = (n.next(), n.next()) {
                    entry!(self).location = Some((lat, long));
                }
            }
            (Ns::GeoRss, "where") | (Ns::Gml | Ns::Geo, "point") => {
                return Child::Inside(Place::Through);
            }
            (Ns::Geo, "lat" | "long") => {
                let value = self.plain(tag).and_then(|v| v.parse().ok());
                if let Some(d) = &mut self.draft {
                    if local == "lat" { d.lat = value } else { d.long = value }
                }
            }
            _ => return Child::Inside(Place::Ignored),
        }
        self.skip_to_end(tag)
    }

    fn entry_core(&mut self, tag: &Tag<'a>, local: &str) -> Child {
        match local {
            "title" => {
                let title = self.title(tag, Ns::Core);
                let e = entry!(self);
                e.title = e.title.take().or(title);
            }
            "link" => self.link(tag),
            "guid" => {
                let [permalink] = self.attrs(tag, ["isPermaLink"]);
                let id = self.plain(tag);
                let permalink = match (permalink.as_deref(), &id) {
                    (Some(p), _) => p.eq_ignore_ascii_case("true"),
                    // RSS 2.0: true unless said otherwise; one that is no address cannot be one
                    (None, Some(id)) => crate::html::has_scheme(id) && id.contains("//"),
                    (None, None) => false,
                };
                let e = entry!(self);
                if id.is_some() {
                    (e.id, e.id_is_permalink) = (id, permalink);
                }
            }
            "id" => {
                // RFC 4287, 4.2.6: compared character by character, so kept as it is
                let id = self.plain(tag);
                let e = entry!(self);
                e.id = id.or(e.id.take());
            }
            "description" | "summary" | "abstract" | "tagline" => {
                let atom = self.is_atom();
                let untyped = if atom { Untyped::Plain } else { Untyped::Html };
                let text = self.text(tag, untyped);
                let e = entry!(self);
                if e.summary.is_some() && !atom {
                    // a second description is the longer form
                    if e.content.is_none() {
                        e.content = text;
                    }
                } else {
                    e.summary = e.summary.take().or(text);
                }
            }
            "content" => {
                let [src, mime] = self.attrs(tag, ["src", "type"]);
                let src = src.map(|s| self.absolute(&s));
                let text = self.text(tag, if self.is_atom() { Untyped::Plain } else { Untyped::Html });
                if let Some(src) = &src
                    && text.is_none()
                {
                    let media = Media { url: src.clone(), mime: mime.map(Into::into), ..Media::default() };
                    entry!(self).media.push(media);
                }
                entry!(self).content_src = src;
                self.set_content(text);
            }
            "body" | "fullitem" | "encoded" => {
                let text = self.text(tag, Untyped::Html);
                self.set_content(text);
            }
            "pubdate" | "published" | "issued" => {
                let date = self.date(tag);
                let e = entry!(self);
                e.published = e.published.or(date);
            }
            "updated" | "modified" | "lastbuilddate" => {
                let date = self.date(tag);
                let e = entry!(self);
                e.updated = date.or(e.updated);
            }
            "created" => {
                let date = self.date(tag);
                entry!(self).created = date;
            }
            "expirationdate" => {
                let date = self.date(tag);
                entry!(self).expires = date;
            }
            "author" => return Child::Inside(Place::Person(Role::Author)),
            "contributor" => return Child::Inside(Place::Person(Role::Contributor)),
            "category" | "tag" => {
                let category = read_category(self, tag);
                entry!(self).categories.extend(category);
            }
            "keywords" | "tags" => {
                let words = self.plain(tag);
                entry!(self).categories.extend(keywords(words.as_deref().unwrap_or("")));
            }
            "comments" => {
                let url = self.address(tag);
                let e = entry!(self);
                e.comments_url = url.or(e.comments_url.take());
            }
            "enclosure" => {
                let [url, href, mime, length] = self.attrs(tag, ["url", "href", "type", "length"]);
                let url = url.or(href);
                let text = if url.is_none() { self.plain(tag) } else { None };
                let url = url.map(String::from).or(text.filter(|t| crate::html::has_scheme(t)));
                match url {
                    Some(url) => {
                        let url = self.absolute(&url);
                        let length_bytes = length.and_then(|l| l.trim().parse().ok());
                        let media = Media {
                            url,
                            mime: mime.map(Into::into),
                            length_bytes,
                            is_enclosure: true,
                            ..Media::default()
                        };
                        entry!(self).media.push(media);
                    }
                    None => {
                        let place = self.here("enclosure");
                        self.scan.problems.found(
                            "enclosure-without-url",
                            "an enclosure without an address".into(),
                            place,
                        );
                    }
                }
            }
            "source" => {
                let [url] = self.attrs(tag, ["url"]);
                self.source = crate::Source { url: url.map(|u| self.absolute(&u)), ..Default::default() };
                return Child::Inside(Place::Source);
            }
            "image" => return Child::Inside(Place::EntryImage),
            "rights" | "copyright" => {
                let rights = self.text(tag, Untyped::Plain);
                entry!(self).rights = rights;
            }
            "language" => {
                let language = self.plain(tag).map(|l| super::language_tag(&l));
                let e = entry!(self);
                e.language = language.or(e.language.take());
            }
            _ => return Child::Inside(Place::Ignored),
        }
        self.skip_to_end(tag)
    }

    fn set_content(&mut self, text: Option<Text>) {
        if let (Some(d), Some(text)) = (&mut self.draft, text) {
            // of several forms of the content the first one with markup is kept
            match &d.entry.content {
                Some(old) if old.kind != crate::TextKind::Plain || text.kind == crate::TextKind::Plain => {}
                _ => d.entry.content = Some(text),
            }
        }
    }

    fn entry_dublin_core(&mut self, tag: &Tag<'a>, local: &str) -> Child {
        match local {
            "title" => {
                let title = self.title(tag, Ns::Dc).map(|t| t.value);
                if let Some(d) = &mut self.draft {
                    d.other_title = d.other_title.take().or(title);
                }
            }
            "description" | "abstract" => {
                let text = self.text(tag, Untyped::Html);
                let e = entry!(self);
                e.summary = e.summary.take().or(text);
            }
            "date" => {
                let date = self.date(tag);
                if let Some(d) = &mut self.draft {
                    d.dc_date = date;
                }
            }
            "issued" | "available" => {
                let date = self.date(tag);
                let e = entry!(self);
                e.published = e.published.or(date);
            }
            "created" => {
                let date = self.date(tag);
                entry!(self).created = date;
            }
            "modified" => {
                let date = self.date(tag);
                let e = entry!(self);
                e.updated = e.updated.or(date);
            }
            "valid" => {
                let value = self.plain(tag).unwrap_or_default();
                for part in value.split(';') {
                    match part.trim().split_once('=') {
                        Some(("start", v)) => entry!(self).valid_from = crate::dates::parse(v),
                        Some(("end", v)) => entry!(self).expires = crate::dates::parse(v),
                        _ => {}
                    }
                }
            }
            "creator" | "author" => return Child::Inside(Place::Person(Role::Author)),
            "contributor" => return Child::Inside(Place::Person(Role::Contributor)),
            "publisher" => return Child::Inside(Place::Person(Role::Publisher)),
            "subject" => {
                let category = read_category(self, tag);
                entry!(self).categories.extend(category);
            }
            "language" => {
                let language = self.plain(tag).map(|l| super::language_tag(&l));
                let e = entry!(self);
                e.language = language.or(e.language.take());
            }
            "rights" => {
                let rights = self.text(tag, Untyped::Plain);
                let e = entry!(self);
                e.rights = e.rights.take().or(rights);
            }
            "license" => {
                let licence = self.licence(tag);
                let e = entry!(self);
                e.licence = e.licence.take().or(licence);
            }
            "identifier" => {
                let id = self.plain(tag);
                let e = entry!(self);
                e.id = e.id.take().or(id);
            }
            _ => return Child::Inside(Place::Ignored),
        }
        self.skip_to_end(tag)
    }

    fn entry_itunes(&mut self, tag: &Tag<'a>, local: &str) -> Child {
        match local {
            "author" => return Child::Inside(Place::Person(Role::Author)),
            "owner" => return Child::Inside(Place::Person(Role::Owner)),
            "title" => {
                let title = self.plain(tag);
                if let Some(d) = &mut self.draft {
                    d.other_title = d.other_title.take().or(title);
                }
            }
            "category" => {
                let category = read_category(self, tag);
                entry!(self).categories.extend(category);
                return if tag.empty { Child::Done } else { Child::Inside(Place::Through) };
            }
            "image" | "link" => {
                let [href, url] = self.attrs(tag, ["href", "url"]);
                let url = href.or(url).map(|h| self.absolute(&h));
                entry!(self).itunes.image = url;
            }
            "duration" => {
                let value = self.plain(tag).and_then(|d| seconds(&d));
                entry!(self).itunes.duration_s = value;
            }
            _ => {
                let mut itunes = std::mem::take(&mut entry!(self).itunes);
                let known = self.itunes_field(tag, local, &mut itunes);
                entry!(self).itunes = itunes;
                if !known {
                    return Child::Inside(Place::Ignored);
                }
            }
        }
        self.skip_to_end(tag)
    }

    /// Fields that iTunes gives to channels and episodes alike.
    pub(super) fn itunes_field(&mut self, tag: &Tag<'a>, local: &str, itunes: &mut Itunes) -> bool {
        match local {
            "subtitle" => itunes.subtitle = self.plain(tag),
            "summary" | "description" => itunes.summary = self.plain(tag),
            "episode" => itunes.episode = self.number(tag),
            "season" => itunes.season = self.number(tag),
            "episodetype" | "type" => itunes.kind = self.plain(tag),
            "explicit" => {
                itunes.explicit = self.plain(tag).and_then(|v| match v.to_ascii_lowercase().as_str() {
                    "yes" | "true" | "explicit" => Some(true),
                    "no" | "false" | "clean" => Some(false),
                    _ => None,
                });
            }
            "block" => itunes.block = self.plain(tag).map(|v| v.eq_ignore_ascii_case("yes")),
            "keywords" => {
                let words = self.plain(tag).unwrap_or_default();
                itunes.keywords = keywords(&words).map(|c| c.term).collect();
            }
            _ => return false,
        }
        true
    }
}

fn youtube() -> Video {
    Video { site: "youtube".to_owned(), ..Video::default() }
}

/// `category`, `dc:subject`, `itunes:category`.
pub(super) fn read_category<'a>(reader: &mut Reader<'a>, tag: &Tag<'a>) -> Option<Category> {
    let [term, scheme, domain, label, itunes] = reader.attrs(tag, ["term", "scheme", "domain", "label", "text"]);
    let value = if itunes.is_some() || term.is_some() { None } else { reader.plain(tag) };
    let term = term.or(itunes).map(String::from).or(value).or_else(|| label.as_deref().map(str::to_owned))?;
    Some(Category { term, scheme: scheme.or(domain).map(Into::into), label: label.map(Into::into) })
}

/// Words separated by commas, else by blanks.
pub(super) fn keywords(text: &str) -> impl Iterator<Item = Category> + '_ {
    let commas = text.contains(',');
    text.split(move |c: char| if commas { c == ',' } else { c.is_whitespace() })
        .filter_map(trimmed)
        .map(|term| Category { term, ..Category::default() })
}

/// A person of whom something is known.
pub(super) fn known(person: Person) -> Option<Person> {
    (!person.is_empty()).then_some(person)
}
