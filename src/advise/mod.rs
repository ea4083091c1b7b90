//! Findings to settings: only what a finding asks for, only in the direction that helps, never weaker than what is set, and never
//! written by this program. Pure.

pub mod knobs;

use std::collections::BTreeMap;

use knobs::{KNOBS, Kind, Knob, Scope, short};

use crate::model::Snapshot;
use crate::model::listener::Listeners;
use crate::model::place::Place;
use crate::model::portset::PortSet;
use crate::model::sysctl_file::{Line, OURS, is_later, setting};
use crate::rules::engine::Report;
use crate::rules::finding::{Finding, Remedy, Wish};

/// A proposed low end never passes below this: services live there.
const LOWEST_PORT: u16 = 15_000;
/// The high end of the kernel's own default; above it NAT takes its ports.
const HIGHEST_PORT: u16 = 60_999;

/// One proposed setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The knob.
    pub knob: &'static Knob,
    /// Its value now.
    pub now: String,
    /// The value to set.
    pub proposed: String,
    /// Keys of the findings that ask for it, worst first.
    pub findings: Vec<String>,
    /// The rules of those findings.
    pub rules: Vec<&'static str>,
    /// What it rests on.
    pub evidence: Vec<String>,
    /// Commands for this namespace.
    pub place: Place,
    /// Where the findings are that ask for it: a host's setting is not made there, and its effect shows there.
    pub home: Place,
    /// Lines of files that set it at boot, in the order in which they are read.
    pub files: Vec<Line>,
}

impl Item {
    /// A proposal without reasons.
    pub fn new(knob: &'static Knob, now: &str, proposed: String, place: Place) -> Item {
        Item {
            knob,
            now: now.to_string(),
            proposed,
            findings: Vec::new(),
            rules: Vec::new(),
            evidence: Vec::new(),
            home: place.clone(),
            place,
            files: Vec::new(),
        }
    }

    /// Files that are read after the one that would hold the proposal, and set another value: they would have the last word.
    pub fn conflicts(&self) -> Vec<String> {
        let later = self.files.iter().filter(|l| is_later(l.path.as_str()));
        let others = later.filter(|l| l.value.as_str() != self.proposed);
        others
            .map(|l| {
                format!(
                    "{}:{} sets {} later than {OURS} and wins: change it there",
                    l.path, l.number, l.value
                )
            })
            .collect()
    }

    /// Stable id: the last part of the knob's name.
    pub fn id(&self) -> &'static str {
        short(self.knob.name)
    }
}

/// What to do about a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What applications should change, by finding key: always the first cure.
    pub application: Vec<(String, String)>,
    /// Settings, in the order in which they are to be made.
    pub items: Vec<Item>,
}

impl Plan {
    /// Whether something is to be set in the findings' own namespace, and not on the host.
    pub fn sets_namespace(&self) -> bool {
        self.items.iter().any(|i| i.knob.scope == Scope::Namespace)
    }

    /// Notes which files set the values of the plan at boot.
    pub fn note_files(&mut self, lines: &[Line]) {
        for item in &mut self.items {
            item.files = setting(lines, item.knob.name).into_iter().cloned().collect();
        }
    }
}

