//! How well texts held back are told, and where each label's line is best drawn.

use crate::{
    model::COLUMNS,
    train::{Example, GROUPS},
};

fn best(sums: &[f32]) -> usize {
    (1..sums.len()).fold(0, |best, next| if sums[next] > sums[best] { next } else { best })
}

fn f1(both: usize, wanted: usize, found: usize) -> f32 {
    2.0 * both as f32 / (wanted + found).max(1) as f32
}

/// The labels of the second group (designs, none left out) that are right and that are found.
fn designs(example: &Example, sums: &[f32; COLUMNS], shift: f32) -> (u32, u32) {
    let columns = GROUPS[1].0.clone();
    let mut sums: Vec<f32> = sums[columns].to_vec();
    sums[0] += shift;
    (example.right[1].unwrap_or(0) & !1, 1 << best(&sums) & !1)
}

fn share(pairs: impl Iterator<Item = (u32, u32)>) -> f32 {
    let counts = pairs.fold([0; 3], |[both, wanted, found], (right, have)| {
        let ones = |bits: u32| bits.count_ones() as usize;
        [both + ones(right & have), wanted + ones(right), found + ones(have)]
    });
    f1(counts[0], counts[1], counts[2])
}

/// What to add to each column so that F1 of the texts held back is best where its sum is above 0 (a design: above that of none).
#[must_use]
pub fn shifts(texts: &[Example], held_back: &[(usize, [f32; COLUMNS])]) -> [f32; COLUMNS] {
    let mut shifts = [0f32; COLUMNS];
    let columns = GROUPS[2].0.clone();
    for column in columns.clone() {
        let is = |at: usize| texts[at].right[2].unwrap_or(0) >> (column - columns.start) & 1 == 1;
        let mut sums: Vec<(f32, bool)> = held_back.iter().map(|(at, sums)| (sums[column], is(*at))).collect();
        sums.sort_by(|a, b| b.0.total_cmp(&a.0));
        let wanted = sums.iter().filter(|(_, right)| *right).count();
        let (mut both, mut most) = (0, 0.0);
        for (found, (sum, right)) in sums.iter().enumerate() {
            both += usize::from(*right);
            let reached = f1(both, wanted, found + 1);
            if reached > most {
                // A rare label's best line is chance; it stays within reason.
                (most, shifts[column]) = (reached, 0.01 - sum.clamp(-2.0, 0.5));
            }
        }
    }
    let reached = |shift: f32| share(held_back.iter().map(|(at, sums)| designs(&texts[*at], sums, shift)));
    let none = (0..30).map(|tenths| tenths as f32 * -0.1);
    shifts[GROUPS[1].0.start] = none.fold(0.0, |best, next| if reached(next) > reached(best) { next } else { best });
    shifts
}

/// Prints the figures of the texts held back.
pub fn print(texts: &[Example], held_back: &[(usize, [f32; COLUMNS])], shifts: &[f32; COLUMNS]) {
    let kinds = GROUPS[0].0.clone();
    let told = |sums: &[f32; COLUMNS]| 1u32 << best(&sums[kinds.clone()]);
    let right = held_back.iter().filter(|(at, sums)| texts[*at].right[0] == Some(told(sums))).count();
    let traits = |mask: u32| {
        share(held_back.iter().map(|(at, sums)| {
            let columns = GROUPS[2].0.clone();
            let have = columns.clone().filter(|column| sums[*column] + shifts[*column] > 0.0);
            let have = have.fold(0u32, |all, column| all | 1 << (column - columns.start));
            (texts[*at].right[2].unwrap_or(0) & mask, have & mask)
        }))
    };
    println!("held back, {} texts:", held_back.len());
    println!("  kind, right   {:.3}", right as f32 / held_back.len().max(1) as f32);
    let shift = shifts[GROUPS[1].0.start];
    println!("  evidence, F1  {:.3}", share(held_back.iter().map(|(at, sums)| designs(&texts[*at], sums, shift))));
    println!("  aspects, F1   {:.3}", traits(0xff));
    println!("  audience, F1  {:.3}", traits(0xf00));
}
