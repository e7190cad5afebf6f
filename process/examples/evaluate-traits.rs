//! Measures kind, evidence, aspects and audience on our own labelled texts and prints reached, floor and goal.
//!
//! `evaluate-traits [--misses SET]`: `--misses a` prints what is wrong in a set.

use carewire_process::evaluation;

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
    println!("{:<34} {:>7} {:>7} {:>7}", "measure", "reached", "floor", "goal");
    for figure in evaluation::evaluate()? {
        println!(
            "{:<34} {:>7.3} {:>7.3} {:>7.3}  {} labels",
            figure.name, figure.reached, figure.floor, figure.goal, figure.of
        );
    }
    Ok(())
}
