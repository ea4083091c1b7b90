//! What a pod needs: Kubernetes starts it in a namespace of its own, with the kernel's defaults.

use std::fmt::Write;

use super::{comment, double_quoted, head, nothing};
use crate::advise::knobs::Pod;
use crate::advise::{Item, Plan};
use crate::model::Snapshot;

/// The part of a pod's specification that sets the values in its namespace; what only the node can set stands in comments.
pub fn kubernetes(snapshot: &Snapshot, plan: &Plan) -> String {
    let mut out = String::new();
    head(&mut out, snapshot);
    comment(
        &mut out,
        "part of a pod's spec; it has no effect on pods with hostNetwork, which share the node's settings",
    );
    let of_pod = |i: &&Item| i.knob.pod != Pod::Node;
    if plan.items.iter().any(|i| of_pod(&i)) {
        out.push_str("securityContext:\n  sysctls:\n");
    } else {
        nothing(&mut out);
        out.push_str("securityContext:\n  sysctls: []\n");
    }
    for item in plan.items.iter().filter(of_pod) {
        let how = match item.knob.pod {
            Pod::Safe("1.0") => "safe".to_string(),
            Pod::Safe(version) => format!("safe from Kubernetes {version} on"),
            Pod::Unsafe | Pod::Node => format!(
                "unsafe by Kubernetes' list: the node's kubelet needs --allowed-unsafe-sysctls={}",
                item.knob.name
            ),
        };
        let _ = writeln!(
            out,
            "    # {how}\n    - name: {}\n      value: {}",
            item.knob.name,
            double_quoted(&item.proposed)
        );
    }
    for item in plan.items.iter().filter(|i| i.knob.pod == Pod::Node) {
        comment(
            &mut out,
            &format!(
                "on the node itself, for all its pods: {} = {}",
                item.knob.name, item.proposed
            ),
        );
    }
    out
}
