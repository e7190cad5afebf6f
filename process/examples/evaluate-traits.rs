//! Measures kind, evidence, aspects and audience on our own labelled texts and prints reached, floor and goal.
//!
//! `evaluate-traits [--misses SET | --titles | --headlines]`: `--misses a` prints what is wrong in a set; `--titles` looks at the titles
//! of the texts alone; `--headlines` counts the kinds of the
//! headlines in `CAREWIRE_SHARED_DATA`, which are hardly ever jobs and events, and says how long it takes.

use carewire_process::{
    evaluation,
    tag::traits::{Looked, of},
};
use carewire_schemas::ItemKind;

/// The kinds of headlines that nothing was learned from, and the time of a headline and of a text of 2 KB.
fn headlines() -> Result<(), String> {
    let data = std::env::var("CAREWIRE_SHARED_DATA").map_err(|_| "CAREWIRE_SHARED_DATA is not set".to_owned())?;
    let texts = evaluation::headlines(std::path::Path::new(&data)).map_err(|error| error.to_string())?;
    let mut kinds = std::collections::BTreeMap::<&str, usize>::new();
    let looked = |title, text| Looked {
        title,
        text,
        html: "",
        url: None,
        language: None,
        media: ItemKind::Article,
        dated: None,
    };
    let started = std::time::Instant::now();
    for title in &texts {
        let (kind, _) = of(&looked(title, ""));
        *kinds.entry(kind.as_str()).or_default() += 1;
        if kind.is_aside() {
            println!("{}: {title}", kind.as_str());
        }
    }
    let each = started.elapsed().as_secs_f64() / texts.len().max(1) as f64;
    println!("{} headlines, {:.1} µs each: {kinds:?}", texts.len(), each * 1e6);
    let long: Vec<String> = texts.chunks(25).map(|part| part.join(". ").chars().take(2000).collect()).collect();
    let started = std::time::Instant::now();
    long.iter().zip(&texts).for_each(|(text, title)| drop(of(&looked(title, text))));
    println!("texts of 2 KB: {:.1} µs each", started.elapsed().as_secs_f64() / long.len().max(1) as f64 * 1e6);
    Ok(())
}

/// How much of what is said of bare titles is right, by the labels of their whole texts.
fn titles() -> Result<(), String> {
    for (name, set) in evaluation::SETS {
        let [mut right, mut said] = [[0; 3]; 2];
        for text in evaluation::texts(set)? {
            let have = evaluation::tagged(&evaluation::Labelled { text: "", ..text.clone() });
            right[0] += usize::from(have.design.is_some() && have.design == text.design);
            said[0] += usize::from(have.design.is_some());
            right[1] += have.aspects.iter().filter(|aspect| text.aspects.contains(aspect)).count();
            said[1] += have.aspects.len();
            right[2] += have.audience.iter().filter(|audience| text.audience.contains(audience)).count();
            said[2] += have.audience.len();
        }
        for (label, (right, said)) in ["evidence", "aspects", "audience"].iter().zip(right.iter().zip(said)) {
            println!("{name}, titles alone: {label}: {right} right of {said} said");
        }
    }
    Ok(())
}

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, wanted] = arguments.as_slice()
        && flag == "--misses"
    {
        for (_, set) in evaluation::SETS.iter().filter(|(name, _)| name == wanted) {
            for text in evaluation::texts(set)? {
                let have = evaluation::tagged(&text);
                if have != text {
                    println!("{} | {}", text.title, text.text);
                    if have.kind != text.kind {
                        println!("    kind {:?}, not {:?}", have.kind, text.kind);
                    }
                    if have.design != text.design {
                        println!("    design {:?}, not {:?}", have.design, text.design);
                    }
                    if have.aspects != text.aspects {
                        println!("    aspects {:?}, not {:?}", have.aspects, text.aspects);
                    }
                    if have.audience != text.audience {
                        println!("    audience {:?}, not {:?}", have.audience, text.audience);
                    }
                }
            }
        }
        return Ok(());
    }
    if arguments.iter().any(|argument| argument == "--titles") {
        return titles();
    }
    if arguments.iter().any(|argument| argument == "--headlines") {
        return headlines();
    }
    println!("{:<34} {:>7} {:>7} {:>7}", "measure", "reached", "floor", "goal");
    for figure in evaluation::evaluate()? {
        println!(
            "{:<34} {:>7.3} {:>7.3} {:>7.3}  {} labels",
            figure.name, figure.reached, figure.floor, figure.goal, figure.of
        );
    }
    Ok(())
}
