//! Whether a text is a scientific report: what the learned part was trained on, and the only texts it is used for.

use super::tokens::{Dictionary, Token};

/// Words of which abstracts are full, and texts for the public are not.
const CUES: &str = "patients patient results result methods method conclusion conclusions conclude background objective \
    objectives significantly significant analysis analyses associated association mutation mutations gene genes protein \
    clinical study studies rat mouse injection plus h hr min week weeks investigated investigate evaluated evaluate showed observed demonstrated suggest suggests \
    suggesting findings finding administration administered dose doses mg kg ml rats mice treated group groups compared \
    induced levels level control controls effect effects increased decreased therapy exon allele alleles \
    chromosome deletion missense genotype phenotype kindred families family codon locus linkage encoding expression cells \
    vivo vitro plasma serum receptor intravenous prospective retrospective baseline placebo incidence respectively \
    mean we our describe sequence novel polymorphism carriers subjects";
/// Words of outbreak notices, news and pages for patients; each outweighs two cues.
const OTHERS: &str =
    "outbreak ministry surveillance you your doctor doctors update notified authorities suspected said says";
/// Texts with fewer words are too short to tell.
const SHORTEST: usize = 60;
/// Words that are looked at.
const LOOKED_AT: usize = 250;
/// Share of cues, in percent, from which a text is a report.
const ENOUGH: usize = 4;

/// Tells scientific reports.
pub struct Register {
    cues: Vec<u32>,
    others: Vec<u32>,
}

impl Register {
    pub fn new(dictionary: &mut Dictionary) -> Self {
        let mut words = |list: &str| {
            let mut words: Vec<u32> = list.split_whitespace().flat_map(|word| dictionary.phrase(word)).collect();
            words.sort_unstable();
            words.dedup();
            words
        };
        Self { cues: words(CUES), others: words(OTHERS) }
    }

    /// Whether the words are those of a scientific report.
    pub fn scientific(&self, tokens: &[Token]) -> bool {
        let looked = &tokens[..tokens.len().min(LOOKED_AT)];
        let count = |list: &[u32]| looked.iter().filter(|t| list.binary_search(&t.word).is_ok()).count();
        looked.len() >= SHORTEST && count(&self.cues) * 100 >= looked.len() * ENOUGH + count(&self.others) * 200
    }
}
