//! What holds for an element and all that is in it: namespaces, base address, language.

use super::{Base, Reader};
use crate::ns::{self, Ns};
use crate::xml::Tag;
use std::borrow::Cow;
use std::rc::Rc;
use url::Url;

impl<'a> Reader<'a> {
    /// The vocabulary and local name, in lower case, of a qualified name.
    pub(super) fn resolve(&mut self, name: &'a str, pos: usize) -> (Ns, Cow<'a, str>) {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let local = if local.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(local.to_ascii_lowercase())
        } else {
            Cow::Borrowed(local)
        };
        if let Some((_, ns)) = self.ns.iter().rev().find(|(p, _)| *p == prefix) {
            return (*ns, local);
        }
        if prefix.is_empty() {
            return (Ns::Core, local);
        }
        self.scan.repair("undeclared-prefix", "a prefix that is not declared", pos);
        (ns::by_prefix(prefix).unwrap_or(Ns::Other), local)
    }

    /// Reads `xmlns`, `xml:base` and `xml:lang`.
    pub(super) fn scope(&mut self, tag: &Tag<'a>) -> (Option<Rc<Base>>, Option<Rc<str>>) {
        let (mut base, mut lang) = match self.stack.last() {
            Some(f) => (f.base.clone(), f.lang.clone()),
            None => (None, None),
        };
        if memchr::memmem::find(tag.attrs.as_bytes(), b"xml").is_none() {
            return (base, lang);
        }
        for (key, value) in tag.raw_attrs() {
            if key == "xmlns" {
                self.ns.push(("", ns::by_uri(&value)));
            } else if let Some(prefix) = key.strip_prefix("xmlns:") {
                let known = match ns::by_uri(&value) {
                    Ns::Other => ns::by_prefix(prefix).filter(|_| value.trim().is_empty()).unwrap_or(Ns::Other),
                    known => known,
                };
                self.ns.push((prefix, known));
            } else if key == "xml:base" {
                let value = self.scan.unescape_attr(value);
                base = Self::join_base(base, &value);
            } else if key == "xml:lang" {
                let value = value.trim();
                lang = (!value.is_empty()).then(|| Rc::from(language_tag(value)));
            }
        }
        (base, lang)
    }

    pub(super) fn join_base(outer: Option<Rc<Base>>, value: &str) -> Option<Rc<Base>> {
        let value = value.trim();
        let url = match &outer {
            Some(b) => b.url.join(value).ok(),
            None => Url::parse(value).ok(),
        };
        match url {
            Some(url) if !url.cannot_be_a_base() => Some(Rc::new(Base { url, stated: true })),
            _ => outer,
        }
    }
}

/// BCP 47 separates with hyphens; content systems write underscores too.
pub(super) fn language_tag(value: &str) -> String {
    value.replace('_', "-")
}
