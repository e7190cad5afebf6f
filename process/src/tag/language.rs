//! The language of a text: what was declared, unless the text clearly says otherwise.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use whatlang::Lang;

/// Shortest text, in characters, that may overrule a declaration or tell a language by itself.
const MIN_CHARS: usize = 50;
/// How much of a text the detector reads, in bytes: its cost grows with the text, its answer hardly improves.
const READ: usize = 400;

/// `declared` (validated and normalised) unless the text, of at least 50 characters, is reliably in another language.
/// None when neither says anything.
#[must_use]
pub fn of(declared: Option<&str>, title: &str, text: &str) -> Option<String> {
    let declared = declared.and_then(normalise);
    let sample = sample(title, text);
    if sample.chars().count() < MIN_CHARS {
        return declared;
    }
    if let Some(plain) = plain(&sample) {
        return declared.filter(|code| primary(code) == plain || !detectable(code)).or_else(|| Some(plain.to_owned()));
    }
    let Some(info) = whatlang::detect(&sample) else { return declared };
    let detected = two_letters(info.lang());
    match declared {
        Some(code) if same(&code, detected) => Some(code),
        Some(code) if !info.is_reliable() || !detectable(&code) => Some(code),
        None if info.confidence() < 0.5 && !info.is_reliable() => None,
        _ => Some(detected.to_owned()),
    }
}

/// Title and the beginning of the text, cut at a character, without addresses, which are in no language.
fn sample(title: &str, text: &str) -> String {
    let text = &text[..text.floor_char_boundary(READ)];
    let sample = if text.len() >= READ { text.to_owned() } else { format!("{title}\n{text}") };
    let sample = if sample.contains("://") {
        let words = sample.split_whitespace().filter(|word| !word.contains("://"));
        words.fold(String::with_capacity(sample.len()), |all, word| all + word + " ")
    } else {
        sample
    };
    if sample.len() <= READ { sample } else { sample[..sample.floor_char_boundary(READ)].to_owned() }
}

/// Small words that are common in one of these languages and rare or absent in the others.
const SMALL_WORDS: [(&str, &str); 7] = [
    (
        "en",
        "the of and to for is with are that you your by from at be have has how what this can not their it as or more new",
    ),
    (
        "de",
        "der und das ist mit für von ein eine nicht auf zu den bei wie auch sich im dem werden oder einer nach zum zur",
    ),
    ("fr", "le les et est pour une dans du sur vous avec au aux qui ces ce sont plus par ne pas votre cette nous être"),
    ("es", "el los las del para una con por y su se como más pueden esta son sus al puede sobre lo es"),
    ("pt", "os um uma do da dos das em não na nos com ao são mais pelo pela você sua ou também é"),
    ("it", "il di che della per gli non è sono nel con una delle dei alla più anche dal nella lo si come"),
    ("nl", "het een van en zijn voor met niet op te aan dat bij ook naar wordt uit deze worden of je om"),
];

/// The language whose small words plainly prevail in the sample, which spares the detector: at least 4 of them, one
/// word in ten, and three times as many as of any other language.
fn plain(sample: &str) -> Option<&'static str> {
    static WORDS: LazyLock<FxHashMap<&'static str, u8>> = LazyLock::new(|| {
        let mut words: FxHashMap<&'static str, u8> = FxHashMap::default();
        for (at, (_, list)) in SMALL_WORDS.iter().enumerate() {
            list.split(' ').for_each(|word| *words.entry(word).or_default() |= 1 << at);
        }
        words
    });
    let mut hits = [0usize; SMALL_WORDS.len()];
    let mut all = 0;
    let mut lower = String::with_capacity(16);
    for word in sample.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        all += 1;
        if word.len() > 8 {
            continue;
        }
        lower.clear();
        lower.extend(word.chars().flat_map(char::to_lowercase));
        if let Some(languages) = WORDS.get(lower.as_str()) {
            hits.iter_mut().enumerate().for_each(|(at, count)| *count += usize::from(languages >> at & 1));
        }
    }
    let best = (0..hits.len()).max_by_key(|at| hits[*at])?;
    let next = hits.iter().enumerate().filter(|(at, _)| *at != best).map(|(_, count)| *count).max()?;
    (hits[best] >= 4 && hits[best] * 10 >= all && hits[best] >= 3 * next).then_some(SMALL_WORDS[best].0)
}

