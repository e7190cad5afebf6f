//! The figures of the readability sets stay above their floors. Without the folder of texts there is nothing to measure.

use carewire_reading::evaluation;

#[test]
fn figures_stay_above_their_floors() {
    let folder = evaluation::data_folder(env!("CARGO_MANIFEST_DIR"));
    if !folder.is_dir() {
        eprintln!("SKIPPED: no readability sets at {}", folder.display());
        return;
    }
    let figures = evaluation::evaluate(&folder);
    assert!(!figures.is_empty());
    for figure in figures {
        println!("{}: {:.3} (floor {:.3}, goal {:.3})", figure.name, figure.reached, figure.floor, figure.goal);
        assert!(
            figure.reached >= figure.floor,
            "{} fell to {:.3}, floor {:.3}",
            figure.name,
            figure.reached,
            figure.floor
        );
    }
}
