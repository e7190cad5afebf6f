//! Media RSS: contents, groups, thumbnails, and what stands around them.

use super::{Child, Place, Reader};
use crate::ns::Ns;
use crate::xml::Tag;
use crate::{Media, MediaKind};

impl<'a> Reader<'a> {
    /// Children of `media:group` and `media:content`, and `media:*` in an entry or feed.
    pub(super) fn media_child(&mut self, tag: &Tag<'a>, ns: Ns, local: &str) -> Child {
        if ns != Ns::Media {
            return if matches!(self.outer(), Place::Group | Place::MediaContent)
                && self.draft.is_some()
                && ns != Ns::Core
            {
                self.entry_child(tag, ns, local)
            } else {
                Child::Inside(Place::Ignored)
            };
        }
        let outer = self.outer();
        match local {
            "group" => {
                let start = self.media_list().len();
                if let Some(d) = &mut self.draft {
                    d.group_start = start;
                }
                return Child::Inside(Place::Group);
            }
            "content" | "peerlink" => {
                if let Some(media) = self.media_content(tag) {
                    self.media_list().push(media);
                }
                return if tag.empty { Child::Done } else { Child::Inside(Place::MediaContent) };
            }
            "thumbnail" => {
                let [url, width, height] = self.attrs(tag, ["url", "width", "height"]);
                let text = if url.is_none() { self.plain(tag) } else { None };
                if let Some(url) = url.map(String::from).or(text) {
                    let url = self.absolute(&url);
                    self.media_list().push(Media {
                        url,
                        kind: MediaKind::Image,
                        width: width.and_then(|w| w.parse().ok()),
                        height: height.and_then(|h| h.parse().ok()),
                        is_thumbnail: true,
                        ..Media::default()
                    });
                }
            }
            "title" => {
                let title = self.plain(tag);
                match (outer, title) {
                    (Place::MediaContent, Some(title)) => {
                        if let Some(m) = self.media_list().iter_mut().rev().find(|m| !m.is_thumbnail) {
                            m.title = Some(title);
                        }
                    }
                    (_, title) => {
                        if let Some(d) = &mut self.draft {
                            d.media_title = d.media_title.take().or(title);
                        }
                    }
                }
            }
            "description" | "text" => {
                let text = self.plain(tag);
                match (outer, text) {
                    (Place::MediaContent, Some(text)) => {
                        if let Some(m) = self.media_list().iter_mut().rev().find(|m| !m.is_thumbnail) {
                            m.description = Some(text);
                        }
                    }
                    (_, text) => {
                        if let Some(d) = &mut self.draft {
                            d.media_description = d.media_description.take().or(text);
                        }
                    }
                }
            }
            "keywords" => {
                let words = self.plain(tag).unwrap_or_default();
                if let Some(d) = &mut self.draft {
                    d.entry.categories.extend(super::entry::keywords(&words));
                }
            }
            "category" => {
                let mut category = super::entry::read_category(self, tag);
                if let Some(c) = &mut category {
                    // Media RSS 1.5.1: the default scheme
                    c.scheme.get_or_insert_with(|| "http://search.yahoo.com/mrss/category_schema".to_owned());
                }
                match &mut self.draft {
                    Some(d) => d.entry.categories.extend(category),
                    None => self.feed.categories.extend(category),
                }
            }
            "credit" => {
                let [role] = self.attrs(tag, ["role"]);
                let name = self.plain(tag);
                if let (Some(d), Some(name)) = (&mut self.draft, name)
                    && role.as_deref().is_some_and(|r| r.eq_ignore_ascii_case("author"))
                    && d.entry.authors.is_empty()
                {
                    d.entry.authors.push(super::person::person_from_text(&name));
                }
            }
            "license" => {
                let [href] = self.attrs(tag, ["href"]);
                let href = href.map(|h| self.absolute(&h));
                if let Some(d) = &mut self.draft {
                    d.entry.licence = d.entry.licence.take().or(href);
                }
            }
            _ => return Child::Inside(Place::Ignored),
        }
        self.skip_to_end(tag)
    }

