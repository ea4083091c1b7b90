//! A shell script.

use std::fmt::Write;

use super::{comment, head, nothing, reasons};
use crate::advise::Plan;
use crate::model::Snapshot;
use crate::model::place::quoted;

/// A shell script that sets the values until the next boot, with the way back in comments.
pub fn shell(snapshot: &Snapshot, plan: &Plan) -> String {
    let mut out = String::from("#!/bin/sh\n");
    head(&mut out, snapshot);
    if plan.items.is_empty() {
        nothing(&mut out);
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
    use crate::advise::Item;
    use crate::model::place::Place;
    use crate::model::testing::fresh;
    use crate::model::text::Text;

    #[test]
    fn a_name_from_a_capture_cannot_leave_its_quotes() {
        let mut s = fresh();
        s.netns = Text::new(b"net:[1'; touch /tmp/x; ']");
        let item = Item {
            evidence: vec!["a\nreboot".into()],
            ..Item::new(&crate::advise::knobs::KNOBS[0], "", "80".into(), Place::of(&s))
        };
        let text = shell(&s, &Plan { application: Vec::new(), items: vec![item] });
        assert!(text.contains(r"= 'net:[1'\''; touch /tmp/x; '\'']' ] ||"), "{text}");
        assert!(text.lines().all(|l| !l.starts_with("reboot")), "{text}");
    }
}
