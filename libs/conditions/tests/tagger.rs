//! What the tagger finds, and what it does not.

use carewire_conditions::{ConditionTag, Document, Field, Qualifier, Role, Tagger};
use proptest::prelude::*;

fn tag(title: &str, text: &str) -> Vec<ConditionTag> {
    Tagger::bundled().tag(&Document { title, text, language: Some("en"), categories: &[] })
}

/// The codes that an item with this title is about, topics left out.
fn about(title: &str) -> Vec<String> {
    let mut codes: Vec<_> =
        tag(title, "").into_iter().filter(|t| t.role == Role::About && !t.topic).map(|t| t.code.0).collect();
    codes.sort();
    codes
}

#[test]
fn titles() {
    for (title, wanted) in [
        // Lay names, plural, possessive, hyphens, spelling.
        ("Surviving a heart attack", &["D009203"][..]),
        ("Heart attacks and strokes: know the signs", &["D009203", "D020521"]),
        ("Living with Alzheimer's", &["D000544"]),
        ("Living with Alzheimer’s disease", &["D000544"]),
        ("New guideline for type-2 diabetes", &["D003924"]),
        ("Oesophageal tumours on the rise", &["D004938"]),
        ("Haemophilia: a carer's guide", &["D006467"]),
        ("β-thalassaemia explained", &["D017086"]),
        // Treatments and tests that stand for their condition.
        ("Who should take statins?", &["D006937"]),
        ("When to have a mammogram", &["D001943"]),
        ("Get your flu shot now", &["D007251"]),
        ("Insulin pumps for children", &["D003920"]),
        // Pathogens and outbreaks.
        ("Ebola in West Africa", &["D019142"]),
        ("Two more MERS cases", &["D018352"]),
        ("E. coli in lettuce", &["D004927"]),
        // Hashtags.
        ("Walking helps #BreastCancer survivors", &["D001943"]),
        ("#breastcancer awareness", &["D001943"]),
        ("Speaking about #ptsd", &["D013313"]),
        // Shared heads.
        ("Breast and ovarian cancer in the family", &["D001943", "D010051"]),
        ("Hepatitis B and C testing", &["D006509", "D006526"]),
        // Abbreviations only in their own capitals; dotted ones.
        ("H.I.V. at forty", &["D015658"]),
        ("AIDS in numbers", &["D000163", "D015658"]),
        // The most specific that is named.
        ("Diabetes today: living with type 1 diabetes", &["D003922"]),
        // Ordinary meanings.
        ("A stroke of luck for the hospital", &[]),
        ("The cold weather guide", &[]),
        ("A scheme that aids and abets", &[]),
        ("Fight a cold with rest", &["D003139"]),
        ("Ten moves to burn calories", &[]),
        ("World Cup fever grips the town", &[]),
        ("Sticker shock at the pharmacy", &[]),
        ("Obamacare headaches for insurers", &[]),
        ("Police drug seizure at the border", &[]),
        ("Sit down and breathe", &[]),
        ("News of the American Cancer Society", &[]),
        ("@DiabetesUK hosts a walk", &[]),
        ("See http://example.org/asthma/news", &[]),
        ("", &[]),
    ] {
        assert_eq!(about(title), wanted, "{title}");
    }
}

