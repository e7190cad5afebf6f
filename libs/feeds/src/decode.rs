//! Bytes to text.
//!
//! Order of trust: byte order mark, shape of the first bytes (UTF-16 and UTF-32 without a mark), HTTP `charset`, XML
//! declaration, detection (RFC 7303, 3; WHATWG Encoding Standard, 6). A stated encoding that the bytes contradict is
//! not believed: UTF-8 that is stated and is not gives way to detection, and what is not UTF-8 by statement but is by
//! every byte is read as UTF-8.

use crate::Problem;
use crate::problems::line_of;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;

/// Text with the encoding it was in.
#[derive(Debug, Clone)]
pub struct Decoded<'a> {
    /// The text; borrowed where the bytes were valid UTF-8.
    pub text: Cow<'a, str>,
    /// The encoding used, see [`crate::Parsed::encoding`].
    pub encoding: &'static str,
    /// What was wrong or was repaired.
    pub problems: Vec<Problem>,
}

/// Decodes a document. Order of trust: byte order mark, HTTP charset, XML declaration, detection. Never fails: bytes
/// that are invalid are replaced and reported.
pub fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Decoded<'a> {
    let mut problems = Vec::new();
    if let Some((unit, big, skip)) = wide_form(bytes) {
        return decode_wide(&bytes[skip..], unit, big, problems);
    }
    let (body, bom) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    let http = content_type.and_then(charset);
    let declared = xml_declaration(body);
    let valid = std::str::from_utf8(body);
    let ascii = valid.is_ok_and(str::is_ascii);
    if bom {
        return match valid {
            Ok(text) => done(Cow::Borrowed(text), "utf-8", problems),
            Err(_) => replaced(body, UTF_8, "utf-8", problems),
        };
    }
    let http_label = http.as_deref().and_then(|l| known(l, ascii, &mut problems, "Content-Type"));
    let declared_label = declared.and_then(|l| known(l, ascii, &mut problems, "XML declaration"));
    if let (Some(h), Some(d)) = (&http_label, &declared_label)
        && h.encoding != d.encoding
        && !body.is_ascii()
    {
        problems.push(Problem {
            code: "encoding-mismatch",
            message: format!("the server says {}, the document {}", h.name, d.name),
            where_: "Content-Type".into(),
        });
    }
    let stated = http_label.or(declared_label);
    let Some(label) = stated else {
        return match valid {
            // RFC 3023's default of text/* is named where it holds; RFC 7303 gave it up, and so do we where it does not
            Ok(text) => {
                let old = text.is_ascii() && content_type.is_some_and(|c| c.trim_start().starts_with("text/"));
                done(Cow::Borrowed(text), if old { "us-ascii" } else { "utf-8" }, problems)
            }
            Err(_) => detect(body, problems),
        };
    };
    if label.encoding == UTF_8 || label.name == "us-ascii" {
        return match valid {
            Ok(text) => {
                let name = if text.is_ascii() { label.name } else { "utf-8" };
                done(Cow::Borrowed(text), name, problems)
            }
            Err(_) => {
                // the other statement may be the true one
                if let Some(d) =
                    declared.and_then(|l| known(l, ascii, &mut Vec::new(), "")).filter(|d| d.encoding != UTF_8)
                    && let Some(text) = d.encoding.decode_without_bom_handling_and_without_replacement(body)
                {
                    mismatch(&mut problems, label.name, d.name);
                    return done(text, d.name, problems);
                }
                mostly_utf8(body, problems)
            }
        };
    }
    if label.encoding == UTF_16LE || label.encoding == UTF_16BE {
        // it says so in one-byte letters: it is not so
        mismatch(&mut problems, label.name, "utf-8");
        return match valid {
            Ok(text) => done(Cow::Borrowed(text), if body.is_ascii() { label.name } else { "utf-8" }, problems),
            Err(_) => detect(body, problems),
        };
    }
    if let Ok(text) = valid
        && !text.is_ascii()
        && label.encoding.is_single_byte()
    {
        // text in a one-byte encoding is never UTF-8 by chance for long
        mismatch(&mut problems, label.name, "utf-8");
        return done(Cow::Borrowed(text), "utf-8", problems);
    }
    match label.encoding.decode_without_bom_handling_and_without_replacement(body) {
        Some(text) => done(text, label.name, problems),
        None => replaced(body, label.encoding, label.name, problems),
    }
}

