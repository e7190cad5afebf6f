//! The reading level of a text: figure, grade, and the difficulty mark.

use carewire_schemas::{Reading, ReadingFormula, ReadingLevel};

use crate::{Counts, Language, count, formulas};

/// Fewest words for which a figure means anything.
pub const MIN_WORDS: u32 = 30;

/// Reads a plain text in the language `tag` (BCP 47). None where the language has no formula or the text is too short.
#[must_use]
pub fn read(text: &str, tag: &str) -> Option<Reading> {
    let language = Language::of(tag)?;
    let counts = count(text, language);
    (counts.words >= MIN_WORDS && counts.sentences > 0).then(|| of(&counts, language))
}

fn of(c: &Counts, language: Language) -> Reading {
    let (formula, score, grade) = match language {
        Language::English => {
            let grade = formulas::combined_grade(c);
            (ReadingFormula::UsGrade, grade, Some(grade))
        }
        Language::Spanish => (ReadingFormula::Inflesz, formulas::inflesz(c), Some(formulas::crawford(c))),
        Language::German => {
            let grade = formulas::wiener(c);
            (ReadingFormula::Wiener, grade, Some(grade))
        }
        Language::French => (ReadingFormula::KandelMoles, formulas::kandel_moles(c), None),
        Language::Portuguese => (ReadingFormula::Martins, formulas::martins(c), None),
        Language::Italian => (ReadingFormula::Gulpease, formulas::gulpease(c), None),
    };
    let mark = difficulty(c, language).round() as u8;
    let tenth = |value: f64| ((value * 10.0).round() / 10.0) as f32;
    Reading {
        level: match mark {
            0..=33 => ReadingLevel::Easy,
            34..=66 => ReadingLevel::Average,
            _ => ReadingLevel::Hard,
        },
        difficulty: mark,
        formula,
        score: tenth(score),
        grade: grade.map(|grade| tenth(grade.clamp(1.0, 20.0))),
    }
}

/// Our own mark of how hard a text is, 0 (a first reader) to 100 (specialists only); 33 and 67 part easy, average and hard.
///
/// English: a linear sum of how rare its words are and how its sentences are built. The weights were set by hand, before any
/// text was measured; only the scale was laid so that news rewritten for learners is mostly easy, a newspaper average, and
/// the abstract of a systematic review hard. Other languages: the established formula of the language, laid on the same
/// scale by its own bands, so that "easy" is what that formula's authors call easy.
#[must_use]
pub fn difficulty(c: &Counts, language: Language) -> f64 {
    let mark = match language {
        Language::English => english(c),
        Language::Spanish => bands(formulas::inflesz(c), 65.0, 45.0),
        Language::German => bands(formulas::wiener(c), 8.5, 12.5),
        Language::French => bands(formulas::kandel_moles(c), 60.0, 40.0),
        Language::Portuguese => bands(formulas::martins(c), 55.0, 35.0),
        Language::Italian => bands(formulas::gulpease(c), 55.0, 42.0),
    };
    mark.clamp(0.0, 100.0)
}

/// Lays a figure on the scale: `easy` becomes 33.3, `hard` 66.7.
fn bands(figure: f64, easy: f64, hard: f64) -> f64 {
    100.0 / 3.0 * (1.0 + (figure - easy) / (hard - easy))
}

