//! Code systems as requests name them: by OID (Infobutton, C-CDA), by address (FHIR) or by name.

/// What a code system's codes can be looked up as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum System {
    /// Conditions: the prefix by which the vocabulary knows its codes, and the name to show.
    Conditions(&'static str, &'static str),
    /// Drugs, laboratory tests, procedures: known, but nothing that the network is ordered by. The name to show.
    Elsewhere(&'static str),
}

struct Known {
    name: &'static str,
    prefix: Option<&'static str>,
    /// In lower case.
    spellings: &'static [&'static str],
}

const KNOWN: &[Known] = &[
    Known {
        name: "ICD-10-CM",
        prefix: Some("icd10cm"),
        spellings: &[
            "2.16.840.1.113883.6.90",
            "icd10cm",
            "icd-10-cm",
            "icd10",
            "icd-10",
            "2.16.840.1.113883.6.3",
            "http://hl7.org/fhir/sid/icd-10-cm",
            "http://hl7.org/fhir/sid/icd-10",
        ],
    },
    Known {
        name: "SNOMED CT",
        prefix: Some("snomedct"),
        spellings: &[
            "2.16.840.1.113883.6.96",
            "snomedct",
            "snomed ct",
            "snomed-ct",
            "snomed",
            "sct",
            "snomedct_us",
            "http://snomed.info/sct",
        ],
    },
    Known {
        name: "MeSH",
        prefix: Some("mesh"),
        spellings: &[
            "2.16.840.1.113883.6.177",
            "mesh",
            "msh",
            "http://id.nlm.nih.gov/mesh",
            "https://id.nlm.nih.gov/mesh",
            "http://terminology.hl7.org/codesystem/msh",
            "http://www.nlm.nih.gov/mesh",
        ],
    },
    Known {
        name: "Disease Ontology",
        prefix: Some("doid"),
        spellings: &["doid", "https://purl.obolibrary.org/obo/doid", "http://purl.obolibrary.org/obo/doid.owl"],
    },
    Known {
        name: "Mondo",
        prefix: Some("mondo"),
        spellings: &["mondo", "https://purl.obolibrary.org/obo/mondo", "http://purl.obolibrary.org/obo/mondo.owl"],
    },
    Known {
        name: "UMLS",
        prefix: Some("umls"),
        spellings: &["2.16.840.1.113883.6.86", "umls", "http://terminology.hl7.org/codesystem/umls"],
    },
    Known {
        name: "OMIM",
        prefix: Some("omim"),
        spellings: &["2.16.840.1.113883.6.174", "omim", "mim", "http://www.omim.org", "https://omim.org"],
    },
    Known {
        name: "Orphanet",
        prefix: Some("orpha"),
        spellings: &["orpha", "orphanet", "ordo", "http://www.orpha.net"],
    },
    Known { name: "ICD-9-CM", prefix: None, spellings: &["2.16.840.1.113883.6.103", "icd9cm", "icd-9-cm", "icd9"] },
    Known {
        name: "RxNorm",
        prefix: None,
        spellings: &["2.16.840.1.113883.6.88", "rxnorm", "rxcui", "http://www.nlm.nih.gov/research/umls/rxnorm"],
    },
    Known { name: "NDC", prefix: None, spellings: &["2.16.840.1.113883.6.69", "ndc", "http://hl7.org/fhir/sid/ndc"] },
    Known { name: "LOINC", prefix: None, spellings: &["2.16.840.1.113883.6.1", "loinc", "http://loinc.org"] },
    Known {
        name: "CPT",
        prefix: None,
        spellings: &["2.16.840.1.113883.6.12", "cpt", "cpt4", "http://www.ama-assn.org/go/cpt"],
    },
    Known { name: "HCPCS", prefix: None, spellings: &["2.16.840.1.113883.6.285", "hcpcs"] },
    Known { name: "ICD-10-PCS", prefix: None, spellings: &["2.16.840.1.113883.6.4", "icd10pcs", "icd-10-pcs"] },
    Known { name: "CVX", prefix: None, spellings: &["2.16.840.1.113883.12.292", "cvx", "http://hl7.org/fhir/sid/cvx"] },
];

/// The system of that OID (with or without `urn:oid:`), address or name; none for one that nobody knows.
#[must_use]
pub fn named(text: &str) -> Option<System> {
    if text.len() > 100 {
        return None;
    }
    let lower = text.trim().to_ascii_lowercase();
    let plain = lower.strip_prefix("urn:oid:").unwrap_or(&lower).trim_end_matches('/');
    let found = KNOWN.iter().find(|known| known.spellings.contains(&plain))?;
    Some(match found.prefix {
        Some(prefix) => System::Conditions(prefix, found.name),
        None => System::Elsewhere(found.name),
    })
}

/// The FHIR address of a system by the vocabulary's prefix (hl7.org/fhir/R4/terminologies-systems.html); an OID where FHIR
/// names none.
#[must_use]
pub fn fhir_address(prefix: &str) -> Option<&'static str> {
    Some(match prefix {
        "icd10cm" => "http://hl7.org/fhir/sid/icd-10-cm",
        "snomedct" => "http://snomed.info/sct",
        "mesh" => "urn:oid:2.16.840.1.113883.6.177",
        "umls" => "urn:oid:2.16.840.1.113883.6.86",
        "doid" => "https://purl.obolibrary.org/obo/doid",
        "mondo" => "https://purl.obolibrary.org/obo/mondo",
        _ => return None,
    })
}
