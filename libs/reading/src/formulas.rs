//! The published formulas. Each takes [`Counts`] with at least one word and one sentence, and gives the figure on its own scale.

use crate::Counts;

/// Words in a sentence.
fn asl(c: &Counts) -> f64 {
    f64::from(c.words) / f64::from(c.sentences.max(1))
}

/// Syllables in a word.
fn asw(c: &Counts) -> f64 {
    f64::from(c.syllables) / f64::from(c.words.max(1))
}

/// A share of the words, 0 to 1.
fn share(part: u32, c: &Counts) -> f64 {
    f64::from(part) / f64::from(c.words.max(1))
}

/// Flesch–Kincaid grade level: years of school in the United States (Kincaid et al., 1975).
#[must_use]
pub fn flesch_kincaid(c: &Counts) -> f64 {
    0.39 * asl(c) + 11.8 * asw(c) - 15.59
}

/// SMOG grade (McLaughlin, 1969), with the constant of the full formula; texts of fewer than 30 sentences are scaled up.
#[must_use]
pub fn smog(c: &Counts) -> f64 {
    1.043 * (f64::from(c.polysyllables) * 30.0 / f64::from(c.sentences.max(1))).sqrt() + 3.1291
}

/// Coleman–Liau index (1975): letters a word and sentences a hundred words.
#[must_use]
pub fn coleman_liau(c: &Counts) -> f64 {
    5.88 * f64::from(c.letters) / f64::from(c.words.max(1)) - 29.6 / asl(c) - 15.8
}

/// The combined grade for English: the mean of Flesch–Kincaid, SMOG and Coleman–Liau, which err in different directions
/// (long sentences, long words, long spellings), never below 1.
#[must_use]
pub fn combined_grade(c: &Counts) -> f64 {
    ((flesch_kincaid(c) + smog(c) + coleman_liau(c)) / 3.0).max(1.0)
}

/// Fernández Huerta (1959), with the words a sentence as corrected by Gwillim Law: about 0 (hard) to 100 (easy).
#[must_use]
pub fn fernandez_huerta(c: &Counts) -> f64 {
    206.84 - 60.0 * asw(c) - 1.02 * asl(c)
}

/// Szigriszt-Pazos (1993), read on the INFLESZ scale (Barrio-Cantalejo et al., 2008): 55 and more is normal, 65 easy.
#[must_use]
pub fn inflesz(c: &Counts) -> f64 {
    206.835 - 62.3 * asw(c) - asl(c)
}

/// Crawford (1984): years of school that a Spanish text asks for.
#[must_use]
pub fn crawford(c: &Counts) -> f64 {
    -0.205 * (100.0 / asl(c)) + 0.049 * (100.0 * asw(c)) - 3.407
}

/// Erste Wiener Sachtextformel (Bamberger and Vanecek, 1984): the school year, 4 to 15.
#[must_use]
pub fn wiener(c: &Counts) -> f64 {
    let percent = |part| 100.0 * share(part, c);
    0.1935 * percent(c.polysyllables) + 0.1672 * asl(c) + 0.1297 * percent(c.long_words)
        - 0.0327 * percent(c.monosyllables)
        - 0.875
}

/// Kandel and Moles (1958): Flesch for French, 0 (hard) to 100 (easy).
#[must_use]
pub fn kandel_moles(c: &Counts) -> f64 {
    207.0 - 1.015 * asl(c) - 73.6 * asw(c)
}

/// Martins et al. (1996): Flesch for Brazilian Portuguese, 42 points above that for English.
#[must_use]
pub fn martins(c: &Counts) -> f64 {
    248.835 - 1.015 * asl(c) - 84.6 * asw(c)
}

/// Gulpease (Lucisano and Piemontese, 1988), 0 (hard) to 100 (easy), by letters and sentences.
#[must_use]
pub fn gulpease(c: &Counts) -> f64 {
    89.0 + (300.0 * f64::from(c.sentences) - 10.0 * f64::from(c.letters)) / f64::from(c.words.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 words in 5 sentences with 150 syllables and 450 letters: figures worked out by hand.
    #[test]
    fn by_hand() {
        let c = Counts {
            words: 100,
            sentences: 5,
            syllables: 150,
            letters: 450,
            polysyllables: 10,
            long_words: 20,
            monosyllables: 60,
            ..Counts::default()
        };
        for (name, have, want) in [
            ("Flesch-Kincaid", flesch_kincaid(&c), 9.91),
            ("SMOG", smog(&c), 11.208),
            ("Coleman-Liau", coleman_liau(&c), 9.18),
            ("combined", combined_grade(&c), 10.099),
            ("Fernández Huerta", fernandez_huerta(&c), 96.44),
            ("INFLESZ", inflesz(&c), 93.385),
            ("Crawford", crawford(&c), 2.918),
            ("Wiener", wiener(&c), 5.036),
            ("Kandel-Moles", kandel_moles(&c), 76.3),
            ("Martins", martins(&c), 101.635),
            ("Gulpease", gulpease(&c), 59.0),
        ] {
            assert!((have - want).abs() < 0.01, "{name}: {have}, not {want}");
        }
    }
}
