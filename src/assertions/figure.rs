//! Numbers of the whole table that have a name: for `-w` and `-c`, for perfdata, and as metrics.

use std::cell::OnceCell;

use super::wish::Unit;
use crate::model::ports::Ports;
use crate::model::state::State;
use crate::nearest::nearest;
use crate::rules::Evidence;
use crate::rules::finding::Severity;
use crate::rules::selection::Selection;

/// A named number.
#[derive(Clone, Copy)]
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// What it is; the help text of its metric, which never changes.
    pub doc: &'static str,
    /// Its metric, in base units; sockets by state share one and have none of their own.
    pub metric: Option<&'static str>,
    /// The rule, or the family of rules, for which is read what it needs; none if every look reads it.
    pub rests_on: Option<&'static str>,
    /// Reads it; `None` if it could not be seen.
    pub get: fn(&Facts<'_>) -> Option<f64>,
    /// Reads the better bound, where there are two.
    pub better: Option<fn(&Facts<'_>) -> Option<f64>>,
}

/// What figures are read from.
pub struct Facts<'a> {
    evidence: &'a Evidence<'a>,
    /// Every pool, not only the busy ones.
    ports: OnceCell<Option<Ports>>,
}

impl<'a> Facts<'a> {
    /// From what the rules judge.
    pub fn new(evidence: &'a Evidence<'a>) -> Facts<'a> {
        Facts { evidence, ports: OnceCell::new() }
    }

    fn ports(&self) -> Option<&Ports> {
        // Without netlink nothing is told of binds, each of which may hold a port.
        let now = self.evidence.now;
        let whole = now.coverage.table_is_whole() && now.has_netlink_facts();
        self.ports.get_or_init(|| Ports::of(self.evidence.now)).as_ref().filter(|_| whole)
    }
}

impl std::fmt::Debug for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A figure as it was read.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    /// Which.
    pub figure: &'static Figure,
    /// Its value, the worse of two bounds; `None` if it could not be seen.
    pub value: Option<f64>,
    /// The better one, where the kernel does not tell which it is; else the same.
    pub other: Option<f64>,
}

macro_rules! state {
    ($name:literal, $state:ident) => {
        Figure {
            name: $name,
            unit: Unit::Count,
            doc: concat!("Sockets in state ", $name, "."),
            metric: None,
            rests_on: None,
            get: |f| in_state(f.evidence, State::$state),
            better: None,
        }
    };
}

/// Every figure, in the order of outputs.
pub static FIGURES: [Figure; 19] = [
    state!("established", Established),
    state!("syn_sent", SynSent),
    state!("syn_recv", SynRecv),
    state!("fin_wait1", FinWait1),
    state!("fin_wait2", FinWait2),
    state!("time_wait", TimeWait),
    state!("close", Close),
    state!("close_wait", CloseWait),
    state!("last_ack", LastAck),
    state!("listen", Listen),
    state!("closing", Closing),
    state!("bound_inactive", BoundInactive),
    Figure {
        name: "ephemeral_used",
        unit: Unit::Percent,
        doc: "Share of the ephemeral ports that a new connection toward the worst destination cannot have.",
        metric: Some("tcpvet_ephemeral_ports_used_ratio"),
        rests_on: Some("ports"),
        get: |f| {
            let ports = f.ports()?;
            Some(taken(ports, ports.by_headroom().first().map_or(ports.free, |p| p.headroom())))
        },
        better: Some(|f| {
            let ports = f.ports()?;
            let least = ports.pools.iter().map(crate::model::ports::Pool::headroom_max).min();
            Some(taken(ports, least.unwrap_or(ports.free)))
        }),
    },
    Figure {
        name: "headroom",
        unit: Unit::Count,
        doc: "Connections that can still be made toward the destination with the fewest ports left.",
        metric: Some("tcpvet_ephemeral_headroom_connections"),
        rests_on: Some("ports"),
        get: |f| {
            let ports = f.ports()?;
            Some(f64::from(ports.by_headroom().first().map_or(ports.free, |p| p.headroom())))
        },
        better: Some(|f| {
            let ports = f.ports()?;
            let least = ports.pools.iter().map(crate::model::ports::Pool::headroom_max).min();
            Some(f64::from(least.unwrap_or(ports.free)))
        }),
    },
    Figure {
        name: "listen_queue_used",
        unit: Unit::Percent,
        doc: "Share of the fullest accept queue that is taken; at 1 it is full.",
        metric: Some("tcpvet_listen_queue_used_ratio"),
        rests_on: None,
        get: |f| {
            let e = f.evidence;
            let told = e.now.has_netlink_facts() && e.now.coverage.table_is_whole();
            let share = |recv: u32, limit: u32| f64::from(recv) * 100.0 / (f64::from(limit) + 1.0);
            let shares = e.listeners().iter().map(|l| share(l.recv_queue, l.send_queue));
            told.then(|| shares.fold(0.0, f64::max))
        },
        better: None,
    },
    Figure {
        name: "orphans_used",
        unit: Unit::Percent,
        doc: "Orphaned sockets of the host as a share of tcp_max_orphans.",
        metric: Some("tcpvet_orphans_used_ratio"),
        rests_on: None,
        get: |f| share(f.evidence, "sockstat.TCP.orphan", limit(f, "net.ipv4.tcp_max_orphans")),
        better: None,
    },
    Figure {
        name: "time_wait_used",
        unit: Unit::Percent,
        doc: "TIME_WAIT sockets as a share of tcp_max_tw_buckets.",
        metric: Some("tcpvet_time_wait_used_ratio"),
        rests_on: None,
        get: |f| share(f.evidence, "sockstat.TCP.tw", limit(f, "net.ipv4.tcp_max_tw_buckets")),
        better: None,
    },
    Figure {
        name: "memory_used",
        unit: Unit::Percent,
        doc: "Memory of TCP on the host as a share of the highest number of tcp_mem.",
        metric: Some("tcpvet_memory_used_ratio"),
        rests_on: None,
        get: |f| {
            let e = f.evidence;
            let limit = e.now.sysctls.text("net.ipv4.tcp_mem")?.split_whitespace().nth(2)?;
            share(e, "sockstat.TCP.mem", limit.parse().ok())
        },
        better: None,
    },
    Figure {
        name: "descriptors_used",
        unit: Unit::Percent,
        doc: "Open descriptors of the process nearest to its limit, as a share of that.",
        metric: Some("tcpvet_descriptors_used_ratio"),
        rests_on: Some("descriptor-limit"),
        get: |f| f.evidence.now.fullest.map(|share| share.at_most.ratio() * 100.0),
        better: Some(|f| f.evidence.now.fullest.map(|share| share.at_least.ratio() * 100.0)),
    },
];

