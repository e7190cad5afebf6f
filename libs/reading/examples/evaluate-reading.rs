//! Measures reading levels on the texts of `../shared/data/readability` and prints reached, floor and goal.
//!
//! `evaluate-reading [--features]`: `--features` prints what the difficulty mark is made of, one line a text: set, ladder,
//! step (0 is the easiest) and the features in order.

use carewire_reading::{evaluation, level_features};

fn main() {
    let folder = evaluation::data_folder(env!("CARGO_MANIFEST_DIR"));
    if std::env::args().any(|argument| argument == "--features") {
        for (set, ladders) in [("onestop", evaluation::onestop(&folder)), ("cochrane", evaluation::cochrane(&folder))] {
            for (number, ladder) in ladders.iter().enumerate() {
                for (step, counts) in ladder.iter().enumerate() {
                    let values = level_features(counts).map(|(_, value)| format!("{value:.5}"));
                    println!("{set}\t{number}\t{step}\t{}", values.join("\t"));
                }
            }
        }
        return;
    }
    println!("{:<34} {:>7} {:>7} {:>7}", "measure", "reached", "floor", "goal");
    for figure in evaluation::evaluate(&folder) {
        println!(
            "{:<34} {:>7.3} {:>7.3} {:>7.3}  {} texts",
            figure.name, figure.reached, figure.floor, figure.goal, figure.of
        );
    }
}
