//! A profile for TuneD.

use std::fmt::Write;

use super::{beware, comment, head, nothing, reasons, was};
use crate::advise::Plan;
use crate::model::Snapshot;

/// A profile for /etc/tuned/tcpvet/tuned.conf (tuned.conf(5), tuned-profiles(7)).
pub fn tuned(snapshot: &Snapshot, plan: &Plan) -> String {
    let mut out = String::new();
    head(&mut out, snapshot);
    beware(&mut out, snapshot, plan);
    comment(
        &mut out,
        "as /etc/tuned/tcpvet/tuned.conf; then: tuned-adm profile \"$(tuned-adm active | sed 's/.*: //') tcpvet\"",
    );
    out.push_str("[main]\nsummary=Settings for TCP that tcpvet proposed\n\n[sysctl]\n");
    if plan.items.is_empty() {
        nothing(&mut out);
    }
    for item in &plan.items {
        reasons(&mut out, item);
        was(&mut out, item);
        let _ = writeln!(out, "{}={}", item.knob.name, item.proposed);
    }
    out
}
