//! Persons, the source of an entry, pictures with a frame, tombstones: small structures with children.

use super::channel::channel_id;
use super::entry::known;
use super::value::{Untyped, leading_number, trimmed};
use super::{Child, Place, Reader, Role};
use crate::ns::Ns;
use crate::xml::Tag;
use crate::{DeletedEntry, Generator, Image, Media, MediaKind, Person, Text, TextKind};

impl<'a> Reader<'a> {
    pub(super) fn person_child(&mut self, tag: &Tag<'a>, ns: Ns, local: &str) -> Child {
        match (ns, local) {
            (Ns::Core | Ns::Itunes, "name") => self.person.name = self.plain(tag),
            (Ns::Core | Ns::Itunes, "email") => self.person.email = self.plain(tag),
            (Ns::Core, "uri" | "url" | "homepage") => self.person.url = self.address(tag),
            (Ns::YouTube, "channelid") => {
                let id = self.plain(tag).map(channel_id);
                if self.draft.is_none() {
                    self.feed.youtube_channel_id = self.feed.youtube_channel_id.take().or(id);
                }
            }
            (Ns::Core, _) => {
                // markup where a name was expected
                let text = self.plain(tag).unwrap_or_default();
                self.loose_text.push_str(&text);
            }
            _ => return Child::Inside(Place::Ignored),
        }
        Child::Done
    }

    pub(super) fn close_person(&mut self, role: Role) {
        let mut person = std::mem::take(&mut self.person);
        let text = std::mem::take(&mut self.loose_text);
        if person.is_empty() {
            person = person_from_text(&text);
        }
        let Some(person) = known(person) else { return };
        let outer = self.outer();
        if outer == Place::Deleted || role == Role::DeletedBy {
            self.tombstone.by = Some(person);
            return;
        }
        if outer == Place::Source {
            match role {
                Role::Contributor => self.source.contributors.push(person),
                _ => self.source.authors.push(person),
            }
            return;
        }
        let (authors, contributors, publisher, itunes) = match &mut self.draft {
            Some(d) => (&mut d.entry.authors, &mut d.entry.contributors, &mut d.entry.publisher, &mut d.entry.itunes),
            None => {
                (&mut self.feed.authors, &mut self.feed.contributors, &mut self.feed.publisher, &mut self.feed.itunes)
            }
        };
        match role {
            Role::Author => {
                if authors.len() >= super::close::MAX_LIST {
                    return;
                }
                // the same person in two vocabularies is one person
                let same = |a: &Person| {
                    a.name.is_some()
                        && a.name == person.name
                        && (a.email.is_none() || person.email.is_none() || a.email == person.email)
                };
                match authors.iter_mut().find(|a| same(a)) {
                    Some(old) if person.email.is_none() || old.email.is_none() => {
                        old.email = old.email.take().or(person.email);
                        old.url = old.url.take().or(person.url);
                    }
                    _ => authors.push(person),
                }
            }
            Role::Contributor => contributors.push(person),
            Role::Publisher => *publisher = Some(person),
            Role::Owner | Role::DeletedBy => {
                if publisher.is_none() {
                    *publisher = Some(person.clone());
                }
                itunes.owner = Some(person);
            }
        }
    }

    pub(super) fn source_child(&mut self, tag: &Tag<'a>, ns: Ns, local: &str) -> Child {
        if ns != Ns::Core {
            return Child::Inside(Place::Ignored);
        }
        match local {
            "title" => self.source.title = self.text(tag, Untyped::Plain),
            "subtitle" | "tagline" => self.source.subtitle = self.text(tag, Untyped::Plain),
            "id" => self.source.id = self.plain(tag),
            "link" => {
                let link = self.read_link(tag);
                self.source.links.extend(link);
            }
            "updated" | "modified" => {
                let value = self.plain(tag);
                self.source.updated = value.and_then(|v| self.read_date(&v, "source updated"));
            }
            "rights" | "copyright" => self.source.rights = self.text(tag, Untyped::Plain),
            "icon" => self.source.icon = self.address(tag),
            "logo" => self.source.logo = self.address(tag),
            "generator" => {
                let [url, uri, version] = self.attrs(tag, ["url", "uri", "version"]);
                let name = self.plain(tag).unwrap_or_default();
                let url = uri.or(url).map(|u| self.absolute(&u));
                self.source.generator = Some(Generator { name, url, version: version.map(Into::into) });
            }
            "author" => return Child::Inside(Place::Person(Role::Author)),
            "contributor" => return Child::Inside(Place::Person(Role::Contributor)),
            "category" => {
                let category = super::entry::read_category(self, tag);
                self.source.categories.extend(category);
            }
            _ => return Child::Inside(Place::Ignored),
        }
        self.skip_to_end(tag)
    }

