//! The settings of a run for a person.

use super::labelled;
use crate::render::document::config::ConfigDocument;
use crate::render::style::Style;
use crate::render::table;

/// The whole text.
pub fn render(document: &ConfigDocument, style: Style) -> String {
    let mut out = String::new();
    let files: Vec<String> = document.files.iter().map(ToString::to_string).collect();
    let places: Vec<String> = document.places.iter().map(ToString::to_string).collect();
    let read = match files.as_slice() {
        [] => format!("none; looked for {}", places.join(", ")),
        some => some.join(", "),
    };
    out.push_str(&labelled(style, "files", &read));
    let off: Vec<&str> = document.rules.iter().filter(|r| !r.runs).map(|r| r.id).collect();
    let all = document.rules.len();
    let rules = match off.as_slice() {
        [] => format!("all {all} run"),
        off => format!("{} of {all} run; left out: {}", all - off.len(), off.join(", ")),
    };
    out.push_str(&labelled(style, "rules", &rules));
    out.push('\n');
    let rows: Vec<Vec<String>> = document
        .thresholds
        .iter()
        .map(|t| {
            vec![t.name.clone(), t.value.0.to_string(), t.default.0.to_string(), t.from.clone()]
        })
        .collect();
    out.push_str(&table::short(&["THRESHOLD", "VALUE", "DEFAULT", "FROM"], &rows, &[]));
    if !document.exceptions.is_empty() {
        let any = || "any".to_string();
        let rows: Vec<Vec<String>> = document
            .exceptions
            .iter()
            .map(|e| {
                vec![
                    e.process.clone().unwrap_or_else(any),
                    e.port.map_or_else(any, |p| p.to_string()),
                    e.name.clone(),
                    e.value.0.to_string(),
                    e.from.clone(),
                ]
            })
            .collect();
        out.push('\n');
        let heads = ["PROCESS", "PORT", "THRESHOLD", "VALUE", "FROM"];
        out.push_str(&table::short(&heads, &rows, &[]));
    }
    out
}
