//! RSS, RDF, Atom and CDF in one pass.
//!
//! One loop over the scanner's tokens with a stack of open elements. Each open element has a [`Place`], which says what
//! its children mean; an element with a value (a title, a date, a content) is read to its end at once by `value.rs`.
//! Elements of the core vocabularies share their names, so one table per place serves all formats. Whatever closes in
//! the wrong order is closed as it should have been, and told.

mod channel;
mod close;
mod entry;
mod media;
mod person;
mod scope;
mod value;

use crate::ns::Ns;
use crate::problems::line_of;
use crate::xml::{Scanner, Tag, Token, local_name};
use crate::{Context, DeletedEntry, Entry, Feed, Format, Media, Parsed, Person, Source};
pub(crate) use close::finish_media;
use jiff::Timestamp;
pub(crate) use media::seconds;
use scope::language_tag;
use std::borrow::Cow;
use std::rc::Rc;
use url::Url;

/// Entries read from one document; the rest is counted and dropped.
pub(crate) const MAX_ENTRIES: usize = 50_000;
/// Open elements; deeper ones are passed over.
const MAX_DEPTH: usize = 200;

/// What the children of an open element mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Outside of everything, and wrappers such as `rss`.
    Root,
    /// `channel`, `feed`.
    Feed,
    /// `item`, `entry`.
    Entry,
    /// `image` of a feed.
    Image,
    /// `image` of an entry.
    EntryImage,
    /// `textInput`.
    TextInput,
    /// `author` and the like.
    Person(Role),
    /// `source`.
    Source,
    /// `media:group`.
    Group,
    /// `media:content`.
    MediaContent,
    /// `at:deleted-entry`.
    Deleted,
    /// `skipHours`, `skipDays`.
    Skip,
    /// An element that holds nothing of its own: what stands in it belongs to the place around it.
    Through,
    /// CDF's `SCHEDULE` and the like, unknown elements: nothing in them is ours.
    Ignored,
}

/// Who a person is to the feed or entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Author,
    Contributor,
    Publisher,
    Owner,
    DeletedBy,
}

/// A base address: as given, and as an address where it is one.
struct Base {
    url: Url,
    /// Whether the document itself stated it.
    stated: bool,
}

/// An open element.
struct Frame<'a> {
    name: &'a str,
    place: Place,
    /// How many namespace declarations were in force outside of it.
    ns_len: usize,
    base: Option<Rc<Base>>,
    lang: Option<Rc<str>>,
}

/// What is gathered about the open entry besides the entry itself.
#[derive(Default)]
struct Draft {
    entry: Entry,
    /// Title from a vocabulary that only fills a gap.
    other_title: Option<String>,
    /// `dc:date`, which is either date.
    dc_date: Option<Timestamp>,
    orig_link: Option<String>,
    media_title: Option<String>,
    media_description: Option<String>,
    media_duration: Option<f64>,
    cc_licence: bool,
    lat: Option<f64>,
    long: Option<f64>,
    /// First medium of the open `media:group`.
    group_start: usize,
}

/// The state of one reading.
struct Reader<'a> {
    scan: Scanner<'a>,
    format: Option<Format>,
    feed: Feed,
    entries: Vec<Entry>,
    dropped: usize,
    deleted: Vec<DeletedEntry>,
    stack: Vec<Frame<'a>>,
    ns: Vec<(&'a str, Ns)>,
    draft: Option<Box<Draft>>,
    person: Person,
    source: Source,
    image: crate::Image,
    tombstone: DeletedEntry,
    /// Text that stands directly in the open person, source or image.
    loose_text: String,
    site_from_rss: Option<String>,
    roots: usize,
    /// Unknown elements without an end so far.
    unclosed: u32,
}

