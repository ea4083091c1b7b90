//! Low-level discovery of Zabbix: every case with its group, for item and trigger prototypes over the JSON document.

use serde::Serialize;

use super::Judged;

#[derive(Serialize)]
struct Macros<'a> {
    #[serde(rename = "{#GROUP}")]
    group: &'a str,
    #[serde(rename = "{#CASE}")]
    case: &'a str,
}

/// The array.
pub(super) fn render(judged: Judged<'_>) -> Vec<u8> {
    let of = |case| -> Macros<'_> {
        let case: &crate::render::document::case::Case = case;
        Macros { group: case.group, case: &case.name }
    };
    let all: Vec<Macros<'_>> = judged.cases().iter().map(of).collect();
    crate::render::json::compact(&all)
}
