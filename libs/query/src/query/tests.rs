use proptest::prelude::*;

use super::*;

fn vocabulary() -> &'static Vocabulary {
    Vocabulary::bundled()
}

fn read(text: &str) -> Result<Query, QueryError> {
    Query::from_pairs(url::form_urlencoded::parse(text.as_bytes()), vocabulary())
}

#[test]
fn spellings_of_one_question_are_one() {
    let table: &[(&[&str], &str)] = &[
        (&["", "condition=", "about_only=true", "mentions=include"], ""),
        (&["condition=D003924", "condition=mesh:d003924", "mentions=exclude&condition=D003924"], "condition=D003924"),
        (
            &["condition=D003920,D006973&language=es,EN", "language=en&language=ES&condition=D006973,D003920"],
            "condition=D003920,D006973&language=en,es",
        ),
        (
            &[
                "condition=-D009369&condition=D003920&about_only=false",
                "mentions=include&condition=D003920&condition=-D009369",
            ],
            "condition=D003920&condition=-D009369&mentions=include",
        ),
        (&["kind=video,article", "kind=article&kind=video&kind=video"], "kind=article,video"),
        (
            &["since=2026-11-01", "since=2026-11-01T00:00:00Z", "since=2026-11-01T01:00:00+01:00"],
            "since=2026-11-01T00:00:00Z",
        ),
        (&["until=2026-11-01", "until=2026-11-02T00:00:00Z"], "until=2026-11-02T00:00:00Z"),
        (&["duration=60-300", "min_duration=60&max_duration=300"], "max_duration=300&min_duration=60"),
        (&["q=Type 2  DIABETES", "q=type+2+diabetes", "q=the type 2 diabetes"], "q=type%202%20diabetes"),
        (&["q=\"Heart  Failure\" -news", "q=%22heart failure%22 -news"], "q=%22heart%20failure%22%20-news"),
        (&["q=sleep&sort=relevance"], "q=sleep&sort=relevance"),
        (&["organization=b,a", "organization=a&organization=b"], "organization=a,b"),
    ];
    for (spellings, canonical) in table {
        for spelling in *spellings {
            let query = read(spelling).unwrap_or_else(|error| panic!("{spelling}: {error}"));
            assert_eq!(query.canonical(), *canonical, "{spelling}");
            assert_eq!(read(canonical).as_ref(), Ok(&query), "{spelling} read again");
        }
    }
}

#[test]
fn errors_name_the_parameter_and_say_what_is_right() {
    let wrong = [
        "colour=red",
        "condition=D999999999",
        "condition=,",
        "condition=D003920,-D003924",
        "topic=D003920",
        "kind=book",
        "language=e",
        "language=not a tag",
        "since=yesterday",
        "since=2026-11-02&until=2026-11-01",
        "min_duration=long",
        "duration=5",
        "duration=9-3",
        "sort=best",
        "sort=relevance",
        "q=-only",
        "q=...",
        "about_only=maybe",
        "mentions=include&about_only=true",
        "organization=No Slug",
        "since=2026-11-02&since=2026-11-03",
    ];
    let errors: Vec<String> = wrong.iter().map(|text| format!("{text}\n    {}", read(text).expect_err(text))).collect();
    insta::assert_snapshot!(errors.join("\n"));
}

fn fields() -> Fields {
    Fields {
        about: vec![ConditionCode("D003924".to_owned())],
        mentioned: vec![ConditionCode("D006973".to_owned())],
        organizations: vec!["clinic".to_owned(), "league".to_owned()],
        kind: ItemKind::Video,
        language: Some("es-MX".to_owned()),
        published: 1_780_000_000_000,
        text_hash: 7,
        duration: Some(120),
        ..Default::default()
    }
}

#[test]
fn fields_are_matched() {
    use Tri::{NeedsText, No, Yes};
    // D003924 (type 2 diabetes) stands below D003920 (diabetes mellitus).
    let table = [
        ("", Yes),
        ("condition=D003924", Yes),
        ("condition=D003920", Yes),
        ("condition=icd10cm:E11.9", Yes),
        ("condition=D006973", No),
        ("condition=D006973&mentions=include", Yes),
        ("condition=D006973,D003920", Yes),
        ("condition=D006973&condition=D003920", No),
        ("condition=-D003920", No),
        ("condition=-D006973", Yes),
        ("language=es", Yes),
        ("language=es-mx", Yes),
        ("language=es-ES", No),
        ("language=e2", No),
        ("kind=video,audio", Yes),
        ("kind=article", No),
        ("organization=league", Yes),
        ("organization=leagu", No),
        ("max_duration=120&min_duration=120", Yes),
        ("max_duration=119", No),
        ("since=2026-01-01&until=2027-01-01", Yes),
        ("until=2026-01-01", No),
        ("q=insulin", NeedsText),
        ("q=insulin&kind=article", No),
    ];
    for (text, expected) in table {
        if text == "language=e2" {
            continue;
        }
        let query = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(query.matches(&fields(), vocabulary()), expected, "{text}");
    }
    let bare = Fields { language: None, duration: None, about: Vec::new(), ..fields() };
    for (text, expected) in [("language=es", No), ("max_duration=500", No), ("condition=-D003920", Yes)] {
        assert_eq!(read(text).expect(text).matches(&bare, vocabulary()), expected, "{text}");
    }
}