fn done<'a>(text: Cow<'a, str>, encoding: &'static str, problems: Vec<Problem>) -> Decoded<'a> {
    Decoded { text, encoding, problems }
}

fn mismatch(problems: &mut Vec<Problem>, said: &str, is: &str) {
    problems.push(Problem {
        code: "encoding-mismatch",
        message: format!("it says {said}, but is {is}"),
        where_: "document".into(),
    });
}

/// Invalid bytes become U+FFFD.
fn replaced<'a>(
    body: &'a [u8],
    encoding: &'static Encoding,
    name: &'static str,
    mut problems: Vec<Problem>,
) -> Decoded<'a> {
    let (text, _) = encoding.decode_without_bom_handling(body);
    let place = text.find('\u{FFFD}').map_or_else(|| "document".into(), |i| line_of(&text, i));
    problems.push(Problem {
        code: "invalid-bytes",
        message: format!("bytes that are not {name}, replaced"),
        where_: place,
    });
    done(text, name, problems)
}

/// Bytes that a detector looks at.
const SAMPLE: usize = 64 << 10;

/// The words of a document that hold bytes beyond ASCII, one after another: ASCII alone tells nothing, and is most of a feed.
fn telling(body: &[u8]) -> Cow<'_, [u8]> {
    const SHORT: usize = 4096;
    const WORD: usize = 64;
    if body.len() <= SHORT {
        return Cow::Borrowed(body);
    }
    let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'<' | b'>');
    let mut out = Vec::with_capacity(SHORT);
    let mut from = 0;
    while let Some(at) = body[from..].iter().position(|b| !b.is_ascii()).map(|i| from + i) {
        let before = &body[from.max(at.saturating_sub(WORD))..at];
        let start = at - before.iter().rev().position(ends).unwrap_or(before.len());
        let after = &body[at..body.len().min(at + WORD)];
        let end = at + after.iter().position(ends).unwrap_or(after.len());
        out.extend_from_slice(&body[start..end]);
        // Words that touch stay together: a letter of two bytes must not be cut.
        if body.get(end).is_none_or(ends) {
            out.push(b' ');
        }
        if out.len() > SAMPLE {
            break;
        }
        from = end;
    }
    Cow::Owned(out)
}

fn detect(body: &[u8], mut problems: Vec<Problem>) -> Decoded<'_> {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(&telling(body), true);
    let encoding = detector.guess(None, chardetng::Utf8Detection::Allow);
    // the detector knows only the supersets; where the letters they add do not occur, the usual name is the truer one
    let name = match label_of(encoding) {
        "koi8-u" if !body.iter().any(|b| matches!(b, 0xA4 | 0xA6 | 0xA7 | 0xAD | 0xB4 | 0xB6 | 0xB7 | 0xBD)) => {
            "koi8-r"
        }
        "windows-874" if !body.iter().any(|b| (0x80..=0xA0).contains(b)) => "tis-620",
        name => name,
    };
    problems.push(Problem {
        code: "encoding-detected",
        message: format!("no encoding that holds is stated; taken as {name}"),
        where_: "document".into(),
    });
    match encoding.decode_without_bom_handling_and_without_replacement(body) {
        Some(text) => done(text, name, problems),
        None => replaced(body, encoding, name, problems),
    }
}

