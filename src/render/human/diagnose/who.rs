//! Who is responsible: names first, then what is known of the first few.

use super::super::labelled;
use crate::model::culprit::Culprit;
use crate::model::owner::Provenance;
use crate::model::profile::{Profile, Profiles};
use crate::phrase::{duration, join, number};
use crate::render::style::Style;

/// Processes of which more than the name is told.
const MAX_PROFILES: usize = 3;

/// Names in the first line.
const MAX_NAMES: usize = 5;

/// The lines of a finding.
pub(super) fn who(culprits: &[Culprit], profiles: &Profiles, now_ms: u64, style: Style) -> String {
    let name = |c: &Culprit| match c.provenance {
        Provenance::Inferred => format!("{} (inferred)", c.name()),
        _ => c.name(),
    };
    let names: Vec<String> = culprits.iter().map(name).collect();
    if names.is_empty() {
        return String::new();
    }
    let known: Vec<(&Culprit, &Profile)> =
        culprits.iter().filter_map(|c| Some((c, profiles.get(&c.pid?)?))).collect();
    if let ([only], [(_, profile)]) = (names.as_slice(), known.as_slice()) {
        let mut out = labelled(style, "who", &format!("{only}{}", told(profile, now_ms)));
        out.push_str(&command(profile, style));
        return out;
    }
    let mut out = labelled(style, "who", &join(&names, MAX_NAMES));
    for (culprit, profile) in known.into_iter().take(MAX_PROFILES) {
        let told = told(profile, now_ms);
        if !told.is_empty() {
            out.push_str(&labelled(style, "", &format!("{}{told}", culprit.name())));
        }
        out.push_str(&command(profile, style));
    }
    out
}

fn command(profile: &Profile, style: Style) -> String {
    match &profile.command_line {
        Some(line) => labelled(style, "", &format!("runs {line}")),
        None => String::new(),
    }
}

/// `: user app, container web, up 3 h, started by run.sh[7], systemd[1]; 12 of 1,024 descriptors`.
fn told(p: &Profile, now_ms: u64) -> String {
    let mut parts = Vec::new();
    match (&p.user, p.uid) {
        (Some(user), _) => parts.push(format!("user {user}")),
        (None, Some(uid)) => parts.push(format!("uid {uid}")),
        (None, None) => {}
    }
    parts.extend(p.workload.shown());
    if let Some(up) = p.started_ms.and_then(|started| now_ms.checked_sub(started)) {
        parts.push(format!("up {}", duration(up)));
    }
    let parents: Vec<String> =
        p.parents.iter().map(|(pid, name)| format!("{name}[{pid}]")).collect();
    if !parents.is_empty() {
        parts.push(format!("started by {}", join(&parents, 2)));
    }
    if let (Some(used), Some(limit)) = (p.process.descriptors, p.process.descriptor_limit) {
        parts.push(format!("{} of {} descriptors", number(used), number(limit)));
    }
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}