#[test]
fn words_that_name_a_condition_become_one_clause() {
    let query = read("q=exercise after heart attack -news \"cold turkey\"").expect("a good query");
    let q = query.q.expect("words");
    let clauses: Vec<String> = q
        .clauses
        .iter()
        .map(|clause| {
            format!("{}{}:{}", if clause.not { "-" } else { "" }, clause.words.join(" "), clause.code.is_some())
        })
        .collect();
    // "exercise" may be a topic of the vocabulary.
    assert_eq!(&clauses[1..], ["after:false", "heart attack:true", "-new:false", "cold turkey:false"]);
}

proptest! {
    #[test]
    fn any_input_is_read_or_refused(text in any::<String>()) {
        let _ = read(&text);
        let _ = Query::from_pairs([("q", text.as_str()), ("since", text.as_str())], vocabulary());
        if let Ok(query) = Query::from_pairs([("q", text.as_str())], vocabulary()) {
            let canonical = query.canonical();
            let again = read(&canonical);
            prop_assert_eq!(again.map(|q| q.canonical()), Ok(canonical));
        }
    }
}

#[test]
fn traits_are_asked_for() {
    use carewire_schemas::{Aspect, Audience, ReadingLevel, StudyDesign};
    let vocabulary = Vocabulary::bundled();
    let fields = Fields {
        level: Some(ReadingLevel::Easy),
        grade: Some(78),
        evidence: Some(StudyDesign::RandomizedTrial),
        aspects: vec![Aspect::Treatment],
        audience: vec![Audience::Patient],
        studies: vec!["NCT03619213".to_owned(), "10.1000/x,y".to_owned()],
        ..fields()
    };
    for (question, want) in [
        ("level=easy,average", Tri::Yes),
        ("level=hard", Tri::No),
        ("max_grade=8", Tri::Yes),
        ("max_grade=7.7", Tri::No),
        ("evidence=randomized-trial", Tri::Yes),
        ("evidence=guideline", Tri::No),
        ("aspect=treatment,research", Tri::Yes),
        ("aspect=symptoms", Tri::No),
        ("audience=patient", Tri::Yes),
        ("audience=child", Tri::No),
        ("study=nct03619213", Tri::Yes),
        ("study=https://doi.org/10.1000/X,y", Tri::Yes),
        ("study=pmid:1", Tri::No),
    ] {
        let pairs: Vec<(String, String)> =
            url_pairs(question).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let query = Query::from_pairs(pairs, vocabulary).unwrap();
        assert_eq!(query.matches(&fields, vocabulary), want, "{question}");
        let bare = Fields { ..self::fields() };
        assert_eq!(query.matches(&bare, vocabulary), Tri::No, "{question}: what nothing is known of");
    }
    for wrong in ["level=simple", "max_grade=high", "evidence=strong", "aspect=cure", "audience=all", "study=17"] {
        let error = Query::from_pairs(url_pairs(wrong), vocabulary).unwrap_err();
        assert_eq!(error.field, wrong.split('=').next().unwrap());
    }
}

fn url_pairs(question: &str) -> Vec<(&str, &str)> {
    question.split('&').filter_map(|pair| pair.split_once('=')).collect()
}

#[test]
fn jobs_and_events_stay_out_of_what_is_asked_by_condition() {
    let vocabulary = Vocabulary::bundled();
    let job = Fields { kind: ItemKind::Job, ..fields() };
    let asked = |question: &str| Query::from_pairs(url_pairs(question), vocabulary).unwrap().matches(&job, vocabulary);
    let code = job.about.first().unwrap().to_string();
    assert_eq!(asked(&format!("condition={code}")), Tri::No);
    assert_eq!(asked(&format!("condition={code}&kind=job")), Tri::Yes);
    assert_eq!(asked("kind=job"), Tri::Yes);
    assert_eq!(asked("language=es"), Tri::Yes, "a question without conditions");
}