    fn media_content(&mut self, tag: &Tag<'a>) -> Option<Media> {
        let [url, href, mime, medium, width, height, duration, size, lang] =
            self.attrs(tag, ["url", "href", "type", "medium", "width", "height", "duration", "fileSize", "lang"]);
        let url = url.or(href)?;
        let url = self.absolute(&url);
        let kind = match medium.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("image") => MediaKind::Image,
            Some("audio") => MediaKind::Audio,
            Some("video") => MediaKind::Video,
            Some("document") => MediaKind::Document,
            _ => MediaKind::Other,
        };
        Some(Media {
            url,
            mime: mime.map(Into::into),
            kind,
            width: width.and_then(|w| w.parse().ok()),
            height: height.and_then(|h| h.parse().ok()),
            duration_s: duration.and_then(|d| seconds(&d)),
            length_bytes: size.and_then(|s| s.parse().ok()),
            language: lang.map(Into::into),
            ..Media::default()
        })
    }

    /// What a group says holds for each of its contents.
    pub(super) fn close_group(&mut self) {
        let Some(d) = &mut self.draft else { return };
        let (title, description) = (d.media_title.clone(), d.media_description.clone());
        for m in d.entry.media.iter_mut().skip(d.group_start).filter(|m| !m.is_thumbnail) {
            m.title = m.title.take().or_else(|| title.clone());
            m.description = m.description.take().or_else(|| description.clone());
        }
        let longest = d.entry.media.iter().skip(d.group_start).filter_map(|m| m.duration_s).fold(0.0, f64::max);
        if longest > 0.0 {
            d.media_duration = Some(longest);
        }
    }
}

/// Kind of a medium by media type, else by the end of its file name.
pub(crate) fn kind_of(mime: Option<&str>, url: &str) -> MediaKind {
    if let Some(mime) = mime {
        let mime = mime.trim().to_ascii_lowercase();
        match mime.split('/').next() {
            Some("image") => return MediaKind::Image,
            Some("audio") => return MediaKind::Audio,
            Some("video") => return MediaKind::Video,
            Some("text") => return MediaKind::Document,
            _ => {}
        }
        if ["pdf", "msword", "officedocument", "epub", "opendocument", "rtf", "powerpoint", "excel"]
            .iter()
            .any(|d| mime.contains(d))
        {
            return MediaKind::Document;
        }
        if mime == "application/x-shockwave-flash" {
            return MediaKind::Video;
        }
    }
    let path = url.split(['?', '#']).next().unwrap_or("");
    let Some((_, extension)) = path.rsplit_once('.') else { return MediaKind::Other };
    match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" | "png" | "gif" | "webp" | "avif" | "svg" | "bmp" => MediaKind::Image,
        "mp3" | "m4a" | "ogg" | "oga" | "opus" | "wav" | "aac" | "flac" => MediaKind::Audio,
        "mp4" | "m4v" | "mov" | "webm" | "ogv" | "avi" | "mkv" | "wmv" => MediaKind::Video,
        "pdf" | "doc" | "docx" | "ppt" | "pptx" | "xls" | "xlsx" | "odt" | "epub" | "txt" | "rtf" => {
            MediaKind::Document
        }
        _ => MediaKind::Other,
    }
}

/// A duration: seconds, `mm:ss`, `hh:mm:ss`, or ISO 8601 (`PT1H2M3S`), in seconds.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix(['P', 'p']) {
        return iso_duration(rest);
    }
    let mut total = 0.0;
    for (i, part) in text.split(':').enumerate() {
        if i > 2 {
            return None;
        }
        let n: f64 = part.trim().parse().ok()?;
        total = total * 60.0 + n;
    }
    (total.is_finite() && (0.0..1e9).contains(&total)).then_some(total)
}

fn iso_duration(rest: &str) -> Option<f64> {
    let (mut total, mut number, mut time) = (0.0, String::new(), false);
    for c in rest.chars() {
        match c.to_ascii_uppercase() {
            '0'..='9' | '.' if number.len() < 12 => number.push(c),
            'T' => time = true,
            unit => {
                let n: f64 = number.parse().ok()?;
                number.clear();
                total += n * match unit {
                    'W' => 604_800.0,
                    'D' => 86_400.0,
                    'H' => 3600.0,
                    'M' if time => 60.0,
                    'S' => 1.0,
                    _ => return None,
                };
            }
        }
    }
    number.is_empty().then_some(total)
}
