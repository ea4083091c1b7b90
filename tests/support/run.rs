//! Running the program and reading what it says.

use std::process::Command;

use serde_json::Value;

/// What a run gave.
pub struct Run {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Exit status.
    pub status: i32,
}

/// The program with a plain environment.
pub fn tcpvet() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcpvet"));
    // The user's own configuration is none of the tests' business.
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}

/// Runs the program.
pub fn run(args: &[&str]) -> Run {
    finish(tcpvet().args(args))
}

/// Runs a prepared command.
pub fn finish(command: &mut Command) -> Run {
    let output = command.output().expect("the program runs");
    Run {
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
        status: output.status.code().expect("no signal"),
    }
}

/// Runs the program with `--json` and validates the document against its shipped schema.
pub fn json(args: &[&str]) -> Value {
    let run = run(&[args, &["--json"]].concat());
    assert_eq!(run.err, "", "a document needs no notes");
    document(&run.out)
}

/// Reads a document and validates it against its shipped schema.
pub fn document(text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let command = document["command"].as_str().expect("every document names its command");
    let path = format!("{}/docs/schema/{command}.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(&path).expect(&path)).expect(&path);
    let validator = jsonschema::validator_for(&schema).expect("a sound schema");
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path)).collect();
    assert!(errors.is_empty(), "{command}: {errors:?}");
    let keys: Vec<&str> = text.match_indices('"').take(2).map(|(i, _)| &text[i..]).collect();
    assert!(keys[0].starts_with("\"format_version\""), "the version comes first");
    document
}

/// The findings of one rule, on their own or folded into another.
pub fn findings<'a>(document: &'a Value, id: &str) -> Vec<&'a Value> {
    let told = document["findings"].as_array().expect("findings").iter();
    let all = told.flat_map(|f| std::iter::once(f).chain(f["folded"].as_array().expect("folded")));
    all.filter(|f| f["id"] == id).collect()
}