/// Each line: a word where it is the condition, and where it is not.
#[test]
fn ambiguous_words_are_settled_by_context() {
    let mut wrong = Vec::new();
    for (code, condition, other) in [
        ("D003139", "Catch fewer colds this year", "Too cold to train outside"),
        ("D002056", "Burns patients treated in a new unit", "This workout burns a lot"),
        ("D003866", "Depression in teenagers", "The Great Depression and public health"),
        ("D009103", "MS drug approved", "An MS degree in public health"),
        ("D010930", "Plague kills two in Madagascar", "Delays plague the health website"),
        ("D012640", "Seizures in a child with epilepsy", "Police seizure of cocaine"),
        ("D001766", "Gene therapy helps blind patients see", "A blind date at the clinic"),
        ("D008310", "Dental braces for adults", "The state braces for a budget cut"),
        ("D006261", "Headache relief without pills", "Tax headaches for insurers"),
        ("D010243", "Paralysis after a fall", "Political paralysis in Congress"),
        ("D012772", "Septic shock kills patient in hospital", "Sticker shock at the pharmacy"),
        ("D005334", "Fever in children: when to call the doctor", "Royal baby fever sweeps the country"),
        ("D020521", "Stroke patients recover faster", "A stroke of genius"),
        ("D000163", "AIDS and HIV in cities", "A film that aids learning"),
        ("D000690", "ALS drug slows the disease", "ALS ambulance crews in training"),
        ("D015673", "ME sufferers tell of fatigue", "Tell ME more about vitamins"),
        ("D001289", "ADD and ADHD in adults", "ADD more steps to a day"),
        ("D009369", "Cancer patients wait for treatment", "Cancer, Leo and Virgo: your horoscope"),
        ("D011041", "Poisoning of a child: call the doctor", "Poisoning the political debate"),
        ("D000881", "Anthrax infection in a farmer", "Anthrax and other metal bands"),
        ("D005076", "A rash that itches", "A rash decision by the board"),
        ("D003638", "Deaf children learn to sign", "Tone deaf on health costs"),
        ("D050723", "Fracture of a bone: the treatment", "Coalition fracture over health bill"),
        ("D005221", "Cancer fatigue and how to live with it", "Compassion and voter fatigue"),
        ("D007239", "Infection control in hospitals", "A computer infection spreads by mail"),
        ("D006967", "Allergic to nuts: a mother's tale", "Allergic to work"),
        ("D019966", "Drug addicts in recovery", "Are you a chocolate addict"),
        ("D010146", "Living with pain: a patient's tale", "Pain for taxpayers as prices rise"),
        ("D000402", "Choking hazard for toddlers", "Smog is choking the city"),
        ("D014947", "Injury prevention for workers", "Adding insult to injury"),
        ("D001008", "Anxiety and how to treat it", "Market anxiety over insurers"),
        ("D000067836", "Hoarding disorder on the couch", "Hoarding masks and gas"),
        ("D000647", "Amnesia after a blow to the head", "Collective political amnesia"),
        ("D004832", "Absence epilepsy in school children", "The absence of a plan"),
        ("D016574", "SAD in winter: light helps", "A SAD day for the team"),
        ("D064420", "Toxicity of the drug in patients", "Toxicity of fish and soil"),
    ] {
        let has = |title: &str| about(title).iter().any(|c| c == code);
        wrong.extend((!has(condition)).then_some(condition));
        wrong.extend(has(other).then_some(other));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn abbreviations_mean_what_the_text_says() {
    let tags = tag("", "Patients with cystic fibrosis (CFI) were seen. CFI was severe. No other disease but CFI.");
    let tag = tags.iter().find(|t| t.code.as_str() == "D003550").expect("cystic fibrosis");
    assert_eq!(
        tag.evidence.iter().map(|e| e.text.as_str()).collect::<Vec<_>>(),
        ["cystic fibrosis", "CFI", "CFI", "CFI"]
    );
    // ALS here is something else than the disease.
    assert!(
        self::tag("", "Advanced life support (ALS) courses. ALS is taught.")
            .iter()
            .all(|t| t.code.as_str() != "D000690")
    );
}

#[test]
fn negated_mentions_are_marked() {
    for (text, negated) in [
        ("She has asthma.", false),
        ("There was no evidence of asthma in her.", true),
        ("She came without asthma.", true),
        ("Asthma was ruled out.", true),
        ("There was no link between vaccines and asthma.", false),
        ("She denied smoking, but asthma is known.", false),
    ] {
        let tags = tag("", text);
        let asthma = tags.iter().find(|t| t.code.as_str() == "D001249").expect(text);
        assert_eq!(asthma.negated, negated, "{text}");
        assert!(!negated || asthma.role == Role::Mentioned, "{text}");
    }
}

#[test]
fn about_and_mentioned() {
    let tags = tag("Eating well with diabetes", "Diabetes changes what you eat. Some people also have asthma.");
    assert_eq!((tags[0].code.as_str(), tags[0].role), ("D003920", Role::About));
    let asthma = tags.iter().find(|t| t.code.as_str() == "D001249").expect("asthma");
    assert_eq!(asthma.role, Role::Mentioned);
    assert!(asthma.score < tags[0].score);
    let categories = ["Asthma".to_owned()];
    let document = Document { title: "A day out", text: "", language: Some("en"), categories: &categories };
    let tags = Tagger::bundled().tag(&document);
    assert_eq!((tags[0].code.as_str(), tags[0].evidence[0].field), ("D001249", Field::Category));
    // In Spanish.
    let document =
        Document { title: "Vivir con presión alta y gripe", text: "", language: Some("es"), categories: &[] };
    let codes: Vec<_> = Tagger::bundled().tag(&document).into_iter().map(|t| t.code.0).collect();
    assert_eq!(codes, ["D006973", "D007251"]);
    // Topics are marked.
    let tags = tag("Questions about vaccination in pregnancy", "");
    assert!(tags.iter().all(|t| t.topic) && tags.len() == 2, "{tags:?}");
}

#[test]
fn hostile_texts_take_linear_time() {
    let start = std::time::Instant::now();
    let abbreviations: String = (0..10_000).map(|i| format!("bad coughing disease (BC{i}), ")).collect();
    for text in [
        "cancer ".repeat(300_000),
        "a".repeat(2_000_000),
        format!("e{}", "\u{301}".repeat(1_000_000)),
        abbreviations,
        "(A".repeat(500_000),
        "breast and ".repeat(200_000),
        "lung, ".repeat(200_000) + "and breast cancer",
        "#".repeat(1_000_000),
        "A.".repeat(500_000),
        "'".repeat(1_000_000),
    ] {
        tag(&text.chars().take(4).collect::<String>(), &text);
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn spans_are_valid_in_the_original(
        before in "[a-z é\u{301}😀(),.#'’-]{0,20}", word in "(asthma|breast cancer|HIV|Ebola)", after in "\\PC{0,20}",
    ) {
        let text = format!("{before} {word} {after}");
        let tags = tag(&text, &text);
        for evidence in tags.iter().flat_map(|t| &t.evidence) {
            let found: String = text.chars().skip(evidence.start).take(evidence.end - evidence.start).collect();
            prop_assert_eq!(&found, &evidence.text);
        }
    }

    #[test]
    fn anything_goes(title in "\\PC{0,60}", text in "\\PC{0,300}") {
        let tags = tag(&title, &text);
        prop_assert_eq!(&tags, &tag(&title, &text));
        for tag in tags {
            prop_assert!((0.0..=1.0).contains(&tag.score));
            prop_assert!(!tag.evidence.is_empty());
        }
    }

    #[test]
    fn text_of_another_language_around_changes_nothing(around in "[абвгдежзиклмнопрст ]{0,40}") {
        let codes = |text: &str| tag("", text).into_iter().map(|t| t.code).collect::<Vec<_>>();
        prop_assert_eq!(codes("She has asthma."), codes(&format!("{around}. She has asthma. {around}")));
    }
}

/// The topics that an item with this title is about.
fn topics(title: &str) -> Vec<String> {
    let mut codes: Vec<_> =
        tag(title, "").into_iter().filter(|t| t.role == Role::About && t.topic).map(|t| t.name).collect();
    codes.sort();
    codes
}

#[test]
fn topics_of_titles() {
    for (title, wanted) in [
        ("Six easy ways to lose weight", &["Weight Loss"][..]),
        ("A home birth story", &["Home Childbirth"]),
        ("How to sign up for Obamacare", &["Patient Protection and Affordable Care Act"]),
        ("E-cigarettes and teenagers", &["Electronic Nicotine Delivery Systems"]),
        // A topic's words also name the condition in them, and a treatment's words the topic.
        ("Prostate cancer screening is debated", &["Early Detection of Cancer", "Mass Screening"]),
        ("Flu vaccine arrives early", &["Vaccination"]),
        // Words that only hint at a topic make nobody's item.
        ("Nurse cured of Ebola", &[]),
        ("Protein linked to Alzheimer's", &[]),
        ("Diabetes in children: what parents say", &[]),
    ] {
        let found = topics(title);
        let unwanted: Vec<_> = found.iter().filter(|t| !wanted.contains(&t.as_str())).collect();
        assert!(unwanted.is_empty(), "{title}: {found:?}");
        assert!(wanted.is_empty() || found.iter().any(|t| wanted.contains(&t.as_str())), "{title}: {found:?}");
    }
    assert_eq!(about("Prostate cancer screening is debated"), ["D011471"]);
    // A topic's words give way to the longer name of a condition.
    assert_eq!(about("A new heart attack drug"), ["D009203"]);
}

#[test]
fn everyday_words_do_not_make_a_long_text_a_topic() {
    let text = "Asthma narrows the airways. Muscle fiber tightens around them. Asthma is treated with inhalers.";
    let tags = tag("Asthma", text);
    assert!(tags.iter().filter(|t| t.topic).all(|t| t.role == Role::Mentioned), "{tags:?}");
}

#[test]
fn names_count_in_their_language() {
    let codes = |text: &str, language: Option<&str>| -> Vec<String> {
        let document = Document { title: text, text: "", language, categories: &[] };
        Tagger::bundled().tag(&document).into_iter().filter(|t| !t.topic).map(|t| t.code.0).collect()
    };
    for (text, language, code) in [
        ("Leben mit Brustkrebs", "de", "D001943"),
        ("Vivre avec la sclérose en plaques", "fr", "D009103"),
        ("Viver com pressão alta", "pt-BR", "D006973"),
        ("Vivir con presión alta", "es-MX", "D006973"),
        ("La gripe en invierno", "es", "D007251"),
        ("Gürtelrose: was hilft", "de-AT", "D006562"),
    ] {
        assert_eq!(codes(text, Some(language)), [code], "{text}");
    }
    // French and Portuguese shingles are a Spanish neighbourhood.
    assert_eq!(codes("Vivre avec un zona", Some("fr")), ["D006562"]);
    assert_eq!(codes("Una zona tranquila", Some("es")), [""; 0]);
    // A word of another language does not take an English name away.
    assert_eq!(codes("Anemia in women", Some("en")), ["D000740"]);
    assert_eq!(codes("Urticaria and what to do", Some("en")), ["D014581"]);
    assert_eq!(codes("La rage au Maroc", None), [""; 0]);
}

#[test]
fn negation_in_titles_reaches_only_what_it_stands_by() {
    assert_eq!(about("Absence of gene may help fight Alzheimer's"), ["D000544"]);
    let tags = tag("No evidence of measles in the county", "");
    assert!(tags.iter().any(|t| t.negated && t.code.as_str() == "D008457"));
}

/// An abstract is read with what was learned from abstracts; the same words in news are not.
#[test]
fn learned_names_count_in_scientific_reports_only() {
    let report = "Methods: patients were treated with a dose of 5 mg/kg. Results: fibrosis was observed in treated rats \
        compared with control groups, and liver enzyme levels increased significantly. Conclusion: our findings suggest that \
        the administration of the drug induced fibrosis in vivo; we investigated gene expression, protein levels and plasma \
        concentrations, and the study showed significant effects of the therapy on receptor levels in mice and rats.";
    let news = "The town council met on Tuesday to talk about the new clinic. Fibrosis was mentioned by one of the speakers, \
        who asked when the doors would open. Your doctor can tell you more, the mayor said, and everybody is welcome to come to \
        the opening on Friday, when there will be music, cake and a tour of the building for families from the whole town. \
        The clinic has been paid for by a local family, and volunteers have painted its walls in green.";
    let has = |text: &str| tag("", text).iter().any(|t| t.code.as_str() == "D005355");
    assert!(has(report));
    assert!(!has(news));
}

#[test]
fn what_is_said_of_a_condition_is_marked() {
    for (text, qualifier) in [
        ("She has asthma.", None),
        ("Ask for help if you have asthma.", Some(Qualifier::Hypothetical)),
        ("Smoke raises the risk of asthma.", Some(Qualifier::Hypothetical)),
        ("Children with a family history of asthma were asked.", Some(Qualifier::Family)),
        ("Asthma runs in families.", Some(Qualifier::Family)),
        ("Unlike asthma, it goes away.", Some(Qualifier::Contrast)),
        ("Croup is not to be confused with asthma.", Some(Qualifier::Contrast)),
        // Stated once, it is stated.
        ("If you have asthma, read on. Asthma is common.", None),
    ] {
        let tags = tag("", text);
        let asthma = tags.iter().find(|t| t.code.as_str() == "D001249").expect(text);
        assert_eq!(asthma.qualifier, qualifier, "{text}");
        assert!(!asthma.negated, "{text}");
    }
    let tags = tag("Unlike Parkinson's, essential tremor is common", "");
    let role = |code: &str| tags.iter().find(|t| t.code.as_str() == code).map(|t| t.role);
    assert_eq!((role("D010300"), role("D020329")), (Some(Role::Mentioned), Some(Role::About)));
}
