//! Kind, study, aspects, audience and reading level, of whole entries and on our own labelled texts.

use crate::shared::shared;
use carewire_process::{
    evaluation,
    tag::traits::{self, Looked},
};
use carewire_schemas::{Aspect, Audience, Field, ItemKind, ReadingLevel, StudyDesign, Traits};

fn looked<'a>(title: &'a str, text: &'a str) -> Looked<'a> {
    Looked { title, text, html: "", url: None, language: Some("en"), media: ItemKind::Article, dated: None }
}

fn tag(title: &str, text: &str) -> (ItemKind, Traits) {
    traits::of(&looked(title, text))
}

#[test]
fn figures_stay_above_their_floors() {
    for figure in evaluation::evaluate().unwrap() {
        println!("{}: {:.3} (floor {:.2}, goal {:.2})", figure.name, figure.reached, figure.floor, figure.goal);
        assert!(
            figure.reached >= figure.floor,
            "{} fell to {:.3}, floor {:.2}",
            figure.name,
            figure.reached,
            figure.floor
        );
    }
    let training: usize = evaluation::TRAINING.iter().map(|set| evaluation::texts(set).unwrap().len()).sum();
    assert!(training >= 900, "{training} texts to learn from");
    let texts: usize = evaluation::SETS.iter().map(|(_, set)| evaluation::texts(set).unwrap().len()).sum();
    assert!(texts >= 300, "{texts} texts");
}

/// A headline that is taken for a job or an event leaves the feeds of its conditions.
#[test]
fn headlines_are_hardly_ever_jobs_or_events() {
    if shared("volume/health-headlines.jsonl").is_none() {
        return;
    }
    let root = shared("volume").unwrap();
    let headlines = evaluation::headlines(root.parent().unwrap()).unwrap();
    let aside = headlines.iter().filter(|title| tag(title, "").0.is_aside()).count();
    assert!(headlines.len() > 6_000 && aside <= 6, "{aside} of {}", headlines.len());
}

#[test]
fn kinds_are_told_by_the_sorts_of_words_in_other_languages_too() {
    for (title, text, kind) in [
        (
            "Wir suchen eine Hebamme (m/w/d)",
            "Teilzeit, ab September. Ihre Bewerbung senden Sie an die Klinik.",
            ItemKind::Job,
        ),
        ("Charla sobre el ictus", "Jueves 12 de junio a las 19 h, biblioteca. Entrada libre.", ItemKind::Event),
        ("Rappel de fromage", "Ne pas consommer les lots concernés, présence de listeria.", ItemKind::Recall),
        (
            "My journey with lymphoma",
            "I was 27 when I felt the lump. My mother drove me to the clinic.",
            ItemKind::PatientStory,
        ),
    ] {
        let (have, traits) = tag(title, text);
        assert_eq!(have, kind, "{title}");
        assert!(!traits.kind_evidence.is_empty(), "{title}: no evidence");
    }
}

#[test]
fn a_trial_says_how_it_was_done_and_what_that_shows() {
    let (kind, traits) = tag(
        "New pill lowers cholesterol in large trial",
        "Doctors randomly assigned 2,104 patients to the pill or placebo, they reported on Sunday. ClinicalTrials.gov NCT03619213.",
    );
    let study = traits.study.unwrap();
    assert_eq!((kind, study.design, study.sample), (ItemKind::News, Some(StudyDesign::RandomizedTrial), Some(2104)));
    assert_eq!(study.registrations, ["NCT03619213"]);
    assert!(study.explanation.unwrap().starts_with("Chance decided"));
    assert!(study.evidence.iter().any(|e| e.text == "randomly assigned" && e.field == Field::Text));
    assert!(traits.aspects.iter().any(|tag| tag.aspect == Aspect::Research && !tag.evidence.is_empty()));
}

#[test]
fn who_is_spoken_to() {
    let audience = |title, text| tag(title, text).1.audience.into_iter().map(|tag| tag.audience).collect::<Vec<_>>();
    assert_eq!(audience("Caring for a parent with dementia", "You may feel tired."), [Audience::Carer]);
    assert_eq!(audience("Dosing in renal impairment", "Clinicians should adjust the dose."), [Audience::Professional]);
    assert_eq!(audience("What is epilepsy? For young people", "It is a seizure.")[0], Audience::Child);
    assert_eq!(audience("Judge throws out talc lawsuit", "Lawyers for the women said they would appeal."), []);
}

