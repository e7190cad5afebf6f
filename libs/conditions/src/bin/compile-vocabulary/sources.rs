//! The open tables: MeSH, Human Disease Ontology, MONDO, ICD-10-CM.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, bail};
use carewire_conditions::{NameKind, normalise::fold};
use serde::Deserialize;

/// Where a name comes from; the smaller wins where two conditions have the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Origin {
    Own,
    MeshPreferred,
    MeshEntry,
    DoidName,
    DoidSynonym,
    Mondo,
}

/// A name as its source has it.
#[derive(Clone, Debug)]
pub struct SourceName {
    pub text: String,
    pub kind: NameKind,
    pub origin: Origin,
    pub language: String,
}

/// A condition or topic being put together.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub names: Vec<SourceName>,
    pub parents: BTreeSet<String>,
    /// (system, code), lower-case system.
    pub xrefs: BTreeSet<(String, String)>,
    pub trees: Vec<String>,
    pub topic: bool,
}

impl Entry {
    fn add_name(&mut self, text: &str, kind: NameKind, origin: Origin) {
        let text = text.trim();
        if !text.is_empty() {
            self.names.push(SourceName { text: text.to_owned(), kind, origin, language: "en".to_owned() });
        }
    }
}

/// All conditions and topics by code, and what is needed to look them up while compiling.
#[derive(Default)]
pub struct Conditions {
    pub all: BTreeMap<String, Entry>,
    /// Preferred MeSH name → code.
    pub by_mesh_name: BTreeMap<String, String>,
    /// DOID → code.
    by_doid: BTreeMap<String, String>,
    /// Folded names of MeSH's conditions, those made by rule included → code: what has such a name is the same.
    by_name: BTreeMap<String, String>,
    /// Names of MeSH organisms (tree B), folded: what may stand before "Infections".
    pub organisms: BTreeSet<String>,
}

impl Conditions {
    /// The kept descriptor that an ontology's term refers to: of several the one with the same name ("hepatitis" refers to
    /// chronic hepatitis too), else the first.
    fn mesh_of<'a>(&self, term: &'a Term) -> Option<&'a str> {
        let kept = || term.xrefs_of("MESH").filter(|m| self.all.contains_key(*m));
        let named = self.by_name.get(&fold(&term.name));
        kept().find(|m| named.is_some_and(|n| n == m)).or_else(|| kept().next())
    }
}

/// A term of an ontology as the wheel's JSON has it.
#[derive(Deserialize)]
struct Term {
    id: String,
    name: String,
    #[serde(default)]
    synonyms: Vec<String>,
    #[serde(default)]
    relations: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    xrefs: Vec<Xref>,
    #[serde(default)]
    alt_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Xref {
    id: String,
    namespace: String,
}

impl Term {
    fn parents(&self) -> impl Iterator<Item = &String> {
        self.relations.get("is_a").into_iter().flatten()
    }

    fn xrefs_of<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a str> {
        self.xrefs.iter().filter(move |x| x.namespace == namespace).map(|x| x.id.as_str())
    }

