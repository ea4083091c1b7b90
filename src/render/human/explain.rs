//! Documentation of a rule or a knob for a person: the same text as the rustdoc.

use crate::advise::knobs::{KNOBS, Kind, Knob, Scope};
use crate::render::style::{Style, wrapped};
use crate::render::table;
use crate::rules::{RULES, Rule};

/// The text of a doc comment without the blank that begins each line.
pub fn plain(docs: &str) -> String {
    let lines: Vec<&str> = docs.lines().map(|l| l.strip_prefix(' ').unwrap_or(l)).collect();
    lines.join("\n")
}

/// Paragraphs of a doc comment: headings apart, lines of a paragraph joined, so that they wrap at any width.
fn paragraphs(docs: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open = false;
    for line in plain(docs).lines() {
        let line = line.trim_end();
        if line.is_empty() {
            open = false;
        } else if line.starts_with("# ") {
            out.push(line.to_string());
            open = false;
        } else if open && let Some(last) = out.last_mut() {
            last.push(' ');
            last.push_str(line);
        } else {
            out.push(line.to_string());
            open = true;
        }
    }
    out
}

/// Width of the text where the terminal gives none or more.
const READABLE: usize = 96;

/// One rule.
pub fn rule(rule: &Rule, style: Style) -> String {
    let text = Style { width: Some(style.width.unwrap_or(READABLE).min(READABLE)), ..style };
    let mut out = wrapped(text, &format!("{}: ", style.strong(rule.id)), 0, rule.summary);
    for paragraph in paragraphs(rule.docs) {
        match paragraph.strip_prefix("# ") {
            Some(heading) => out.push_str(&format!("\n{}\n", style.strong(heading))),
            None => out.push_str(&wrapped(text, "  ", 2, &paragraph)),
        }
        if paragraph == "# Thresholds" {
            let rows: Vec<Vec<String>> = rule
                .limits
                .iter()
                .map(|l| {
                    let bounds = format!("{} to {}", l.min, l.max);
                    vec![
                        format!("  {}.{}", rule.id, l.key),
                        l.default.to_string(),
                        bounds,
                        l.unit.into(),
                    ]
                })
                .collect();
            out.push_str(&table::short(&["  --set", "DEFAULT", "BOUNDS", "UNIT"], &rows, &[]));
        }
    }
    out
}

/// One knob.
pub fn knob(knob: &Knob, style: Style) -> String {
    let text = Style { width: Some(style.width.unwrap_or(READABLE).min(READABLE)), ..style };
    let scope = match knob.scope {
        Scope::Namespace => "one network namespace",
        Scope::Host => "the whole host",
    };
    let direction = match knob.kind {
        Kind::Higher { max } => format!("higher, at most {max}"),
        Kind::Lower { min } => format!("lower, at least {min}"),
        Kind::Order(order) => {
            let order: Vec<String> = order.iter().map(i64::to_string).collect();
            format!("in this order of effect: {}", order.join(" < "))
        }
        Kind::PortRange => "wider, never below port 15000".to_string(),
        Kind::PortList => "more ports, the present ones kept".to_string(),
    };
    let mut out = format!("{}\n", style.strong(knob.name));
    for (label, value) in [
        ("effect", knob.effect),
        ("default", knob.default),
        ("scope", scope),
        ("since", knob.since),
        ("helps", direction.as_str()),
        ("risk", knob.risk),
        ("not", knob.not_fixed),
    ] {
        out.push_str(&wrapped(text, &format!("  {label}"), 11, value));
    }
    out
}

/// Everything that can be explained.
pub fn index(style: Style) -> String {
    let rules: Vec<Vec<String>> =
        RULES.iter().map(|r| vec![r.id.to_string(), r.summary.to_string()]).collect();
    let mut out = table::short(&["RULE", "CONDITION"], &rules, &[]);
    out.push('\n');
    let knobs: Vec<Vec<String>> =
        KNOBS.iter().map(|k| vec![k.name.to_string(), k.default.to_string()]).collect();
    out.push_str(&table::short(&["SETTING", "KERNEL DEFAULT"], &knobs, &[]));
    out.push('\n');
    out.push_str(&wrapped(style, "", 0, "tcpvet explain ID shows one of them."));
    out
}
