//! `carewire tag` and `carewire cluster`, line by line.

use carewire_process::commands::{Lines, cluster_lines, tag_lines};
use serde_json::Value;

fn answers(output: &[u8]) -> Vec<Value> {
    output
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[test]
fn tag_answers_in_order_and_names_bad_lines() {
    let input = concat!(
        "{\"id\":\"a\",\"title\":\"Living with type 2 diabetes\",\"text\":\"No sign of asthma.\"}\n",
        "\n",
        "no json\n",
        "{\"id\":7,\"title\":\"Vivir con asma\",\"text\":\"Consejos para las personas con asma y sus familias en casa.\",\"language\":\"es\"}\n",
        "{\"title\":\"no id\"}\n",
        "{\"id\":\"z\"}",
    );
    let (mut output, mut problems) = (Vec::new(), Vec::new());
    let lines = tag_lines(input.as_bytes(), &mut output, |problem| problems.push(problem)).unwrap();
    assert_eq!(lines, Lines { done: 3, bad: 2 });
    assert!(problems[0].starts_with("line 3: ") && problems[1].starts_with("line 5: "), "{problems:?}");
    let answers = answers(&output);
    assert_eq!(answers.iter().map(|answer| answer["id"].to_string()).collect::<Vec<_>>(), ["\"a\"", "7", "\"z\""]);
    let first = &answers[0]["conditions"][0];
    assert_eq!((first["code"].as_str(), first["role"].as_str()), (Some("D003924"), Some("about")));
    assert_eq!(first["negated"], false);
    assert_eq!(first["evidence"][0]["field"], "title");
    assert_eq!(first["evidence"][0]["start"], 12);
    assert_eq!(answers[1]["language"], "es");
    assert!(answers[2]["conditions"].as_array().unwrap().is_empty());
}

#[test]
fn cluster_tells_copies_and_stories_in_the_order_of_the_input() {
    let text = (0..40).map(|n| format!("word{n} of the text")).collect::<Vec<_>>().join(" ");
    let line = |id: &str, title: &str, text: &str, rest: &str| {
        format!("{{\"id\":\"{id}\",\"title\":\"{title}\",\"text\":\"{text}\"{rest}}}\n")
    };
    let input = [
        line(
            "late",
            "Second Texas healthcare worker has Ebola",
            "",
            ",\"published\":\"2026-01-02T00:00:00Z\",\"publisher\":\"two\"",
        ),
        line(
            "early",
            "Second Texas health worker tests positive for Ebola",
            "",
            ",\"published\":\"2026-01-01\",\"publisher\":\"one\"",
        ),
        line("whole", "A guideline", &text, ",\"published\":\"2026-01-01T10:00:00+02:00\",\"publisher\":\"one\""),
        line(
            "part",
            "From our partners",
            &text[..text.len() / 2],
            ",\"published\":\"2026-01-03\",\"publisher\":\"two\"",
        ),
        line("page", "Anything", "", ",\"url\":\"https://x.example/a?utm_source=b\",\"published\":\"2026-01-01\""),
        line("same page", "Other", "", ",\"url\":\"http://www.x.example/a/\",\"published\":\"2026-01-01\""),
        line("undated", "Nothing like the others", "", ""),
        "{\"id\":\n".to_owned(),
    ]
    .concat();
    let (mut output, mut problems) = (Vec::new(), Vec::new());
    let lines = cluster_lines(input.as_bytes(), &mut output, |problem| problems.push(problem)).unwrap();
    assert_eq!(lines, Lines { done: 7, bad: 1 });
    assert!(problems[0].starts_with("line 8: "));
    let answers = answers(&output);
    let relation = |n: usize| (answers[n]["id"].as_str().unwrap(), answers[n]["relation"].as_str().unwrap());
    let relations: Vec<_> = (0..7).map(relation).collect();
    assert_eq!(
        relations,
        [
            ("late", "same-story"),
            ("early", "first"),
            ("whole", "first"),
            ("part", "copy"),
            ("page", "first"),
            ("same page", "copy"),
            ("undated", "first")
        ]
    );
    assert_eq!(answers[0]["story"], answers[1]["story"]);
    assert_eq!(answers[2]["story"], answers[3]["story"]);
    assert_ne!(answers[0]["story"], answers[2]["story"]);
    let mut again = Vec::new();
    cluster_lines(input.as_bytes(), &mut again, |_| {}).unwrap();
    assert_eq!(output, again, "the same input gives the same output");
}
