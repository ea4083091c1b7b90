//! Options of docker and podman.

use super::{comment, head, nothing};
use crate::advise::knobs::Scope;
use crate::advise::{Item, Plan};
use crate::model::Snapshot;
use crate::model::place::quoted;

/// Options for `docker run` and `podman run`, one a line; what only the host can set stands in comments.
pub fn docker(snapshot: &Snapshot, plan: &Plan) -> String {
    let mut out = String::new();
    head(&mut out, snapshot);
    comment(&mut out, "options of docker run and podman run; not with --network host");
    let of_container = |i: &&Item| i.knob.scope == Scope::Namespace;
    if !plan.items.iter().any(|i| of_container(&i)) {
        nothing(&mut out);
    }
    for item in plan.items.iter().filter(of_container) {
        let setting = format!("{}={}", item.knob.name, item.proposed);
        out.push_str(&format!("--sysctl {}\n", quoted(&setting)));
    }
    for item in plan.items.iter().filter(|i| i.knob.scope == Scope::Host) {
        let setting = format!("{} = {}", item.knob.name, item.proposed);
        comment(&mut out, &format!("on the host itself, for all containers: {setting}"));
    }
    out
}