    /// The cross-references that are kept, with the systems' names as the vocabulary has them.
    fn kept_xrefs(&self) -> impl Iterator<Item = (String, String)> {
        self.xrefs.iter().filter_map(|x| {
            let system = match x.namespace.as_str() {
                "ICD10CM" => "icd10cm",
                "UMLS_CUI" | "UMLS" => "umls",
                "OMIM" => "omim",
                "ORDO" | "Orphanet" => "orpha",
                "GARD" => "gard",
                "SCTID" => "snomedct",
                "MESH" if x.id.starts_with('C') => "mesh",
                s if s.starts_with("SNOMEDCT") => "snomedct",
                _ => return None,
            };
            let code = x.id.trim().trim_start_matches("ORDO:");
            let code = if system == "gard" { code.trim_start_matches('0') } else { code };
            (!code.is_empty() && code.len() < 24).then(|| (system.to_owned(), code.to_owned()))
        })
    }
}

/// MeSH: descriptors of branches C and F03, and the topics.
pub fn mesh(conditions: &mut Conditions, folder: &Path, topics: &BTreeSet<String>) -> Result<()> {
    let path = folder.join("mesh_id_label_mappings.tsv");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut by_tree = BTreeMap::new();
    let mut missing = topics.clone();
    for line in text.lines() {
        let [code, name, entries, trees, ..] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("{}: a line with fewer than four columns: {line}", path.display());
        };
        let trees: Vec<&str> = trees.split('|').filter(|t| !t.is_empty()).collect();
        if trees.iter().any(|t| t.starts_with('B')) {
            conditions.organisms.insert(fold(name));
            conditions.organisms.extend(entries.split('|').map(fold));
        }
        let disease = trees.iter().any(|t| t.starts_with('C') || t.starts_with("F03"));
        // Signs may be listed as topics: who reads about losing weight is not ill.
        let sign = trees.iter().all(|t| t.starts_with("C23") || !t.starts_with('C') && !t.starts_with("F03"));
        let topic = (!disease || sign) && missing.contains(name);
        missing.remove(name);
        if !disease && !topic {
            continue;
        }
        let mut entry = Entry { topic, ..Entry::default() };
        entry.add_name(name, NameKind::Preferred, Origin::MeshPreferred);
        for synonym in entries.split('|') {
            entry.add_name(synonym, NameKind::Synonym, Origin::MeshEntry);
        }
        for tree in &trees {
            by_tree.insert((*tree).to_owned(), code.to_owned());
        }
        entry.trees = trees.iter().map(|t| (*t).to_owned()).collect();
        conditions.by_mesh_name.insert(name.to_owned(), code.to_owned());
        conditions.all.insert(code.to_owned(), entry);
    }
    let mut made = Vec::new();
    for (code, entry) in conditions.all.iter().filter(|(_, e)| !e.topic) {
        for name in &entry.names {
            let form = super::names::uninvert(&name.text);
            if name.kind == NameKind::Preferred {
                made.extend(super::names::generated(&form, &BTreeSet::new()).into_iter().map(|n| (n, code.clone())));
            }
            let slot = conditions.by_name.entry(fold(&form)).or_insert_with(|| code.clone());
            if name.kind == NameKind::Preferred {
                slot.clone_from(code);
            }
        }
    }
    for (name, code) in made {
        conditions.by_name.entry(name).or_insert(code);
    }
    if !missing.is_empty() {
        bail!("topics that are no MeSH descriptor's name: {missing:?}");
    }
    for (code, entry) in &mut conditions.all {
        for tree in &entry.trees {
            // Topics are seldom direct children of one another: the nearest kept tree number above is the parent.
            let mut at = tree.as_str();
            while let Some((up, _)) = at.rsplit_once('.') {
                if let Some(parent) = by_tree.get(up).filter(|p| *p != code) {
                    entry.parents.insert(parent.clone());
                    break;
                }
                at = up;
            }
        }
    }
    Ok(())
}

/// Human Disease Ontology: names and codes for MeSH's conditions, and the conditions that MeSH does not have.
pub fn doid(conditions: &mut Conditions, folder: &Path) -> Result<()> {
    let terms = read_terms(&folder.join("doid.json"))?;
    for term in &terms {
        let mesh = conditions.mesh_of(term).or_else(|| conditions.by_name.get(&fold(&term.name)).map(String::as_str));
        let own = term.id.to_ascii_lowercase();
        let code = mesh.map_or_else(|| own.clone(), str::to_owned);
        let merged = code != own;
        let entry = conditions.all.entry(code.clone()).or_default();
        let kind = if merged { NameKind::Synonym } else { NameKind::Preferred };
        entry.add_name(&term.name, kind, Origin::DoidName);
        for synonym in &term.synonyms {
            entry.add_name(synonym, NameKind::Synonym, Origin::DoidSynonym);
        }
        entry.xrefs.extend(term.kept_xrefs());
        for id in std::iter::once(&term.id).chain(&term.alt_ids) {
            let number = id.trim_start_matches("DOID:").to_owned();
            entry.xrefs.insert(("doid".to_owned(), number));
            conditions.by_doid.insert(id.clone(), code.clone());
        }
    }
    for term in &terms {
        let code = &conditions.by_doid[&term.id];
        if !code.starts_with("doid:") {
            continue;
        }
        let parents: Vec<_> = term.parents().filter_map(|p| conditions.by_doid.get(p)).cloned().collect();
        if let Some(entry) = conditions.all.get_mut(code) {
            entry.parents.extend(parents);
        }
    }
    Ok(())
}