/// Reads an XML document; `Format::Unknown` or `Html` where it is no feed.
pub(crate) fn parse_xml(text: &str, ctx: &Context<'_>) -> Parsed {
    let base = ctx.url.map(|u| Rc::new(Base { url: u.clone(), stated: false }));
    let mut reader = Reader {
        scan: Scanner::new(text),
        format: None,
        feed: Feed::default(),
        entries: Vec::new(),
        dropped: 0,
        deleted: Vec::new(),
        stack: vec![Frame { name: "", place: Place::Root, ns_len: 0, base, lang: None }],
        ns: Vec::new(),
        draft: None,
        person: Person::default(),
        source: Source::default(),
        image: crate::Image::default(),
        tombstone: DeletedEntry::default(),
        loose_text: String::new(),
        site_from_rss: None,
        roots: 0,
        unclosed: 0,
    };
    reader.run();
    reader.finish()
}

impl<'a> Reader<'a> {
    fn run(&mut self) {
        let start = self.scan.text.len() - self.scan.text.trim_start().len();
        if !self.scan.text[start..].starts_with('<') && !self.scan.text[start..].is_empty() {
            self.scan.repair("junk-before-document", "text before the document", start);
        } else if start > 0 && self.scan.text[start..].starts_with("<?xml") {
            self.scan.repair("junk-before-document", "blanks before the XML declaration", 0);
        }
        loop {
            match self.scan.next() {
                Token::Start(tag) => self.start(tag),
                Token::End { name, start } => self.end(name, start),
                Token::Text(raw) => {
                    if matches!(self.place(), Place::Person(_) | Place::Source | Place::EntryImage | Place::Image) {
                        let text = self.scan.unescape(raw);
                        self.loose_text.push_str(&text);
                    }
                }
                Token::CData(raw) => {
                    if matches!(self.place(), Place::Person(_) | Place::Source | Place::EntryImage | Place::Image) {
                        self.loose_text.push_str(raw);
                    }
                }
                Token::Eof => break,
            }
        }
        if self.stack.len() > 1 {
            self.scan.repair("truncated", "the document ends before its elements are closed", self.scan.text.len());
            while self.stack.len() > 1 {
                self.pop();
            }
        }
    }

    fn place(&self) -> Place {
        self.stack.last().map_or(Place::Root, |f| f.place)
    }

    /// Opens an element; one that closes itself is closed at once.
    fn open(&mut self, tag: &Tag<'a>, place: Place, ns_len: usize, base: Option<Rc<Base>>, lang: Option<Rc<str>>) {
        self.stack.push(Frame { name: tag.name, place, ns_len, base, lang });
        if tag.empty {
            self.pop();
        }
    }

    fn start(&mut self, tag: Tag<'a>) {
        let ns_len = self.ns.len();
        let (base, lang) = self.scope(&tag);
        let (ns, local) = self.resolve(tag.name, tag.start);
        let local: &str = &local;
        if self.stack.len() == 1 {
            self.roots += 1;
            if self.roots == 2 && self.format.is_some_and(Format::is_feed) {
                self.scan.repair("several-roots", "more than one root element", tag.start);
            }
        }
        if self.stack.len() >= MAX_DEPTH {
            self.scan.repair("too-deep", "elements nested too deeply are passed over", tag.start);
            self.ns.truncate(ns_len);
            return;
        }
        if matches!(ns, Ns::Core | Ns::Rdf)
            && let Some(place) = self.structure(&tag, ns, local)
        {
            // attributes of the channel and the entry are read with their base in force
            self.stack.push(Frame { name: tag.name, place, ns_len, base, lang });
            match place {
                Place::Feed => self.feed_attributes(&tag),
                Place::Entry => self.entry_attributes(&tag),
                _ => {}
            }
            if tag.empty {
                self.pop();
            }
            return;
        }
        if ns == Ns::Tombstones && local == "deleted-entry" {
            self.close_to_feed(tag.start);
            self.start_tombstone(&tag);
            self.open(&tag, Place::Deleted, ns_len, base, lang);
            return;
        }
        // the element's own base and language are in force for its value
        self.stack.push(Frame { name: tag.name, place: Place::Ignored, ns_len, base, lang });
        let child = match self.outer() {
            Place::Root | Place::Feed => self.feed_child(&tag, ns, local),
            Place::Entry => self.entry_child(&tag, ns, local),
            Place::Person(_) => self.person_child(&tag, ns, local),
            Place::Source => self.source_child(&tag, ns, local),
            Place::Image | Place::EntryImage => self.image_child(&tag, ns, local),
            Place::TextInput => self.text_input_child(&tag, local),
            Place::Group | Place::MediaContent => self.media_child(&tag, ns, local),
            Place::Deleted => self.tombstone_child(&tag, ns, local),
            Place::Skip => self.skip_child(&tag, local),
            Place::Ignored | Place::Through => Child::Inside(Place::Ignored),
        };
        match child {
            Child::Done => {
                if let Some(f) = self.stack.pop() {
                    self.ns.truncate(f.ns_len);
                }
            }
            Child::Inside(mut place) => {
                if place == Place::Ignored && !tag.empty && !self.is_closed_ahead(&tag) {
                    // it has no end: what follows is not inside of it
                    place = Place::Through;
                }
                if let Some(f) = self.stack.last_mut() {
                    f.place = place;
                }
                if matches!(place, Place::Person(_) | Place::Source | Place::EntryImage | Place::Image) {
                    self.loose_text.clear();
                }
                if tag.empty {
                    self.pop();
                }
            }
        }
    }

