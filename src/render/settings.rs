//! A plan as files: a fragment for sysctl.d, and a shell script. Only text; nothing is ever set by this program.

use std::fmt::Write;

use super::document::rfc3339;
use crate::advise::{Item, Plan};
use crate::model::Snapshot;
use crate::model::place::{Place, quoted};

/// Text that may stand in a comment: one line.
fn comment(out: &mut String, text: &str) {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let _ = writeln!(out, "# {line}");
}

fn head(out: &mut String, snapshot: &Snapshot) {
    comment(out, concat!("proposed by tcpvet ", env!("CARGO_PKG_VERSION")));
    let host = &snapshot.host;
    comment(
        out,
        &format!("{} on {}, Linux {}", rfc3339(snapshot.time_ms), host.hostname, host.kernel),
    );
    comment(out, &format!("for network namespace {}", snapshot.netns));
}

/// How a file is loaded where it belongs.
fn load(out: &mut String, snapshot: &Snapshot) {
    let place = Place::of(snapshot);
    if !place.prefix().is_empty() {
        comment(out, &format!("load it with: {}sysctl -p FILE", place.prefix()));
    }
}

fn reasons(out: &mut String, item: &Item) {
    out.push('\n');
    item.evidence.iter().for_each(|e| comment(out, e));
    comment(out, &format!("risk: {}", item.knob.risk));
}

/// A fragment for /etc/sysctl.d; values with blanks are not quoted there.
pub fn sysctl_d(snapshot: &Snapshot, plan: &Plan) -> String {
    let mut out = String::new();
    head(&mut out, snapshot);
    load(&mut out, snapshot);
    if plan.items.is_empty() {
        comment(&mut out, "no setting is to be changed");
    }
    for item in &plan.items {
        reasons(&mut out, item);
        let was = if item.now.is_empty() { "(empty)" } else { item.now.as_str() };
        comment(&mut out, &format!("was: {was}"));
        let _ = writeln!(out, "{} = {}", item.knob.name, item.proposed);
    }
    out
}

/// A shell script that sets the values until the next boot, with the way back in comments.
pub fn shell(snapshot: &Snapshot, plan: &Plan) -> String {
    let mut out = String::from("#!/bin/sh\n");
    head(&mut out, snapshot);
    if plan.items.is_empty() {
        comment(&mut out, "no setting is to be changed");
        return out;
    }
    out.push_str("set -e\n");
    // A script made in one namespace must not change another: a pipe to sh often runs elsewhere.
    if snapshot.netns.as_str().starts_with("net:[") {
        out.push_str(&format!(
            "[ \"$(readlink /proc/self/ns/net)\" = {} ] || {{ echo 'this is another network namespace' >&2; exit 3; }}\n",
            quoted(snapshot.netns.as_str())
        ));
    }
    for item in &plan.items {
        reasons(&mut out, item);
        comment(&mut out, &format!("undo: {}", item.place.set(item.knob.name, &item.now)));
        let _ = writeln!(out, "{}", item.place.set(item.knob.name, &item.proposed));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::fresh;
    use crate::model::text::Text;

    #[test]
    fn a_name_from_a_capture_cannot_leave_its_quotes() {
        let mut s = fresh();
        s.netns = Text::new(b"net:[1'; touch /tmp/x; ']");
        let item = Item {
            knob: &crate::advise::knobs::KNOBS[0],
            now: String::new(),
            proposed: "80".into(),
            findings: Vec::new(),
            rules: Vec::new(),
            evidence: vec!["a\nreboot".into()],
            place: Place::of(&s),
        };
        let text = shell(&s, &Plan { application: Vec::new(), items: vec![item] });
        assert!(text.contains(r"= 'net:[1'\''; touch /tmp/x; '\'']' ] ||"), "{text}");
        assert!(text.lines().all(|l| !l.starts_with("reboot")), "{text}");
    }
}
