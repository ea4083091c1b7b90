//! The documentation of all rules: docs/rules.md and tcpvet-rules(7), from the topics that `explain` shows.

use clap_mangen::roff::{Roff, bold, roman};

use crate::rules::family::Family;
use crate::rules::find;
use crate::topics::{Kind, Topic, of};

/// The rules by family, in the order of families.
fn by_family() -> Vec<(Family, Vec<Topic>)> {
    let topics = of(Kind::Rule);
    let family = |t: &Topic| find(&t.id).map(|r| r.family).ok();
    let members = |f: Family| topics.iter().filter(|t| family(t) == Some(f)).cloned().collect();
    Family::ALL.into_iter().map(|f| (f, members(f))).collect()
}

/// docs/rules.md.
pub(super) fn markdown() -> String {
    let mut page = String::from(
        "# Rules\n\nGenerated from the rules' own documentation, as `tcpvet explain RULE` prints it. `--select` and `--ignore` take rules and families.\n\n",
    );
    for (family, rules) in by_family() {
        let ids: Vec<String> = rules.iter().map(|r| format!("[{0}](#{0})", r.id)).collect();
        page.push_str(&format!("- `{}` ({}): {}\n", family.word(), family.about(), ids.join(", ")));
    }
    for rule in of(Kind::Rule) {
        page.push_str(&format!("\n## {}\n\n{}, since {}.\n", rule.id, rule.summary, rule.since));
        for section in &rule.sections {
            page.push_str(&format!("\n### {}\n", section.heading));
            section.paragraphs.iter().for_each(|p| page.push_str(&format!("\n{p}\n")));
            if section.heading == "Thresholds" {
                page.push_str("\n| threshold | default | bounds | unit |\n|---|---|---|---|\n");
                for l in rule.limits {
                    page.push_str(&format!(
                        "| `{}.{}` | {} | {} to {} | {} |\n",
                        rule.id, l.key, l.default, l.min, l.max, l.unit
                    ));
                }
            }
        }
    }
    page
}

/// tcpvet-rules(7).
pub(super) fn manual() -> Vec<u8> {
    let mut page = Roff::default();
    page.control("TH", ["tcpvet-rules", "7", "", concat!("tcpvet ", env!("CARGO_PKG_VERSION"))]);
    // Long names and paths leave lines that cannot be filled to the right edge.
    page.control("ad", ["l"]);
    page.control("SH", ["NAME"]).text([roman("tcpvet-rules - what tcpvet finds, and how")]);
    page.control("SH", ["FAMILIES"]);
    for (family, rules) in by_family() {
        let ids: Vec<&str> = rules.iter().map(|r| r.id.as_str()).collect();
        page.control("TP", []).text([bold(family.word())]);
        page.text([roman(format!("{}: {}.", family.about(), ids.join(", ")))]);
    }
    for rule in of(Kind::Rule) {
        page.control("SH", [rule.id.to_uppercase().as_str()]);
        page.text([roman(format!("{}, since {}.", rule.summary, rule.since))]);
        for section in &rule.sections {
            page.control("SS", [section.heading]);
            for paragraph in &section.paragraphs {
                page.control("PP", []).text([roman(paragraph.as_str())]);
            }
            if section.heading == "Thresholds" {
                for l in rule.limits {
                    page.control("TP", []).text([bold(format!("{}.{}", rule.id, l.key))]);
                    let bounds = format!("{} to {}", l.min, l.max);
                    page.text([roman(format!("default {}, {bounds} ({})", l.default, l.unit))]);
                }
            }
        }
    }
    page.control("SH", ["SEE ALSO"]).text([
        bold("tcpvet"),
        roman("(1), "),
        bold("ss"),
        roman("(8)"),
    ]);
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    let _ = page.to_writer(&mut out);
    out
}