    /// Elements that make the document's structure, wherever they stand.
    fn structure(&mut self, tag: &Tag<'a>, ns: Ns, local: &str) -> Option<Place> {
        match (ns, local) {
            (Ns::Rdf, "rdf") | (Ns::Core, "rss" | "rdf") if self.stack.len() <= 2 => {
                self.root_format(tag, local);
                Some(Place::Root)
            }
            (Ns::Core, "feed") if self.draft.is_none() && !self.inside(Place::Feed) => {
                self.root_format(tag, local);
                Some(Place::Feed)
            }
            (Ns::Core, "channel") if self.draft.is_none() && self.place() != Place::Ignored => {
                if self.format.is_none() {
                    self.root_format(tag, local);
                }
                Some(Place::Feed)
            }
            (Ns::Core, "item" | "entry") => {
                if self.format.is_none_or(|f| !f.is_feed()) && self.format != Some(Format::Html) {
                    self.format = Some(if local == "item" { Format::Rss20 } else { Format::Atom10 });
                    self.scan.repair("no-root", "entries outside of a feed's root element", tag.start);
                }
                if self.format == Some(Format::Html) {
                    return None;
                }
                if self.draft.is_some() {
                    if self.format != Some(Format::Cdf) {
                        self.scan.repair("unclosed-entry", "an entry that begins before the last one ended", tag.start);
                    }
                    self.close_to_feed(tag.start);
                }
                self.draft = Some(Box::default());
                Some(Place::Entry)
            }
            (Ns::Core, "html") if self.stack.len() == 1 && self.format.is_none() => {
                self.format = Some(Format::Html);
                Some(Place::Ignored)
            }
            _ => None,
        }
    }

    /// Whether an unknown element's end tag stands within reach. After many without, none is looked for any more, which
    /// keeps hostile input linear.
    fn is_closed_ahead(&mut self, tag: &Tag<'a>) -> bool {
        const REACH: usize = 16 << 10;
        const PATIENCE: u32 = 200;
        if self.unclosed >= PATIENCE {
            return true;
        }
        let rest = &self.scan.text.as_bytes()[tag.end.min(self.scan.text.len())..];
        let mut at = 0;
        let window = &rest[..rest.len().min(REACH)];
        while let Some(i) = memchr::memmem::find(&window[at..], b"</") {
            at += i + 2;
            if window[at..].starts_with(tag.name.as_bytes()) {
                return true;
            }
        }
        // a long element may end beyond
        let found = window.len() == REACH;
        self.unclosed += u32::from(!found);
        found
    }