/// Makes the plan for a report.
pub fn plan(report: &Report, snapshot: &Snapshot) -> Plan {
    let mut plan = Plan::default();
    let mut wishes: BTreeMap<usize, Vec<(&Finding, &Wish, &str)>> = BTreeMap::new();
    for finding in report.findings.iter().flat_map(Finding::all) {
        for remedy in &finding.remedies {
            match remedy {
                Remedy::Application(text) => plan.application.push((finding.key(), text.clone())),
                Remedy::Setting { knob, wish, because } => {
                    if let Some(row) = KNOBS.iter().position(|k| k.name == *knob) {
                        wishes.entry(row).or_default().push((finding, wish, because));
                    }
                }
            }
        }
    }
    let mut items: BTreeMap<usize, Item> = BTreeMap::new();
    for (row, asked) in &wishes {
        let Some(knob) = KNOBS.get(*row) else { continue };
        // A knob that this kernel or namespace does not have is not proposed.
        let Some(now) = snapshot.sysctls.text(knob.name) else { continue };
        let best = asked.iter().filter_map(|(_, wish, _)| propose(knob, now, wish, snapshot));
        let Some(proposed) = best.reduce(|a, b| stronger(knob, a, b)) else { continue };
        if knob.kind == Kind::PortRange
            && let Some((row, item)) = reservation(snapshot, now, &proposed, asked)
        {
            // What is asked for by a finding stays on the list.
            match items.get_mut(&row) {
                Some(old) => {
                    old.proposed = union(&old.proposed, &item.proposed);
                    old.evidence.extend(item.evidence);
                    old.findings.extend(item.findings);
                }
                None => {
                    items.insert(row, item);
                }
            }
        }
        items.insert(*row, item(knob, now, proposed, asked, snapshot));
    }
    plan.items = items.into_values().collect();
    plan
}

fn item(
    knob: &'static Knob,
    now: &str,
    proposed: String,
    asked: &[(&Finding, &Wish, &str)],
    snapshot: &Snapshot,
) -> Item {
    let mut item = Item::new(
        knob,
        now,
        proposed,
        match knob.scope {
            Scope::Host => Place::host(),
            Scope::Namespace => Place::of(snapshot),
        },
    );
    item.home = Place::of(snapshot);
    for (finding, _, because) in asked {
        item.findings.push(finding.key());
        item.evidence.push(format!("{}: {because}", finding.title));
        if !item.rules.contains(&finding.id) {
            item.rules.push(finding.id);
        }
    }
    item
}

/// The value that fulfils a wish, if it goes further than the present one in the direction that helps.
fn propose(knob: &Knob, now: &str, wish: &Wish, snapshot: &Snapshot) -> Option<String> {
    match (knob.kind, wish) {
        (Kind::Higher { max }, Wish::AtLeast(wanted)) => {
            let wanted = (*wanted).min(max);
            (now.parse::<i64>().ok()? < wanted).then(|| wanted.to_string())
        }
        (Kind::Lower { min }, Wish::AtMost(wanted)) => {
            let wanted = (*wanted).max(min);
            (now.parse::<i64>().ok()? > wanted).then(|| wanted.to_string())
        }
        (Kind::Order(order), Wish::Order(wanted)) => {
            let rank = |v: i64| order.iter().position(|o| *o == v);
            (rank(now.parse().ok()?)? < rank(*wanted)?).then(|| wanted.to_string())
        }
        (Kind::Triple, Wish::Times(n)) => {
            let numbers =
                now.split(' ').map(str::parse::<i64>).collect::<Result<Vec<_>, _>>().ok()?;
            let more: Vec<String> =
                numbers.iter().map(|v| v.saturating_mul(*n).to_string()).collect();
            (numbers.len() == 3).then(|| more.join(" "))
        }
        (Kind::PortRange, Wish::MorePorts) => {
            let (low, high) = snapshot.sysctls.range(knob.name)?;
            let floor = snapshot.sysctls.integer("net.ipv4.ip_unprivileged_port_start");
            let floor = floor.and_then(|f| u16::try_from(f).ok()).unwrap_or_default();
            let mut wider = (low.min(LOWEST_PORT.max(floor)), high.max(HIGHEST_PORT));
            // Ends of the same parity are what the kernel warns of.
            if wider.0 % 2 == wider.1 % 2 {
                wider.0 = if wider.0 == low { low } else { wider.0 + 1 };
            }
            if wider.0 % 2 == wider.1 % 2 && wider.1 != high {
                wider.1 -= 1;
            }
            (wider != (low, high)).then(|| format!("{} {}", wider.0, wider.1))
        }
        (Kind::PortList, Wish::Ports(ports)) => {
            let list = union(now, &ports.text());
            (PortSet::parse(now)? != PortSet::parse(&list)?).then_some(list)
        }
        _ => None,
    }
}