/// A language tag (BCP 47, RFC 5646 §2.1) in its usual case: language, then script and region where given; private and
/// other subtags go. Three-letter codes that have two letters become those. None for what is no tag.
#[must_use]
pub fn normalise(tag: &str) -> Option<String> {
    let tag = tag.trim();
    let mut parts = tag.split(['-', '_']);
    let primary = parts.next()?;
    if !(2..=3).contains(&primary.len()) || !primary.bytes().all(|b| b.is_ascii_alphabetic()) || tag.len() > 35 {
        return None;
    }
    let primary = primary.to_ascii_lowercase();
    let mut out = match primary.as_str() {
        "und" | "zxx" | "mul" | "mis" => return None,
        "iw" => "he".to_owned(),
        "in" => "id".to_owned(),
        "ger" => "de".to_owned(),
        "fre" => "fr".to_owned(),
        "dut" => "nl".to_owned(),
        "chi" => "zh".to_owned(),
        _ if primary.len() == 3 => Lang::from_code(&primary).map_or(primary, |lang| two_letters(lang).to_owned()),
        _ => primary,
    };
    for part in parts {
        let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
        if part.len() == 4 && letters {
            out.push('-');
            out.push_str(&part[..1].to_ascii_uppercase());
            out.push_str(&part[1..].to_ascii_lowercase());
        } else if part.len() == 2 && letters || part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()) {
            out.push('-');
            out.push_str(&part.to_ascii_uppercase());
            break;
        } else {
            break;
        }
    }
    Some(out)
}

/// The language of a tag, without script and region.
fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// Whether a declared tag and a detected language are the same, or so near that the detector confuses them.
fn same(declared: &str, detected: &str) -> bool {
    const NEAR: [&[&str]; 6] = [
        &["no", "nb", "nn", "da"],
        &["sr", "hr", "bs", "sh"],
        &["id", "ms"],
        &["pt", "gl"],
        &["cs", "sk"],
        &["uk", "ru", "be"],
    ];
    let primary = primary(declared);
    primary == detected || NEAR.iter().any(|near| near.contains(&primary) && near.contains(&detected))
}

/// Whether the detector knows the language at all; one that it does not know it cannot deny.
fn detectable(declared: &str) -> bool {
    let primary = primary(declared);
    Lang::all().iter().any(|lang| two_letters(*lang) == primary)
}

/// ISO 639-1 code of a language of the detector, which names them by ISO 639-3.
fn two_letters(lang: Lang) -> &'static str {
    match lang.code() {
        "afr" => "af",
        "aka" => "ak",
        "amh" => "am",
        "ara" => "ar",
        "aze" => "az",
        "bel" => "be",
        "ben" => "bn",
        "bul" => "bg",
        "cat" => "ca",
        "ces" => "cs",
        "cmn" => "zh",
        "cym" => "cy",
        "dan" => "da",
        "deu" => "de",
        "ell" => "el",
        "eng" => "en",
        "epo" => "eo",
        "est" => "et",
        "fin" => "fi",
        "fra" => "fr",
        "guj" => "gu",
        "heb" => "he",
        "hin" => "hi",
        "hrv" => "hr",
        "hun" => "hu",
        "hye" => "hy",
        "ind" => "id",
        "ita" => "it",
        "jav" => "jv",
        "jpn" => "ja",
        "kan" => "kn",
        "kat" => "ka",
        "khm" => "km",
        "kor" => "ko",
        "lat" => "la",
        "lav" => "lv",
        "lit" => "lt",
        "mal" => "ml",
        "mar" => "mr",
        "mkd" => "mk",
        "mya" => "my",
        "nep" => "ne",
        "nld" => "nl",
        "nob" => "nb",
        "ori" => "or",
        "pan" => "pa",
        "pes" => "fa",
        "pol" => "pl",
        "por" => "pt",
        "ron" => "ro",
        "rus" => "ru",
        "sin" => "si",
        "slk" => "sk",
        "slv" => "sl",
        "sna" => "sn",
        "spa" => "es",
        "srp" => "sr",
        "swe" => "sv",
        "tam" => "ta",
        "tel" => "te",
        "tgl" => "tl",
        "tha" => "th",
        "tuk" => "tk",
        "tur" => "tr",
        "ukr" => "uk",
        "urd" => "ur",
        "uzb" => "uz",
        "vie" => "vi",
        "yid" => "yi",
        "zul" => "zu",
        other => other,
    }
}