/// Stated as UTF-8 and not so. A text with many valid sequences is UTF-8 with single bytes of windows-1252 in it
/// (pasted quotation marks); one without any is wholly something else.
fn mostly_utf8(body: &[u8], mut problems: Vec<Problem>) -> Decoded<'_> {
    let (mut good, mut bad) = (0usize, 0usize);
    for chunk in body.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += chunk.invalid().len();
    }
    if good == 0 || good < bad {
        let decoded = detect(body, problems);
        return decoded;
    }
    let mut out = String::with_capacity(body.len() + bad * 2);
    let mut place = None;
    for chunk in body.utf8_chunks() {
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            place.get_or_insert(out.len());
            // a lead byte cut off at the end says nothing; a lone high byte is a letter of windows-1252
            let (s, _) = WINDOWS_1252.decode_without_bom_handling(chunk.invalid());
            out.push_str(&s);
        }
    }
    let where_ = line_of(&out, place.unwrap_or(0));
    problems.push(Problem {
        code: "invalid-bytes",
        message: format!("{bad} bytes that are not UTF-8, read as windows-1252"),
        where_,
    });
    done(Cow::Owned(out), "utf-8", problems)
}

/// A label that was stated, with the encoding that is used for it.
struct Label {
    encoding: &'static Encoding,
    name: &'static str,
}

fn known(label: &str, ascii: bool, problems: &mut Vec<Problem>, place: &str) -> Option<Label> {
    let clean = label.trim().to_ascii_lowercase();
    let name = match clean.as_str() {
        "us-ascii" | "ascii" => return Some(Label { encoding: WINDOWS_1252, name: "us-ascii" }),
        "iso-8859-1" | "latin1" | "latin-1" | "iso8859-1" | "iso_8859-1" => {
            return Some(Label { encoding: WINDOWS_1252, name: "iso-8859-1" });
        }
        "u8" | "utf8" | "utf_8" => "utf-8",
        "u16" | "utf16" | "utf_16" | "ucs-2" => "utf-16be",
        "utf_16_le" | "utf-16le" => "utf-16le",
        "u32" | "utf32" | "utf_32" | "utf-32" | "utf-32be" | "utf-32le" => return None,
        other => other,
    };
    // Python's spellings have underscores
    let hyphens = name.replace('_', "-");
    let found = Encoding::for_label(name.as_bytes()).or_else(|| Encoding::for_label(hyphens.as_bytes()));
    let kept = KEPT_NAMES.iter().copied().find(|n| *n == hyphens);
    match (found, kept) {
        (Some(encoding), kept) => Some(Label { encoding, name: kept.unwrap_or_else(|| label_of(encoding)) }),
        // no table for it, but ASCII is ASCII in all of these
        (None, Some(name)) if ascii => Some(Label { encoding: WINDOWS_1252, name }),
        (None, _) => {
            problems.push(Problem {
                code: "unknown-encoding",
                message: format!("nobody knows the encoding {label:?}"),
                where_: place.into(),
            });
            None
        }
    }
}

/// Encodings that are named as they were stated, though they are read by the table of a superset, or, as long as the
/// document is ASCII, by none.
const KEPT_NAMES: [&str; 44] = [
    "iso-8859-9",
    "iso-8859-11",
    "tis-620",
    "gbk",
    "windows-31j",
    "cp437",
    "cp720",
    "cp737",
    "cp775",
    "cp850",
    "cp852",
    "cp855",
    "cp856",
    "cp857",
    "cp858",
    "cp860",
    "cp861",
    "cp862",
    "cp863",
    "cp864",
    "cp865",
    "cp869",
    "cp932",
    "cp949",
    "cp950",
    "cp1006",
    "cp1125",
    "euc-jis-2004",
    "euc-jisx0213",
    "iso-2022-jp-1",
    "iso-2022-jp-2",
    "iso-2022-jp-3",
    "iso-2022-kr",
    "johab",
    "koi8-t",
    "kz1048",
    "mac-greek",
    "mac-iceland",
    "mac-latin2",
    "mac-turkish",
    "ptcp154",
    "shift-jis-2004",
    "shift-jisx0213",
    "hz",
];

