//! OpenMetrics 1.0 text: units are declared, and the end is marked.

use super::metrics::{Family, labels, value};

/// The text.
pub(super) fn render(families: &[Family]) -> String {
    let mut out = String::new();
    for family in families {
        let name = family.name;
        let info = family.unit == "info";
        let kind = if info { "info" } else { "gauge" };
        out.push_str(&format!("# TYPE {name} {kind}\n"));
        if !info && !family.unit.is_empty() {
            out.push_str(&format!("# UNIT {name} {}\n", family.unit));
        }
        out.push_str(&format!("# HELP {name} {}\n", family.help));
        let suffix = if info { "_info" } else { "" };
        for (pairs, number) in &family.samples {
            out.push_str(&format!("{name}{suffix}{} {}\n", labels(pairs), value(*number)));
        }
    }
    out.push_str("# EOF\n");
    out
}