    pub(super) fn close_source(&mut self) {
        let mut source = std::mem::take(&mut self.source);
        let text = std::mem::take(&mut self.loose_text);
        if source.title.is_none() {
            source.title = trimmed(&text).map(|value| Text { kind: TextKind::Plain, value, ..Text::default() });
        }
        if source.url.is_none() {
            let pick = source
                .links
                .iter()
                .find(|l| !l.href.is_empty() && l.rel.as_deref().is_none_or(|r| r == "alternate"))
                .or(source.links.first());
            source.url = pick.map(|l| l.href.clone());
        }
        if let Some(d) = &mut self.draft
            && source != crate::Source::default()
        {
            d.entry.source = Some(source);
        }
    }

    pub(super) fn image_child(&mut self, tag: &Tag<'a>, ns: Ns, local: &str) -> Child {
        if ns != Ns::Core {
            return Child::Inside(Place::Ignored);
        }
        match local {
            "url" => self.image.url = self.address(tag),
            "title" => self.image.title = self.plain(tag),
            "link" => self.image.link = self.address(tag),
            "description" => self.image.description = self.plain(tag),
            "width" => self.image.width = self.plain(tag).and_then(|v| leading_number(&v)),
            "height" => self.image.height = self.plain(tag).and_then(|v| leading_number(&v)),
            _ => return Child::Inside(Place::Ignored),
        }
        Child::Done
    }

    pub(super) fn close_image(&mut self, place: Place) {
        let mut image = std::mem::take(&mut self.image);
        let text = std::mem::take(&mut self.loose_text);
        if image.url.is_none() {
            image.url = trimmed(&text).filter(|t| !t.contains(char::is_whitespace)).map(|t| self.absolute(&t));
        }
        if image == Image::default() {
            return;
        }
        if place == Place::Image {
            self.feed.image = match self.feed.image.take() {
                // RDF refers to the picture before it describes it
                Some(old) if old.url.is_some() && image.url.is_none() => Some(Image { url: old.url, ..image }),
                Some(old) if old.title.is_some() => Some(old),
                _ => Some(image),
            };
        } else if let (Some(d), Some(url)) = (&mut self.draft, image.url) {
            d.entry.media.push(Media {
                url,
                kind: MediaKind::Image,
                title: image.title,
                description: image.description,
                width: image.width,
                height: image.height,
                ..Media::default()
            });
        }
    }

    pub(super) fn start_tombstone(&mut self, tag: &Tag<'a>) {
        let [id, when] = self.attrs(tag, ["ref", "when"]);
        let when = when.and_then(|w| self.read_date(&w, "deleted-entry"));
        self.tombstone = DeletedEntry { ref_: id.map(Into::into).unwrap_or_default(), when, ..DeletedEntry::default() };
    }

    pub(super) fn tombstone_child(&mut self, tag: &Tag<'a>, _ns: Ns, local: &str) -> Child {
        match local {
            "by" => return Child::Inside(Place::Person(Role::DeletedBy)),
            "comment" => self.tombstone.comment = self.plain(tag),
            "link" => self.tombstone.url = self.read_link(tag).map(|l| l.href),
            _ => return Child::Inside(Place::Ignored),
        }
        self.skip_to_end(tag)
    }
}

/// A person in one line: `name (mail)`, `mail (name)`, `name <mail>`, a mail address, or a name.
pub(crate) fn person_from_text(text: &str) -> Person {
    let text = text.trim();
    let Some(at) = text.find('@') else {
        return Person { name: trimmed(text), ..Person::default() };
    };
    let word = |c: char| {
        c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%' | '@' | '!' | '#' | '$' | '*' | '/' | '=' | '~')
    };
    let start = text[..at].char_indices().rev().find(|(_, c)| !word(*c)).map_or(0, |(i, c)| i + c.len_utf8());
    let end = text[at..].char_indices().find(|(_, c)| !word(*c)).map_or(text.len(), |(i, _)| at + i);
    let email = text[start..end].trim_end_matches('.');
    if start >= at || end <= at + 1 || email.matches('@').count() != 1 {
        return Person { name: trimmed(text), ..Person::default() };
    }
    let rest = format!("{} {}", &text[..start], &text[end..]).replace("()", "").replace("<>", "");
    let name = rest.trim().trim_start_matches("mailto:").trim_matches(['(', ')', '<', '>', '"', ' ', ',']).trim();
    Person { name: trimmed(name), email: Some(email.to_owned()), ..Person::default() }
}