/// Reads every figure for which these rules had read what it needs.
pub fn all(evidence: &Evidence<'_>, selection: &Selection) -> Vec<Read> {
    let facts = Facts::new(evidence);
    let told = |figure: &Figure| {
        let mut needed = Selection::none();
        let needs = figure.rests_on.map(|word| needed.select([word]));
        needs.is_none()
            || needed.rules().filter(|r| r.worst > Severity::Info).all(|r| selection.runs(r))
    };
    let read = |figure: &'static Figure| {
        let value = if told(figure) { (figure.get)(&facts) } else { None };
        let other = figure.better.map_or(value, |better| value.and(better(&facts)));
        Read { figure, value, other }
    };
    FIGURES.iter().map(read).collect()
}

/// The figure of a name, in any spelling of a state's.
///
/// # Errors
/// A message and a hint with the nearest name.
pub fn find(name: &str) -> Result<&'static Figure, (String, String)> {
    let typed = name.trim().to_lowercase().replace('-', "_");
    if let Some(found) = FIGURES.iter().find(|f| f.name == typed) {
        return Ok(found);
    }
    let names = || FIGURES.iter().map(|f| f.name);
    let hint = match nearest(&typed, names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("numbers with a name: {}", names().collect::<Vec<_>>().join(" ")),
    };
    let shown: String = name.chars().take(60).collect();
    Err((
        format!("'{}' is no number with a name", crate::model::text::Text::new(shown.as_bytes())),
        hint,
    ))
}

fn in_state(evidence: &Evidence<'_>, state: State) -> Option<f64> {
    let coverage = &evidence.now.coverage;
    let hidden = state == State::BoundInactive
        && (coverage.get("bound_inactive").is_some_and(|s| s.reason.is_some())
            || !evidence.now.has_netlink_facts());
    let known = coverage.table_is_whole() && !hidden;
    let count = evidence.survey().by_state.get(state.index()).copied();
    count.filter(|_| known).map(|n| n as f64)
}

/// What is not left of the range, in percent.
fn taken(ports: &Ports, left: u32) -> f64 {
    let size = ports.range.size();
    f64::from(size.saturating_sub(left)) * 100.0 / f64::from(size.max(1))
}

fn limit(facts: &Facts<'_>, sysctl: &str) -> Option<i64> {
    facts.evidence.now.sysctls.integer(sysctl)
}

/// A gauge as a share of a limit, in percent.
fn share(evidence: &Evidence<'_>, gauge: &str, limit: Option<i64>) -> Option<f64> {
    let value = evidence.now.counters.get(gauge)?;
    Some(value as f64 * 100.0 / limit.filter(|n| *n > 0)? as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{fresh, listener};

    fn read(snapshot: &crate::model::Snapshot, name: &str) -> Option<f64> {
        (find(name).unwrap().get)(&Facts::new(&Evidence::new(snapshot)))
    }

    #[test]
    fn states_are_the_words_of_all_outputs() {
        let words: Vec<&str> = State::ALL.iter().map(|s| s.word()).collect();
        let names: Vec<&str> = FIGURES.iter().take(12).map(|f| f.name).collect();
        assert_eq!(names, words);
        assert_eq!(find("CLOSE-WAIT").unwrap().name, "close_wait");
        assert_eq!(find("clsoe_wait").unwrap_err().1, "did you mean close_wait?");
    }

    #[test]
    fn shares_are_of_what_the_kernel_allows_and_unknown_where_it_does_not_say() {
        let mut s = fresh();
        s.sockets.push(listener("127.0.0.1:80", 3, 12));
        s.counters.0.insert("sockstat.TCP.tw".into(), 13);
        s.sysctls.0.insert(
            "net.ipv4.tcp_max_tw_buckets".into(),
            crate::model::sysctl::Reading::Value("52".into()),
        );
        assert_eq!(read(&s, "listen"), Some(1.0));
        assert_eq!(
            read(&s, "listen_queue_used"),
            Some(300.0 / 13.0),
            "13 fit: it is full above its limit"
        );
        assert_eq!(read(&s, "time_wait_used"), Some(25.0));
        s.counters.0.remove("sockstat.TCP.tw");
        assert_eq!(read(&s, "time_wait_used"), None);
        assert_eq!(read(&s, "descriptors_used"), None, "nobody counted them");
    }
}
