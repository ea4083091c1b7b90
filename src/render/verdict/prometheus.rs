//! Prometheus text 0.0.4, as the textfile collector of node_exporter reads it: gauges, no timestamps, a newline at the end.

use super::metrics::{Family, labels, value};

/// The text.
pub(super) fn render(families: &[Family]) -> String {
    let mut out = String::new();
    for family in families {
        // The type `info` is not known here: the name says it.
        let name = if family.unit == "info" {
            format!("{}_info", family.name)
        } else {
            family.name.into()
        };
        out.push_str(&format!("# HELP {name} {}\n# TYPE {name} gauge\n", family.help));
        for (pairs, number) in &family.samples {
            out.push_str(&format!("{name}{} {}\n", labels(pairs), value(*number)));
        }
    }
    out
}