/// Both lists of ports in one.
fn union(a: &str, b: &str) -> String {
    let mut ports = PortSet::parse(a).unwrap_or_default();
    ports.add(&PortSet::parse(b).unwrap_or_default());
    ports.text()
}

/// The one of two proposals that goes further.
fn stronger(knob: &Knob, a: String, b: String) -> String {
    if knob.kind == Kind::PortList {
        return union(&a, &b);
    }
    let rank = |v: &str| -> i64 {
        let n: i64 = v.parse().unwrap_or_default();
        match knob.kind {
            Kind::Lower { .. } => n.saturating_neg(),
            Kind::Order(order) => {
                order.iter().position(|o| *o == n).and_then(|p| i64::try_from(p).ok()).unwrap_or(-1)
            }
            _ => n,
        }
    };
    if rank(&b) > rank(&a) { b } else { a }
}

/// A wider range reaches ports on which somebody listens: they are to be reserved first, beside what is reserved now.
fn reservation(
    snapshot: &Snapshot,
    now: &str,
    proposed: &str,
    asked: &[(&Finding, &Wish, &str)],
) -> Option<(usize, Item)> {
    let name = "net.ipv4.ip_local_reserved_ports";
    let row = KNOBS.iter().position(|k| k.name == name)?;
    let listed = snapshot.sysctls.text(name)?;
    let mut reserved = PortSet::parse(listed)?;
    let ends = |text: &str| -> Option<(u16, u16)> {
        let (low, high) = text.split_once(' ')?;
        Some((low.parse().ok()?, high.parse().ok()?))
    };
    let ((low, high), (new_low, new_high)) = (ends(now)?, ends(proposed)?);
    let listeners = Listeners::of(snapshot);
    let exposed: Vec<u16> = listeners
        .ports()
        .iter()
        .filter(|p| (new_low..=new_high).contains(p) && !(low..=high).contains(p))
        .filter(|p| !reserved.has(*p))
        .collect();
    if exposed.is_empty() {
        return None;
    }
    exposed.iter().for_each(|p| reserved.insert(*p));
    let knob = KNOBS.get(row)?;
    let mut item = item(knob, listed, reserved.text(), asked, snapshot);
    let ports: Vec<String> = exposed.iter().map(u16::to_string).collect();
    item.evidence = vec![format!(
        "somebody listens inside the wider range, on port {}; unreserved, a connection could take it",
        ports.join(", ")
    )];
    Some((row, item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::*;
    use crate::rules::engine::{Status, run};
    use crate::rules::finding::{Severity, Subject, Thresholds};

    fn asking(knob: &'static str, wish: Wish) -> Report {
        let finding = Finding {
            id: "time-wait-buildup",
            severity: Severity::Warning,
            netns: crate::model::text::Text::new(b"lab"),
            title: "t".into(),
            subject: Subject::Namespace,
            facts: BTreeMap::new(),
            thresholds: Thresholds::default(),
            evidence: Vec::new(),
            why: String::new(),
            next: Vec::new(),
            remedies: vec![Remedy::Setting { knob, wish, because: "b".into() }],
            certainty: crate::rules::finding::Certainty::Certain,
            folded: Vec::new(),
        };
        Report {
            blind: None,
            status: Status::Warning,
            findings: vec![finding],
            outcomes: Vec::new(),
            named: std::collections::BTreeSet::new(),
        }
    }

    fn proposed(s: &Snapshot, knob: &'static str, wish: Wish) -> Vec<(&'static str, String)> {
        plan(&asking(knob, wish), s).items.into_iter().map(|i| (i.id(), i.proposed)).collect()
    }

    #[test]
    fn reuse_moves_only_up_its_order() {
        let mut s = fresh();
        let knob = "net.ipv4.tcp_tw_reuse";
        for (now, wish, want) in [
            ("0", 2, Some("2")),
            ("0", 1, Some("1")),
            ("2", 1, Some("1")),
            ("1", 2, None),
            ("1", 1, None),
            ("2", 2, None),
        ] {
            set(&mut s, knob, now);
            let got = proposed(&s, knob, Wish::Order(wish));
            assert_eq!(got.first().map(|i| i.1.as_str()), want, "{now} -> {wish}");
        }
    }

    #[test]
    fn a_value_that_already_goes_as_far_is_left_alone() {
        let mut s = fresh();
        set(&mut s, "net.core.somaxconn", "8192");
        assert_eq!(proposed(&s, "net.core.somaxconn", Wish::AtLeast(8192)), []);
        assert_eq!(
            proposed(&s, "net.core.somaxconn", Wish::AtLeast(9000)),
            [("somaxconn", "9000".into())]
        );
        assert_eq!(
            proposed(&s, "net.core.somaxconn", Wish::AtLeast(1 << 40)),
            [("somaxconn", "65535".into())]
        );
        set(&mut s, "net.ipv4.ip_local_port_range", "1024 65535");
        assert_eq!(proposed(&s, "net.ipv4.ip_local_port_range", Wish::MorePorts), []);
    }

    #[test]
    fn a_knob_that_is_not_there_is_not_proposed() {
        let mut s = fresh();
        s.sysctls.0.remove("net.core.somaxconn");
        assert_eq!(proposed(&s, "net.core.somaxconn", Wish::AtLeast(8192)), []);
    }

    #[test]
    fn a_wider_range_reserves_the_listeners_it_newly_covers_and_keeps_the_list() {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_reserved_ports", "16000,30000-30001");
        for port in [80, 15000, 16000, 18080, 40000] {
            s.sockets.push(listener(&format!("0.0.0.0:{port}"), 0, 5));
        }
        assert_eq!(
            proposed(&s, "net.ipv4.ip_local_port_range", Wish::MorePorts),
            [
                ("ip_local_reserved_ports", "15000,16000,18080,30000-30001".into()),
                ("ip_local_port_range", "15000 60999".into()),
            ]
        );
    }

    #[test]
    fn a_listener_that_is_reserved_already_asks_for_nothing() {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_reserved_ports", "16000");
        s.sockets.push(listener("0.0.0.0:16000", 0, 5));
        let got = proposed(&s, "net.ipv4.ip_local_port_range", Wish::MorePorts);
        assert_eq!(got, [("ip_local_port_range", "15000 60999".into())]);
    }

    #[test]
    fn the_low_end_never_passes_below_15000_or_the_unprivileged_start() {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_port_range", "20000 21008");
        set(&mut s, "net.ipv4.ip_unprivileged_port_start", "16384");
        let got = proposed(&s, "net.ipv4.ip_local_port_range", Wish::MorePorts);
        assert_eq!(got, [("ip_local_port_range", "16384 60999".into())]);
    }

    #[test]
    fn the_application_comes_first_and_fin_timeout_is_never_offered_against_time_wait() {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_port_range", "20000 20066");
        set(&mut s, "net.ipv4.tcp_tw_reuse", "0");
        set(&mut s, "net.ipv4.tcp_fin_timeout", "60");
        for port in 20000..20060 {
            s.sockets.push(time_wait(&format!("127.0.0.1:{port}"), "127.0.0.1:5001", 5));
        }
        let report =
            run(&crate::rules::selection::Selection::all(), &crate::rules::Evidence::new(&s));
        let plan = plan(&report, &s);
        assert!(!plan.application.is_empty());
        let ids: Vec<_> = plan.items.iter().map(Item::id).collect();
        assert_eq!(ids, ["ip_local_port_range", "tcp_tw_reuse"]);
        assert_eq!(plan.items[1].proposed, "2");
        assert_eq!(plan.items[1].findings.len(), 2);
    }
}
