//! The rules of the house, as tests: names, headings, messages, arrows between rooms, file lengths, generated files, the README.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tcpvet::rules::{HEADINGS, RULES};

use crate::support::run::run;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The part of a file before its unit tests.
fn code(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests").next().unwrap()
}

#[test]
fn rule_ids_are_kebab_case_sorted_and_named_like_their_files() {
    let ids: Vec<&str> = RULES.iter().map(|r| r.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!(ids, sorted);
    for rule in RULES {
        assert!(
            rule.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{}",
            rule.id
        );
        let file = root().join("src/rules").join(format!("{}.rs", rule.id.replace('-', "_")));
        assert!(file.exists(), "{}", file.display());
        assert!(
            !rule.id.starts_with("no-") && !rule.id.starts_with("fix-"),
            "the condition, not the cure"
        );
    }
}

#[test]
fn every_rule_is_documented_under_the_fixed_headings() {
    for rule in RULES {
        let headings: Vec<&str> =
            rule.docs.lines().filter_map(|l| l.trim().strip_prefix("# ")).collect();
        assert_eq!(headings, HEADINGS, "{}", rule.id);
        for limit in rule.limits {
            assert!(
                rule.docs.contains(&format!("`{}`", limit.key)),
                "{}.{} is explained",
                rule.id,
                limit.key
            );
            assert!((limit.min..=limit.max).contains(&limit.default), "{}.{}", rule.id, limit.key);
            assert!(limit.doc.ends_with('.') && !limit.unit.is_empty());
        }
    }
}

#[test]
fn messages_keep_the_style() {
    for capture in ["mixed", "close-wait-leak", "port-exhaustion"] {
        let from = root().join("tests/captures").join(capture);
        let document = crate::support::run::json(&["--from", from.to_str().unwrap()]);
        for f in document["findings"].as_array().unwrap() {
            let title = f["title"].as_str().unwrap();
            assert!(!title.ends_with('.'), "{title}");
            assert!(f["why"].as_str().unwrap().ends_with('.'), "{f}");
            assert!(
                f["evidence"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|e| e.as_str().unwrap().ends_with('.')),
                "{f}"
            );
            assert!(
                !f["next"].as_array().unwrap().is_empty()
                    && !f["remedies"].as_array().unwrap().is_empty()
            );
            assert_eq!(f["remedies"][0]["kind"], "application", "the application comes first");
        }
    }
}

/// Which rooms a room may use. Leaves (`phrase`, `nearest`) are open to all.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("wire", &["model"]),
    ("sys", &["wire", "model"]),
    ("collect", &["sys", "wire", "model"]),
    ("filter", &["fields", "wire", "model"]),
    ("rules", &["model"]),
    ("assertions", &["filter", "fields", "rules", "wire", "model"]),
    ("advise", &["rules", "model"]),
    ("fields", &["wire", "model"]),
    ("topics", &["rules", "advise", "fields", "model", "exit"]),
    (
        "render",
        &["rules", "fields", "wire", "advise", "filter", "assertions", "model", "exit", "topics"],
    ),
    ("cli", &["render", "rules", "fields", "sys", "model", "error", "exit", "topics"]),
    (
        "cmd",
        &[
            "cli",
            "collect",
            "render",
            "rules",
            "fields",
            "advise",
            "filter",
            "assertions",
            "sys",
            "wire",
            "model",
            "error",
            "exit",
            "topics",
        ],
    ),
];

