//! A topic for a person, and the list of all.

use crate::render::style::{Style, wrapped};
use crate::render::table;
use crate::topics::{Kind, Topic, of};

/// Width of the text where the terminal gives none or more.
const READABLE: usize = 96;

/// Column at which the text stands beside its label.
const LABELS: usize = 16;

/// One topic.
pub fn topic(topic: &Topic, style: Style) -> String {
    let text = Style { width: Some(style.width.unwrap_or(READABLE).min(READABLE)), ..style };
    let mut out = wrapped(text, &format!("{}: ", style.strong(&topic.id)), 0, &topic.summary);
    for section in &topic.sections {
        // What a rule says fills paragraphs; the rest is a line or two a part.
        if topic.kind != Kind::Rule {
            let mut label = format!("  {}", section.heading.to_lowercase());
            for paragraph in &section.paragraphs {
                out.push_str(&wrapped(text, &label, LABELS, paragraph));
                label.clear();
            }
            continue;
        }
        out.push_str(&format!("\n{}\n", style.strong(section.heading)));
        for paragraph in &section.paragraphs {
            out.push_str(&wrapped(text, "  ", 2, paragraph));
        }
        if section.heading == "Thresholds" {
            out.push_str(&limits(topic));
        }
    }
    out
}

/// The thresholds of a rule as a table.
fn limits(topic: &Topic) -> String {
    let rows: Vec<Vec<String>> = topic
        .limits
        .iter()
        .map(|l| {
            vec![
                format!("  {}.{}", topic.id, l.key),
                l.default.to_string(),
                format!("{} to {}", l.min, l.max),
                l.unit.into(),
            ]
        })
        .collect();
    table::short(&["  --set", "DEFAULT", "BOUNDS", "UNIT"], &rows, &[])
}

/// Everything that can be explained; fields are many, and have a list of their own.
pub fn index(style: Style) -> String {
    let mut out = String::new();
    for (kind, heads) in [
        (Kind::Rule, ["RULE", "CONDITION"]),
        (Kind::Family, ["FAMILY", "RULES ABOUT"]),
        (Kind::Knob, ["SETTING", "KERNEL DEFAULT"]),
        (Kind::State, ["STATE", "MEANING"]),
        (Kind::ExitCode, ["EXIT", "MEANING"]),
    ] {
        let rows: Vec<Vec<String>> = of(kind)
            .into_iter()
            .map(|t| {
                let default = t.sections.iter().find(|s| s.heading == "Default");
                let default = default.map(|s| s.paragraphs.join(" "));
                vec![t.id, default.unwrap_or(t.summary)]
            })
            .collect();
        out.push_str(&table::short(&heads, &rows, &[]));
        out.push('\n');
    }
    let more = format!(
        "tcpvet explain ID shows one of them, and each of the {} fields that 'tcpvet fields' lists.",
        of(Kind::Field).len()
    );
    out.push_str(&wrapped(style, "", 0, &more));
    out
}