    /// What the children of the element around the last opened one mean.
    fn outer(&self) -> Place {
        let around = self.stack.iter().rev().skip(1).map(|f| f.place);
        around.into_iter().find(|p| *p != Place::Through).unwrap_or(Place::Root)
    }

    fn inside(&self, place: Place) -> bool {
        self.stack.iter().any(|f| f.place == place)
    }

    /// Closes whatever is open inside of the feed.
    fn close_to_feed(&mut self, _pos: usize) {
        while self.stack.len() > 1 && !matches!(self.place(), Place::Feed | Place::Root) {
            self.pop();
        }
    }

    fn end(&mut self, name: &str, start: usize) {
        if self.stack.len() > 1 && self.stack.last().is_some_and(|f| f.name == name) {
            self.pop();
            return;
        }
        let same = |f: &Frame<'_>| f.name == name || (f.name.eq_ignore_ascii_case(name) && f.name.len() == name.len());
        match self.stack.iter().skip(1).rposition(same) {
            Some(i) => {
                let depth = i + 1;
                if depth + 1 < self.stack.len() {
                    self.scan.repair(
                        "wrong-nesting",
                        "an element that is not closed, or closed in the wrong order",
                        start,
                    );
                }
                while self.stack.len() > depth {
                    self.pop();
                }
            }
            None => self.scan.repair("unmatched-end-tag", "an end tag without its start", start),
        }
    }

    fn pop(&mut self) {
        let Some(frame) = self.stack.last() else { return };
        let (place, ns_len) = (frame.place, frame.ns_len);
        match place {
            Place::Entry => self.close_entry(),
            Place::Person(role) => self.close_person(role),
            Place::Source => self.close_source(),
            Place::Image | Place::EntryImage => self.close_image(place),
            Place::Group => self.close_group(),
            Place::Deleted => self.deleted.push(std::mem::take(&mut self.tombstone)),
            _ => {}
        }
        self.stack.pop();
        self.ns.truncate(ns_len);
    }

    /// Where the reader is, for people.
    fn here(&self, what: &str) -> String {
        if self.draft.is_some() {
            format!("entry {}, {what}", self.entries.len() + 1)
        } else {
            format!("{what}, {}", line_of(self.scan.text, self.scan.pos))
        }
    }

    /// A relative or absolute address, made absolute where a base is known. An absolute one stays as written.
    fn absolute(&self, href: &str) -> String {
        let base = self.stack.last().and_then(|f| f.base.as_ref()).map(|b| &b.url);
        crate::html::absolute(href, base)
    }

    /// Several attributes of a tag in one pass, by local name in any case, decoded and trimmed; empty ones are absent.
    fn attrs<const N: usize>(&mut self, tag: &Tag<'a>, names: [&str; N]) -> [Option<Cow<'a, str>>; N] {
        let mut out = [const { None }; N];
        if tag.attrs.len() < 3 {
            return out;
        }
        for (key, value) in tag.raw_attrs() {
            if key.starts_with("xmlns") || key.starts_with("xml:") {
                continue;
            }
            let key = local_name(key);
            if let Some(i) = names.iter().position(|n| n.eq_ignore_ascii_case(key))
                && out[i].is_none()
            {
                let value = self.scan.unescape_attr(value);
                let trimmed = value.trim();
                if trimmed.is_empty() {
                    continue;
                }
                out[i] = Some(if trimmed.len() == value.len() { value } else { Cow::Owned(trimmed.to_owned()) });
            }
        }
        out
    }

    /// The open medium: that of the entry, else of the feed.
    fn media_list(&mut self) -> &mut Vec<Media> {
        match &mut self.draft {
            Some(d) => &mut d.entry.media,
            None => &mut self.feed.media,
        }
    }
}

/// What a handler did with an element.
enum Child {
    /// Read it to its end.
    Done,
    /// Wants its children at this place.
    Inside(Place),
}
