//! Tasks for Ansible.

use std::fmt::Write;

use super::{beware, double_quoted, head, nothing, reasons, was};
use crate::advise::Plan;
use crate::model::Snapshot;

/// A list of tasks for the module ansible.posix.sysctl, which writes a file of its own and sets the value at once.
pub fn ansible(snapshot: &Snapshot, plan: &Plan) -> String {
    let mut out = String::from("---\n");
    head(&mut out, snapshot);
    beware(&mut out, snapshot, plan);
    if plan.items.is_empty() {
        nothing(&mut out);
        out.push_str("[]\n");
    }
    for item in &plan.items {
        reasons(&mut out, item);
        was(&mut out, item);
        let name = item.knob.name;
        let value = double_quoted(&item.proposed);
        let task = double_quoted(&format!("{}: {}", name, item.proposed));
        let _ = write!(
            out,
            "- name: {task}\n  ansible.posix.sysctl:\n    name: {name}\n    value: {value}\n    sysctl_file: /etc/sysctl.d/60-tcpvet.conf\n    sysctl_set: true\n    state: present\n  become: true\n"
        );
    }
    out
}