#[test]
fn rooms_use_only_the_rooms_they_may() {
    for (room, allowed) in ARROWS {
        for file in rust_files(&root().join("src").join(room)) {
            let text = std::fs::read_to_string(&file).unwrap();
            for (at, _) in code(&text).match_indices("crate::") {
                let used: String = text[at + 7..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let leaf = ["phrase", "nearest"].contains(&used.as_str());
                assert!(
                    leaf || used == *room || allowed.contains(&used.as_str()),
                    "{}: {room} uses {used}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn pure_rooms_touch_nothing() {
    const FORBIDDEN: [&str; 9] = [
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "std::net::Tcp",
        "Instant",
        "SystemTime",
        "rustix::fs",
        "println!",
    ];
    for room in
        ["wire", "model", "rules", "advise", "topics", "fields", "filter", "assertions", "render"]
    {
        for file in rust_files(&root().join("src").join(room)) {
            if file.ends_with("schema.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            for word in FORBIDDEN {
                assert!(!code(&text).contains(word), "{}: {word}", file.display());
            }
        }
    }
}

#[test]
fn files_stay_short() {
    let mut lengths = Vec::new();
    for file in rust_files(&root().join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//!"), "{} says what it is for", file.display());
        let lines = text.lines().count();
        assert!(lines <= 700, "{}: {lines} lines", file.display());
        lengths.push(lines);
    }
    lengths.sort_unstable();
    assert!(lengths[lengths.len() / 2] <= 130, "median {}", lengths[lengths.len() / 2]);
}

#[test]
fn every_test_file_is_listed() {
    for (folder, list) in [
        ("tests", "tests/main.rs"),
        ("tests/live", "tests/live/mod.rs"),
        ("tests/support", "tests/support/mod.rs"),
    ] {
        let text = std::fs::read_to_string(root().join(list)).unwrap();
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_string();
            let module =
                path.extension().is_some_and(|e| e == "rs") && name != "main" && name != "mod";
            assert!(
                !module || text.contains(&format!("mod {name};")),
                "{} is not in {list}",
                path.display()
            );
        }
    }
}

#[test]
fn generated_files_are_fresh() {
    let mut known = BTreeSet::new();
    for (name, bytes) in tcpvet::cli::generate::files() {
        let committed = std::fs::read(root().join(&name)).unwrap_or_default();
        assert!(committed == bytes, "{name} is stale: run cargo run -- generate");
        known.insert(name);
    }
    for folder in ["completions", "man"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let name = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
            assert!(known.contains(&name), "{name} is not generated");
        }
    }
}

/// Blocks of the README that show a command and its output are run: `$ tcpvet ...` on the capture named in the comment before it.
/// `BLESS=1` writes them anew.
#[test]
fn outputs_in_the_readme_are_real() {
    let path = root().join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut fresh = String::new();
    let mut parts = text.split("<!-- output of ");
    fresh.push_str(parts.next().unwrap());
    for part in parts {
        let (name, rest) = part.split_once(" -->\n```\n").expect("a capture and a block");
        let (block, after) = rest.split_once("```").expect("the block ends");
        let (command, _) = block.split_once('\n').unwrap();
        let args = command.strip_prefix("$ tcpvet").expect("a command").trim();
        let from = root().join("tests/captures").join(name);
        // In single quotes blanks are kept.
        let parts = args.split('\'').enumerate();
        let mut all: Vec<&str> = parts
            .flat_map(|(at, part)| match at % 2 {
                0 => part.split(' ').filter(|a| !a.is_empty()).collect(),
                _ => vec![part],
            })
            .collect();
        all.extend(["--from", from.to_str().unwrap(), "--width", "80"]);
        let output = run(&all).out;
        assert!(!output.is_empty(), "{command} says nothing");
        // A live run does not say that it is a capture.
        let output = match output.split_once('\n') {
            Some((head, rest)) if head.starts_with("capture of") => rest,
            _ => output.as_str(),
        };
        fresh.push_str(&format!("<!-- output of {name} -->\n```\n{command}\n{output}```{after}"));
    }
    assert!(text.matches("<!-- output of ").count() >= 2);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == fresh, "BLESS=1 cargo test house writes it");
}

#[test]
fn changelog_and_documents_name_the_version() {
    let text = std::fs::read_to_string(root().join("docs/changelog.md")).unwrap();
    assert!(text.contains(&format!("## {}", env!("CARGO_PKG_VERSION"))));
}
