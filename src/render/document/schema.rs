//! The schemas of all documents, generated into docs/schema and kept fresh: `BLESS=1 cargo test schemas_are_fresh` writes them.
#![expect(clippy::disallowed_methods, reason = "a test that writes generated files")]

use schemars::{JsonSchema, schema_for};

fn check<T: JsonSchema>(command: &str) {
    let schema = schema_for!(T);
    let mut text = serde_json::to_string_pretty(&schema).unwrap();
    text.push('\n');
    let path = format!("{}/docs/schema/{command}.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "{path} is stale: run BLESS=1 cargo test schemas_are_fresh");
}

#[test]
fn schemas_are_fresh() {
    check::<super::diagnose::Diagnose>("diagnose");
    check::<super::check::Check>("check");
    check::<super::list::List>("list");
    check::<super::summary::SummaryDocument>("summary");
    check::<super::advise::Advise>("advise");
    check::<super::explain::Explain>("explain");
    check::<super::capture::CaptureDocument>("capture");
}
