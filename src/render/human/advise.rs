//! The plan for a person: the application first, then a block a setting.

use super::{command, labelled, unseen};
use crate::model::Snapshot;
use crate::render::document::advise::{Advise, ItemDocument};
use crate::render::style::{Style, wrapped};
use crate::render::table;
use crate::rules::engine::Report;

/// The whole text.
pub fn render(snapshot: &Snapshot, report: &Report, document: &Advise, style: Style) -> String {
    let mut out = String::new();
    if report.findings.is_empty() {
        out.push_str("nothing to change: no finding asks for it\n");
        out.push_str(&unseen(style, snapshot));
        return out;
    }
    for finding in &report.findings {
        out.push_str(&wrapped(
            style,
            &format!("{} {} ", style.severity(finding.severity), style.strong(finding.id)),
            0,
            &finding.title,
        ));
        let key = finding.key();
        let mut label = "first";
        for text in document.application.iter().filter(|a| a.finding == key) {
            out.push_str(&labelled(style, label, &text.text));
            label = "";
        }
    }
    if document.items.is_empty() {
        out.push('\n');
        let text = "no setting helps: mend the program, or those that help are set as far already";
        out.push_str(&wrapped(style, "", 0, text));
    } else {
        let rows: Vec<Vec<String>> = document
            .items
            .iter()
            .map(|i| vec![i.knob.to_string(), shown(&i.now), i.proposed.clone()])
            .collect();
        out.push('\n');
        out.push_str(&table::short(&["SETTING", "NOW", "PROPOSED"], &rows, &[]));
    }
    for item in &document.items {
        out.push('\n');
        out.push_str(&block(item, style));
    }
    out.push_str(&unseen(style, snapshot));
    out
}

fn shown(value: &str) -> String {
    if value.is_empty() { "(empty)".into() } else { value.to_string() }
}

fn block(item: &ItemDocument, style: Style) -> String {
    let scope = match item.scope {
        crate::advise::knobs::Scope::Namespace => format!("namespace {}", item.netns),
        crate::advise::knobs::Scope::Host => "the whole host".to_string(),
    };
    let mut out = format!("{}  [scope: {scope}]\n", style.strong(item.knob));
    out.push_str(&labelled(style, "set", &format!("{} -> {}", shown(&item.now), item.proposed)));
    let mut label = "seen";
    for sentence in &item.evidence {
        out.push_str(&labelled(style, label, sentence));
        label = "";
    }
    for line in &item.files {
        let text = format!("{}:{} sets {}", line.path, line.line, line.value);
        out.push_str(&labelled(style, "now by", &text));
    }
    for conflict in &item.conflicts {
        out.push_str(&labelled(style, "beware", conflict));
    }
    out.push_str(&labelled(style, "risk", item.risk));
    out.push_str(&labelled(style, "not", item.not_fixed));
    let pod = match item.kubernetes {
        "pod" => "a pod sets it in securityContext.sysctls, a container by --sysctl",
        "pod_unsafe" => {
            "a pod sets it in securityContext.sysctls if the kubelet allows it (--allowed-unsafe-sysctls), a container by --sysctl"
        }
        _ => "for pods and containers it is set on the node",
    };
    out.push_str(&labelled(style, "pods", pod));
    out.push_str(&command(style, "try", &item.try_now));
    out.push_str(&command(style, "undo", &item.undo));
    if item.persist.starts_with("echo ") {
        out.push_str(&command(style, "keep", &item.persist));
    } else {
        out.push_str(&labelled(style, "keep", &item.persist));
    }
    out.push_str(&command(style, "verify", &item.verify));
    out
}
