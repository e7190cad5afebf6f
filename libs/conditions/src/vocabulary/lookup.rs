//! From codes of any system, from names and from what somebody begins to type, to conditions.

use carewire_schemas::ConditionCode;

use super::{
    NameKind, Vocabulary,
    format::Table::{LookupCondition, LookupKey, SearchCondition, SearchKey, SearchName},
};
use crate::normalise::fold;

/// A suggestion for something typed.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct NameHit {
    /// The name that begins with what was typed.
    pub name: String,
    /// The condition it names.
    pub code: ConditionCode,
    /// The condition's preferred name.
    pub preferred: String,
    /// The condition's plain English name.
    pub label: String,
}

/// Names that a request may look through for suggestions: more than any sensible prefix has.
const LOOKED_AT: usize = 20_000;

/// Other spellings of the systems' names, as requests have them (FHIR, Infobutton, MedlinePlus Connect).
fn system(name: &str) -> &str {
    match name {
        "icd-10-cm" | "icd10" | "icd-10" | "2.16.840.1.113883.6.90" => "icd10cm",
        "snomed" | "snomed-ct" | "sct" | "sctid" | "snomedct_us" | "2.16.840.1.113883.6.96" => "snomedct",
        "umls_cui" | "cui" => "umls",
        "ordo" | "orphanet" => "orpha",
        "msh" | "2.16.840.1.113883.6.177" => "mesh",
        "mim" => "omim",
        other => other,
    }
}

impl Vocabulary {
    /// The condition meant by a code of any system: `D003924`, `mesh:D003924`, `icd10cm:E11.9` (falls back to the
    /// nearest parent with an entry), `doid:9352`, `snomedct:…`, `umls:…`, `omim:…`, `orpha:…`, `mondo:…`. Case
    /// does not matter.
    #[must_use]
    pub fn resolve(&self, text: &str) -> Option<ConditionCode> {
        let text = text.trim();
        if text.len() > 64 {
            return None;
        }
        let lower = text.to_ascii_lowercase();
        let Some((prefix, code)) = lower.split_once(':') else {
            return self.index(&text.to_ascii_uppercase()).map(|i| self.codes[i as usize].clone());
        };
        let code = code.trim().trim_start_matches("mondo_").trim_start_matches("doid:");
        match system(prefix) {
            // Supplementary concepts ("C537000") are cross-references of what DOID or MONDO have.
            "mesh" => {
                let index = self.index(&code.to_ascii_uppercase()).or_else(|| self.look_up(&format!("mesh:{code}")));
                index.map(|i| self.codes[i as usize].clone())
            }
            "icd10cm" => self.resolve_icd(code),
            prefix => {
                let key = format!("{prefix}:{code}");
                self.index(&key).or_else(|| self.look_up(&key)).map(|i| self.codes[i as usize].clone())
            }
        }
    }

    /// ICD-10-CM codes are cut from the right until one has an entry, down to the three characters of the category.
    fn resolve_icd(&self, code: &str) -> Option<ConditionCode> {
        if let Some(index) = self.look_up(&format!("icd10cm:{code}")) {
            return Some(self.codes[index as usize].clone());
        }
        let plain: String = code.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        (3..=plain.len()).rev().find_map(|length| {
            let (category, rest) = plain[..length].split_at(3);
            let key =
                if rest.is_empty() { format!("icd10cm:{category}") } else { format!("icd10cm:{category}.{rest}") };
            self.look_up(&key).map(|i| self.codes[i as usize].clone())
        })
    }

    fn look_up(&self, key: &str) -> Option<u32> {
        let keys = self.tables.get(LookupKey);
        let at = keys.binary_search_by(|&s| self.tables.string(s).cmp(key)).ok()?;
        Some(self.tables.get(LookupCondition)[at])
    }

    /// Names that begin with `prefix` (case and accents do not matter), lay terms first, then preferred names, then
    /// the shortest; at most `limit`, one per condition.
    #[must_use]
    pub fn find_names(&self, prefix: &str, limit: usize) -> Vec<NameHit> {
        let prefix = fold(prefix);
        if prefix.is_empty() || limit == 0 {
            return Vec::new();
        }
        let keys = self.tables.get(SearchKey);
        let start = keys.partition_point(|&s| self.tables.string(s) < prefix.as_str());
        let mut hits: Vec<_> = keys[start..]
            .iter()
            .take(LOOKED_AT)
            .take_while(|&&s| self.tables.string(s).starts_with(&prefix))
            .enumerate()
            .map(|(i, &s)| {
                let name = self.name_at(self.tables.get(SearchName)[start + i] as usize);
                let key = self.tables.string(s);
                let rank = match name.kind {
                    NameKind::Lay => 0u8,
                    NameKind::Preferred => 1,
                    NameKind::Synonym => 2,
                    NameKind::Proxy => 3,
                };
                ((key.len() != prefix.len(), rank, key.len(), start + i), name.text)
            })
            .collect();
        hits.sort_unstable_by_key(|(rank, _)| *rank);
        let mut seen = rustc_hash::FxHashSet::default();
        let mut out = Vec::with_capacity(limit.min(hits.len()));
        for ((.., at), name) in hits {
            let condition = self.at(self.tables.get(SearchCondition)[at]);
            if seen.insert(condition.index) {
                out.push(NameHit {
                    name: name.to_owned(),
                    code: condition.code().clone(),
                    preferred: condition.name().to_owned(),
                    label: condition.label(None).into_owned(),
                });
                if out.len() == limit {
                    break;
                }
            }
        }
        out
    }

    /// The condition with exactly this name after folding (case, accents, hyphens); where several have it, the one
    /// whose source is trusted most. Names of the stop list are found here too.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<ConditionCode> {
        let name = fold(name);
        let keys = self.tables.get(SearchKey);
        let start = keys.partition_point(|&s| self.tables.string(s) < name.as_str());
        let best = (start..keys.len())
            .take_while(|&i| self.tables.string(keys[i]) == name)
            .min_by_key(|&i| (self.name_at(self.tables.get(SearchName)[i] as usize).kind, i))?;
        Some(self.codes[self.tables.get(SearchCondition)[best] as usize].clone())
    }
}