#[test]
fn media_decide_before_words_and_the_address_helps() {
    let mut video = looked("We are hiring: registered nurse", "Send us your CV");
    assert_eq!(traits::of(&video).0, ItemKind::Job);
    video.media = ItemKind::Video;
    assert_eq!(traits::of(&video).0, ItemKind::Video);
    let mut page = looked("Physiotherapy, ward 7", "");
    assert_eq!(traits::of(&page).0, ItemKind::Article);
    page.url = Some("https://hospital.example/jobs/117");
    assert_eq!(traits::of(&page).0, ItemKind::Job);
}

#[test]
fn things_age_by_their_kind() {
    let dated = "2026-01-01T00:00:00Z".parse().ok();
    let days = |title, text| {
        let (_, traits) = traits::of(&Looked { dated, ..looked(title, text) });
        traits.review_by.map(|by| by.duration_since(dated.unwrap()).as_hours() / 24)
    };
    assert_eq!(days("Clinical practice guideline: otitis", "Clinicians should prescribe."), Some(5 * 365));
    assert_eq!(days("Save the date", "Register now, webinar on 5 May"), Some(30));
    assert_eq!(days("My story", "I was diagnosed at nineteen"), None);
}

#[test]
fn what_is_found_does_not_change_with_what_surrounds_it() {
    let (_, alone) = tag("", "We randomly assigned 300 patients to placebo.");
    let (_, within) =
        tag("", "这是一个关于健康的页面。 Это страница о здоровье. We randomly assigned 300 patients to placebo.");
    assert_eq!(alone.study.as_ref().unwrap().design, within.study.as_ref().unwrap().design);
    assert_eq!(alone.study.unwrap().sample, within.study.unwrap().sample);
}

#[test]
fn hostile_texts_stay_within_time_and_bounds() {
    let started = std::time::Instant::now();
    let one = "cancer ".repeat(1_500_000);
    let numbers = "10.1234/5 NCT12345678 n=3 patients ".repeat(200_000);
    let abbreviations: String = (0..10_000u32).map(|n| format!("Long Form Number {n} (LFN{n}) in mice. ")).collect();
    let combining = "e\u{301}\u{302}\u{303}".repeat(1_000_000);
    let rtl = "\u{202e}دراسة على الفئران mice \u{202c}".repeat(100_000);
    for text in [&one, &numbers, &abbreviations, &combining, &rtl] {
        let (_, traits) = traits::of(&Looked { html: text, ..looked(text, text) });
        assert!(serde_json::to_string(&traits).unwrap().len() < 20_000);
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn levels_are_read_in_the_language_of_the_text() {
    let text = "Wash your hands. Do it often. Use soap and warm water. It keeps germs away. ".repeat(4);
    let level = |language| traits::of(&Looked { language, ..looked("", &text) }).1.reading.map(|reading| reading.level);
    assert_eq!(level(Some("en-GB")), Some(ReadingLevel::Easy));
    assert_eq!(level(Some("fi")), None);
    assert_eq!(level(None), None);
}

proptest::proptest! {
    #[test]
    fn evidence_lies_where_it_says(title in "[a-zA-Zé“” .]{0,40}(mice|study|Register now|my story)[ .é]{0,5}", text in "\\PC{0,80}(in mice|placebo|you may)\\PC{0,80}") {
        let (_, traits) = tag(&title, &text);
        let all = traits.kind_evidence.iter().chain(traits.study.iter().flat_map(|study| &study.evidence))
            .chain(traits.aspects.iter().flat_map(|tag| &tag.evidence)).chain(traits.audience.iter().flat_map(|tag| &tag.evidence));
        for evidence in all {
            let source = if evidence.field == Field::Title { &title } else { &text };
            let words: String = source.chars().skip(evidence.start).take(evidence.end - evidence.start).collect();
            assert_eq!(words, evidence.text);
        }
    }
}
