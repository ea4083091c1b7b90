//! A fragment for /etc/sysctl.d.

use std::fmt::Write;

use super::{comment, head, nothing, reasons, was};
use crate::advise::Plan;
use crate::model::Snapshot;
use crate::model::place::Place;

/// A fragment for /etc/sysctl.d, or for `sysctl -p FILE`; values with blanks are not quoted there (sysctl.d(5)).
pub fn sysctl_d(snapshot: &Snapshot, plan: &Plan) -> String {
    let mut out = String::new();
    head(&mut out, snapshot);
    let place = Place::of(snapshot);
    if !place.prefix().is_empty() && plan.sets_namespace() {
        comment(&mut out, &format!("load it with: {}sysctl -p FILE", place.prefix()));
    }
    if plan.items.is_empty() {
        nothing(&mut out);
    }
    for item in &plan.items {
        reasons(&mut out, item);
        was(&mut out, item);
        for conflict in item.conflicts() {
            comment(&mut out, &conflict);
        }
        let _ = writeln!(out, "{} = {}", item.knob.name, item.proposed);
    }
    out
}
