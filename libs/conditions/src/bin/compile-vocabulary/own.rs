//! The project's own tables: lay terms, stop words, ambiguous words, weights and topics.
//!
//! All are tab-separated; lines that begin with `#` are comments. Conditions are written by the preferred name of
//! their MeSH descriptor (a code cannot be mistyped that way), else by a `doid:` or `mondo:` code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, bail};
use carewire_conditions::NameKind;

use super::sources::{Conditions, Origin, SourceName};

/// What a lay term does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Force {
    /// A name.
    Name,
    /// Stands for the condition.
    Proxy,
    /// Stands for the condition, but a title with it is not thereby about it.
    Weak,
}

/// One lay term.
pub struct Lay {
    pub name: String,
    pub codes: Vec<String>,
    pub language: String,
    pub force: Force,
}

/// The own tables beside the names that went into the conditions.
#[derive(Default)]
pub struct Own {
    pub lay: Vec<Lay>,
    pub stop: Vec<String>,
    /// Ambiguous name → number of its rule.
    pub rules: BTreeMap<String, usize>,
    /// The rules' lines.
    pub rule_lines: Vec<String>,
    /// Lines of `switch.tsv` with codes for names.
    pub switches: Vec<String>,
    /// Code → plain English name.
    pub labels: BTreeMap<String, String>,
    /// Names learned from labelled abstracts, and what they stand for.
    pub learned: Vec<(String, String)>,
    /// Lines of the learned model.
    pub model: Vec<String>,
    /// Code → weight in thousandths.
    pub weights: BTreeMap<String, u32>,
}

fn lines(path: &Path) -> Result<Vec<Vec<String>>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text
        .lines()
        .filter(|l| !l.trim().is_empty() && !l.starts_with('#'))
        .map(|l| l.split('\t').map(|c| c.trim().to_owned()).collect())
        .collect())
}

/// The topics' descriptor names: `topics.tsv` is descriptor, further names, names that only hint at it.
pub fn read_topics(folder: &Path) -> Result<BTreeSet<String>> {
    Ok(lines(&folder.join("topics.tsv"))?
        .into_iter()
        .filter_map(|mut l| (!l.is_empty()).then(|| l.swap_remove(0)))
        .collect())
}

fn code_of(conditions: &Conditions, name: &str, file: &str) -> Result<String> {
    if let Some(code) = conditions.by_mesh_name.get(name) {
        return Ok(code.clone());
    }
    if conditions.all.contains_key(name) {
        return Ok(name.to_owned());
    }
    bail!("{file}: `{name}` is neither the preferred name of a descriptor that is kept nor a code")
}

/// Reads all tables; lay names go into the conditions too.
pub fn read(folder: &Path, conditions: &mut Conditions) -> Result<Own> {
    let mut own = Own::default();
    for line in lines(&folder.join("topics.tsv"))? {
        let [descriptor, names @ ..] = line.as_slice() else { continue };
        let code = code_of(conditions, descriptor, "topics.tsv")?;
        for (names, force) in names.iter().zip([Force::Name, Force::Weak]) {
            add(&mut own, conditions, std::slice::from_ref(&code), "en", force, names);
        }
    }
    let mut files: Vec<_> = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .map(|e| e.path())
        .filter(|p| {
            p.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("lay-") && n.ends_with(".tsv"))
        })
        .collect();
    files.sort();
    for path in files {
        let file = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        let language = file.trim_start_matches("lay-").trim_end_matches(".tsv").to_owned();
        for line in lines(&path)? {
            let [descriptors, force, names] = line.as_slice() else {
                bail!("{file}: not three columns: {line:?}");
            };
            let force = match force.as_str() {
                "name" => Force::Name,
                "proxy" => Force::Proxy,
                "weak" => Force::Weak,
                other => bail!("{file}: `{other}` is not one of name, proxy, weak"),
            };
            let codes =
                descriptors.split('+').map(|d| code_of(conditions, d.trim(), &file)).collect::<Result<Vec<_>>>()?;
            add(&mut own, conditions, &codes, &language, force, names);
        }
    }
    for line in lines(&folder.join("stop.tsv"))? {
        own.stop.extend(line[0].split('|').map(|s| s.trim().to_owned()));
    }
    for line in lines(&folder.join("ambiguous.tsv"))? {
        let Some(words) = line.first() else { continue };
        // Classes are for the tagger, which expands them.
        for word in words.split('|').filter(|w| !w.starts_with('@')) {
            own.rules.insert(word.trim().to_owned(), own.rule_lines.len());
        }
        own.rule_lines.push(line.join("\t"));
    }
    for line in lines(&folder.join("weights.tsv"))? {
        let [descriptor, weight] = line.as_slice() else { bail!("weights.tsv: not two columns: {line:?}") };
        let code = code_of(conditions, descriptor, "weights.tsv")?;
        own.weights.insert(code, (weight.parse::<f64>()? * 1000.0).round() as u32);
    }
    for line in lines(&folder.join("labels-en.tsv"))? {
        let [descriptor, label] = line.as_slice() else { bail!("labels-en.tsv: not two columns: {line:?}") };
        let code = code_of(conditions, descriptor, "labels-en.tsv")?;
        own.labels.insert(code, label.clone());
    }
    for line in lines(&folder.join("learned.tsv"))? {
        let [name, descriptor, ..] = line.as_slice() else { bail!("learned.tsv: not two columns: {line:?}") };
        own.learned.push((name.clone(), code_of(conditions, descriptor, "learned.tsv")?));
    }
    own.model = lines(&folder.join("model.tsv"))?.into_iter().map(|l| l.join("\t")).collect();
    for line in lines(&folder.join("switch.tsv"))? {
        let [from, to, words] = line.as_slice() else { bail!("switch.tsv: not three columns: {line:?}") };
        let (from, to) = (code_of(conditions, from, "switch.tsv")?, code_of(conditions, to, "switch.tsv")?);
        own.switches.push(format!("{from}\t{to}\t{words}"));
    }
    Ok(own)
}

fn add(own: &mut Own, conditions: &mut Conditions, codes: &[String], language: &str, force: Force, names: &str) {
    let kind = if force == Force::Name { NameKind::Lay } else { NameKind::Proxy };
    for name in names.split('|').map(str::trim).filter(|n| !n.is_empty()) {
        for code in codes {
            if let Some(entry) = conditions.all.get_mut(code) {
                entry.names.push(SourceName {
                    text: name.to_owned(),
                    kind,
                    origin: Origin::Own,
                    language: language.to_owned(),
                });
            }
        }
        own.lay.push(Lay { name: name.to_owned(), codes: codes.to_vec(), language: language.to_owned(), force });
    }
}