/// The features of the mark, each about 0 to 1 for ordinary texts, by name.
#[must_use]
pub fn features(c: &Counts) -> [(&'static str, f64); 8] {
    let words = f64::from(c.words.max(1));
    let share = |part: u32| f64::from(part) / words;
    [
        ("rare", share(c.rare)),
        ("plain", share(c.plain)),
        ("personal", share(c.personal)),
        ("long", share(c.long_words)),
        ("syllables", f64::from(c.syllables) / words - 1.0),
        ("sentence", (words / f64::from(c.sentences.max(1))).ln() / 4.0),
        ("numbers", share(c.numbers).sqrt()),
        ("signs", share(c.signs).sqrt()),
    ]
}

/// Weights of [`features`].
const WEIGHTS: [f64; 8] = [60.0, -30.0, -40.0, 30.0, 40.0, 40.0, 10.0, 10.0];
/// Sums that part easy, average and hard: between news for learners (median 38) and the newspaper itself (49), and between
/// plain-language summaries of reviews (60) and their abstracts (75).
const EASY: f64 = 41.0;
const HARD: f64 = 65.0;

fn english(c: &Counts) -> f64 {
    let sum = features(c).iter().zip(WEIGHTS).map(|((_, value), weight)| value * weight).sum::<f64>();
    bands(sum, EASY, HARD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_tells_a_plain_text_from_a_hard_one() {
        let repeated = |text: &str| text.repeat(4);
        for (tag, formula, plain, hard) in [
            (
                "en",
                ReadingFormula::UsGrade,
                "Wash your hands. Do it often. Use soap and warm water. It keeps germs away. ",
                "Pharmacological thromboprophylaxis following orthopaedic arthroplasty demonstrated heterogeneous haemorrhagic \
                 complications, notwithstanding methodological limitations of randomised comparisons (RR 1.21; 95% CI 0.97 to 1.51). ",
            ),
            (
                "es-MX",
                ReadingFormula::Inflesz,
                "Lave sus manos. Use agua y sal. Vea a su médico si se siente mal. No es nada malo. ",
                "La administración intravenosa de inmunoglobulinas inespecíficas constituye una alternativa terapéutica \
                 considerablemente controvertida en determinadas enfermedades neuromusculares inflamatorias. ",
            ),
            (
                "de",
                ReadingFormula::Wiener,
                "Das ist gut für das Herz. Geh oft raus. Iss viel Obst. Trink Tee. Dann geht es dir gut. ",
                "Die immunsuppressive Behandlung autoimmuner Schilddrüsenerkrankungen erfordert kontinuierliche \
                 laborchemische Verlaufsuntersuchungen unter Berücksichtigung medikamentöser Wechselwirkungen. ",
            ),
            (
                "fr",
                ReadingFormula::KandelMoles,
                "Lavez vos mains. Buvez de l'eau. Le sel est mauvais pour le cœur. Parlez à votre médecin. ",
                "L'administration intraveineuse d'immunoglobulines polyvalentes constitue une alternative thérapeutique \
                 particulièrement controversée dans certaines affections neuromusculaires inflammatoires. ",
            ),
            (
                "pt-BR",
                ReadingFormula::Martins,
                "Lave bem as mãos. Beba água. O sal faz mal. Fale com o seu médico. Não tenha medo. ",
                "A administração intravenosa de imunoglobulinas inespecíficas constitui uma alternativa terapêutica \
                 consideravelmente controversa em determinadas enfermidades neuromusculares inflamatórias. ",
            ),
            (
                "it",
                ReadingFormula::Gulpease,
                "Lava le mani. Bevi acqua. Il sale fa male. Vai dal medico se stai male. Non aver paura. ",
                "La somministrazione endovenosa di immunoglobuline costituisce un'alternativa terapeutica \
                 particolarmente controversa nelle malattie neuromuscolari infiammatorie autoimmunitarie. ",
            ),
        ] {
            let (plain, hard) = (read(&repeated(plain), tag).unwrap(), read(&repeated(hard), tag).unwrap());
            assert_eq!((plain.formula, hard.formula), (formula, formula));
            assert_eq!(
                (plain.level, hard.level),
                (ReadingLevel::Easy, ReadingLevel::Hard),
                "{tag}: {plain:?} {hard:?}"
            );
            assert_eq!(plain.grade.is_some(), matches!(tag, "en" | "es-MX" | "de"));
        }
    }

    #[test]
    fn what_cannot_be_read() {
        assert_eq!(read("Too short.", "en"), None);
        assert_eq!(read(&"Ett två tre fyra fem sex. ".repeat(20), "sv"), None, "no formula");
        assert_eq!(read(&"Home\nAbout us\nContact\n".repeat(50), "en"), None, "headings only");
    }
}