/// MONDO: codes of other systems for what is there already, and rare diseases (with an Orphanet or GARD reference)
/// that neither MeSH's descriptors nor DOID have.
pub fn mondo(conditions: &mut Conditions, folder: &Path) -> Result<()> {
    let terms = read_terms(&folder.join("mondo.json"))?;
    let mut codes = BTreeMap::new();
    for term in &terms {
        let known = conditions
            .mesh_of(term)
            .map(str::to_owned)
            .or_else(|| term.xrefs_of("DOID").find_map(|d| conditions.by_doid.get(&format!("DOID:{d}")).cloned()))
            .or_else(|| conditions.by_name.get(&fold(&term.name)).cloned());
        let rare = term.xrefs.iter().any(|x| matches!(x.namespace.as_str(), "Orphanet" | "GARD"));
        let Some(code) = known.clone().or_else(|| rare.then(|| format!("mondo:{}", term.id))) else { continue };
        let entry = conditions.all.entry(code.clone()).or_default();
        if known.is_none() {
            entry.add_name(&term.name, NameKind::Preferred, Origin::Mondo);
            for synonym in &term.synonyms {
                entry.add_name(synonym, NameKind::Synonym, Origin::Mondo);
            }
        }
        entry.xrefs.extend(term.kept_xrefs());
        entry.xrefs.insert(("mondo".to_owned(), term.id.clone()));
        codes.insert(term.id.clone(), code);
    }
    for term in &terms {
        let Some(code) = codes.get(&term.id).filter(|c| c.starts_with("mondo:")) else { continue };
        let parents: Vec<_> = term.parents().filter_map(|p| codes.get(p)).filter(|p| *p != code).cloned().collect();
        if let Some(entry) = conditions.all.get_mut(code) {
            entry.parents.extend(parents);
        }
    }
    Ok(())
}

/// ICD-10-CM: codes whose title is a name that exactly one kind of condition has, and no code of theirs yet.
pub fn icd(conditions: &mut Conditions, folder: &Path) -> Result<()> {
    let mut files: Vec<_> = fs::read_dir(folder)?.filter_map(Result::ok).map(|e| e.path()).collect();
    files.sort();
    let path = files
        .into_iter()
        .find(|p| p.extension().is_some_and(|e| e == "xml"))
        .with_context(|| format!("no XML in {}", folder.display()))?;
    let text = fs::read_to_string(&path)?;
    let mut by_name = BTreeMap::new();
    for (code, entry) in &conditions.all {
        for name in entry.names.iter().filter(|n| n.language == "en" && n.kind != NameKind::Proxy) {
            let rank = (name.origin, code.clone());
            let slot = by_name.entry(fold(&super::names::uninvert(&name.text))).or_insert_with(|| rank.clone());
            if rank < *slot {
                *slot = rank;
            }
        }
    }
    let known: BTreeSet<String> = conditions
        .all
        .values()
        .flat_map(|e| e.xrefs.iter())
        .filter(|(system, _)| system == "icd10cm")
        .map(|(_, code)| code.clone())
        .collect();
    // Each code is `<name>CODE</name>` followed by `<desc>TITLE</desc>`; the rest of the file is not needed.
    for part in text.split("<name>").skip(1) {
        let Some((code, rest)) = part.split_once("</name>") else { continue };
        let Some(title) = rest.trim_start().strip_prefix("<desc>").and_then(|r| r.split("</desc>").next()) else {
            continue;
        };
        let title = title.trim_end_matches(", unspecified");
        if known.contains(code) || !(3..=8).contains(&code.len()) || code.contains('-') {
            continue;
        }
        if let Some((_, condition)) = by_name.get(&fold(title))
            && let Some(entry) = conditions.all.get_mut(condition)
        {
            entry.xrefs.insert(("icd10cm".to_owned(), code.to_owned()));
        }
    }
    Ok(())
}

fn read_terms(path: &Path) -> Result<Vec<Term>> {
    let text = fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&text).with_context(|| path.display().to_string())
}
