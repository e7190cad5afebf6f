//! What the house keeps to and no compiler checks: who imports whom, file sizes, and that what an operator sees is documented.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files of the repository, without what is built.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    walk(&path, found);
                }
            } else if name.ends_with(".rs") {
                found.push((path.strip_prefix(root()).unwrap().to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    found.sort();
    assert!(found.len() > 100, "only {} files: the walk is broken", found.len());
    found
}

/// A page of docs/.
fn document(name: &str) -> String {
    let page = root().join("docs").join(name);
    fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// Each member's folder and the folders of ours that it depends on.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let read = |folder: &str| -> toml::Table {
        fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap().parse().unwrap()
    };
    let workspace = read(".");
    let shared = workspace["workspace"]["dependencies"].as_table().unwrap();
    let folder_of = |name: &str| {
        shared.get(name).and_then(|found| found.get("path")).and_then(|path| path.as_str().map(str::to_owned))
    };
    let members =
        workspace["workspace"]["members"].as_array().unwrap().iter().map(|member| member.as_str().unwrap().to_owned());
    members
        .map(|member| {
            let manifest = read(&member);
            let of =
                ["dependencies", "build-dependencies"].into_iter().filter_map(|kind| manifest.get(kind)?.as_table());
            let ours = of.flat_map(|table| table.keys().filter_map(|name| folder_of(name))).collect();
            (member, ours)
        })
        .collect()
}

#[test]
fn stages_import_schemas_and_libs_and_nobody_in_circles() {
    let imports = imports();
    for (member, ours) in &imports {
        let may = |other: &str| match member.as_str() {
            "." => true,
            "schemas" => false,
            _ => other == "schemas" || other.starts_with("libs/"),
        };
        let wrong: Vec<_> = ours.iter().filter(|other| !may(other)).collect();
        assert!(wrong.is_empty(), "{member} must not import {wrong:?}");
    }
    // What imports only what is settled is settled; what is left over goes in circles.
    let mut settled = BTreeSet::new();
    while let Some((member, _)) =
        imports.iter().find(|(member, ours)| !settled.contains(*member) && ours.is_subset(&settled))
    {
        settled.insert(member.clone());
    }
    let left: Vec<_> = imports.keys().filter(|member| !settled.contains(*member)).collect();
    assert!(left.is_empty(), "in a circle: {left:?}");
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .map(|(path, lines)| format!("{}: {lines}", path.display()))
        .collect();
    assert!(long.is_empty(), "split by topic: {long:#?}");
}

#[test]
fn nothing_unfinished_is_left() {
    // Put together here, so that this file does not find itself.
    let marks = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("));
    let mut left = Vec::new();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| marks.iter().any(|mark| line.contains(mark)))
        {
            left.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
        }
    }
    assert!(left.is_empty(), "{left:#?}");
}

/// The words in `text` that begin like a metric of ours.
fn metric_names(text: &str) -> BTreeSet<String> {
    let stages = ["bus", "feeds", "fetch", "group", "http", "ingest", "publish", "search", "stage", "store", "tag"];
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| stages.iter().any(|stage| word.starts_with(&format!("carewire_{stage}_"))))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_metric_is_documented_and_every_documented_metric_is_there() {
    let mut registered = BTreeSet::new();
    for (path, text) in sources() {
        if path.components().any(|part| ["tests", "examples", "benches"].iter().any(|name| part.as_os_str() == *name)) {
            continue;
        }
        registered.extend(metric_names(&text).into_iter().filter(|name| text.contains(&format!("\"{name}\""))));
    }
    assert!(registered.len() > 20, "only {registered:?}: the search is broken");
    let text = document("metrics.md");
    let documented: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| Some(line.split_once('`')?.0.split('{').next()?.to_owned()))
        .filter(|name| name.starts_with("carewire_"))
        .collect();
    let missing: Vec<_> = registered.difference(&documented).collect();
    assert!(missing.is_empty(), "not in docs/metrics.md: {missing:#?}");
    let gone: Vec<_> = documented.difference(&registered).collect();
    assert!(gone.is_empty(), "in docs/metrics.md, but not in the code: {gone:#?}");
}

/// The public fields of the structs of that name in a file.
fn fields(file: &str, name: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let start = text.find(&format!("pub struct {name} {{")).unwrap_or_else(|| panic!("{name} is not in {file}"));
    let body = &text[start..start + text[start..].find("\n}").unwrap()];
    let fields = body
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':').map(|(name, _)| name.to_owned()));
    fields.filter(|field| field.chars().all(|c| c.is_ascii_lowercase() || c == '_')).collect()
}

#[test]
fn every_setting_is_documented() {
    let text = document("configuration.md");
    let sections = [
        ("", "src/config.rs", "Config"),
        ("fetch.", "libs/fetch/src/config.rs", "FetchConfig"),
        ("ingest.", "ingest/src/config.rs", "IngestConfig"),
        ("ownership.", "ingest/src/ownership/config.rs", "OwnershipConfig"),
        ("youtube.", "ingest/src/youtube/config.rs", "YoutubeConfig"),
        ("websub.", "ingest/src/websub/config.rs", "WebsubConfig"),
        ("streams.", "publish/src/streams/config.rs", "StreamsConfig"),
        ("hub.", "publish/src/hub/mod.rs", "HubConfig"),
        ("push.", "publish/src/push/config.rs", "PushConfig"),
        ("bus.", "src/config.rs", "BusConfig"),
        ("mail.", "src/config.rs", "MailConfig"),
        ("conditions.", "src/config.rs", "ConditionsConfig"),
    ];
    let mut missing = Vec::new();
    for (section, file, name) in sections {
        let fields = fields(file, name);
        assert!(!fields.is_empty(), "{name} has no fields: the search is broken");
        for field in fields {
            let key = format!("{section}{field}");
            if section.is_empty()
                && [
                    "fetch",
                    "ingest",
                    "ownership",
                    "websub",
                    "youtube",
                    "streams",
                    "hub",
                    "push",
                    "bus",
                    "mail",
                    "conditions",
                ]
                .contains(&field.as_str())
            {
                continue;
            }
            let variable = format!("CAREWIRE_{}", key.replace('.', "__").to_ascii_uppercase());
            let named =
                text.contains(&format!("`{key}`")) || text.contains(&format!("`{key}.")) || text.contains(&variable);
            if !named {
                missing.push(key);
            }
        }
    }
    assert!(missing.is_empty(), "not in docs/configuration.md: {missing:#?}");
}

#[test]
fn every_topic_is_documented() {
    let mut all = String::new();
    for file in fs::read_dir(root().join("docs")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "md") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    for topic in carewire_schemas::topics::ALL {
        assert!(all.contains(topic.name), "{} is in no page of docs/", topic.name);
    }
}