/// Lower-case names, without an allocation for those that feeds use.
fn label_of(encoding: &'static Encoding) -> &'static str {
    const NAMES: [(&str, &str); 24] = [
        ("UTF-8", "utf-8"),
        ("UTF-16BE", "utf-16be"),
        ("UTF-16LE", "utf-16le"),
        ("GBK", "gb18030"),
        ("gb18030", "gb18030"),
        ("Big5", "big5"),
        ("EUC-KR", "euc-kr"),
        ("EUC-JP", "euc-jp"),
        ("Shift_JIS", "shift_jis"),
        ("ISO-8859-2", "iso-8859-2"),
        ("ISO-8859-3", "iso-8859-3"),
        ("ISO-8859-4", "iso-8859-4"),
        ("ISO-8859-5", "iso-8859-5"),
        ("ISO-8859-6", "iso-8859-6"),
        ("ISO-8859-7", "iso-8859-7"),
        ("ISO-8859-8", "iso-8859-8"),
        ("ISO-8859-10", "iso-8859-10"),
        ("ISO-8859-13", "iso-8859-13"),
        ("ISO-8859-14", "iso-8859-14"),
        ("ISO-8859-15", "iso-8859-15"),
        ("ISO-8859-16", "iso-8859-16"),
        ("KOI8-R", "koi8-r"),
        ("KOI8-U", "koi8-u"),
        ("ISO-2022-JP", "iso-2022-jp"),
    ];
    let name = encoding.name();
    NAMES.iter().find(|(n, _)| *n == name).map_or(name, |(_, l)| l)
}

/// The `charset` parameter of a media type, quoted or not.
fn charset(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|p| {
        let (key, value) = p.split_once('=')?;
        key.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']).trim().to_owned())
    })
}

/// The encoding of `<?xml … encoding="…"?>` among the first bytes, junk before it allowed.
fn xml_declaration(body: &[u8]) -> Option<&str> {
    let head = &body[..body.len().min(1024)];
    let at = memchr::memmem::find(head, b"<?xml")?;
    let decl = &head[at..];
    let decl = &decl[..memchr::memchr(b'>', decl)?];
    let at = memchr::memmem::find(decl, b"encoding")?;
    let rest = decl[at + 8..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let quote = *rest.first()?;
    if quote != b'"' && quote != b'\'' {
        return None;
    }
    let end = memchr::memchr(quote, &rest[1..])?;
    std::str::from_utf8(&rest[1..=end]).ok()
}

/// UTF-16 or UTF-32, by mark or by where the zeros of `<?` or `<x` stand: bytes a unit, big-endian, bytes to skip.
fn wide_form(b: &[u8]) -> Option<(usize, bool, usize)> {
    match b {
        [0, 0, 0xFE, 0xFF, ..] => Some((4, true, 4)),
        [0xFF, 0xFE, 0, 0, ..] => Some((4, false, 4)),
        [0xFE, 0xFF, ..] => Some((2, true, 2)),
        [0xFF, 0xFE, ..] => Some((2, false, 2)),
        [0, 0, 0, b'<', ..] => Some((4, true, 0)),
        [b'<', 0, 0, 0, ..] => Some((4, false, 0)),
        [0, b'<' | b'{', 0, c, ..] if *c != 0 => Some((2, true, 0)),
        [b'<' | b'{', 0, c, 0, ..] if *c != 0 => Some((2, false, 0)),
        _ => None,
    }
}

fn decode_wide<'a>(bytes: &'a [u8], unit: usize, big: bool, mut problems: Vec<Problem>) -> Decoded<'a> {
    if unit == 2 {
        let (encoding, name) = if big { (UTF_16BE, "utf-16be") } else { (UTF_16LE, "utf-16le") };
        return match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
            Some(text) => done(text, name, problems),
            None => replaced(bytes, encoding, name, problems),
        };
    }
    let name = if big { "utf-32be" } else { "utf-32le" };
    let mut out = String::with_capacity(bytes.len() / 4);
    let mut bad = !bytes.len().is_multiple_of(4);
    for c in bytes.as_chunks::<4>().0 {
        let n = if big { u32::from_be_bytes(*c) } else { u32::from_le_bytes(*c) };
        out.push(char::from_u32(n).unwrap_or_else(|| {
            bad = true;
            '\u{FFFD}'
        }));
    }
    if bad {
        problems.push(Problem {
            code: "invalid-bytes",
            message: format!("bytes that are not {name}, replaced"),
            where_: "document".into(),
        });
    }
    done(Cow::Owned(out), name, problems)
}
