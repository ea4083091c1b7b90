//! `port-range-conflict`: services listen on ports that connections may take.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Certainty, Finding, Remedy, Severity, Subject, Thresholds, Wish};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, pools, rule};
use crate::model::earlier::Depth;
use crate::model::listener::Listeners;
use crate::model::portset::PortSet;
use crate::model::wants::Wants;
use crate::phrase::{count, number};

rule! {
    /// # What it does
    /// Finds listeners on ports inside ip_local_port_range that are not reserved, and on a Kubernetes node a range that covers the ports of
    /// its services.
    ///
    /// # Why it matters
    /// While the service runs, its port is only lost to connections. When it restarts, or starts late, any connection may have taken the
    /// port meanwhile, and bind() fails with EADDRINUSE, SO_REUSEADDR or not, until that connection has ended and its TIME_WAIT
    /// is over. A port of a Kubernetes service (NodePort) has no listener at all: a local connection that takes it as its own breaks the
    /// service for its peer.
    ///
    /// # How it is measured
    /// Ports of listeners, of any address and family, that lie in the range and not in ip_local_reserved_ports. A node is taken for one of
    /// Kubernetes if the kubelet or kube-proxy listen on their ports (10250, 10256); services then have 30000 to 32767.
    ///
    /// # Thresholds
    /// `info` above this many such ports. It is never more than info: it harms only at the next start of a service.
    ///
    /// # What can fool it
    /// A listener that let the kernel choose its port (bind to port 0, as RPC services do) belongs into the range and needs no
    /// reservation; the kernel does not tell it from one with a fixed port.
    ///
    /// # What to do
    /// Reserve the ports of services, or keep them below the range. What blocks a service now: tcpvet ports --port N.
    ///
    /// # References
    /// <https://docs.kernel.org/networking/ip-sysctl.html> ip_local_reserved_ports, net/ipv4/inet_connection_sock.c
    RULE {
        id: "port-range-conflict",
        summary: "services listen on ports that connections may take",
        since: "0.1.0",
        family: Family::Ports,
        worst: Severity::Info,
        earlier: Depth::Nothing,
        excepts: false,
        limits: &[
            Limit { key: "info", default: 0.0, min: 0.0, max: 65535.0, unit: "ports",
                doc: "Informs above this many listening ports inside the range that are not reserved." },
        ],
        wants: wants,
        check: check,
    }
}

/// Ports of the kubelet and of kube-proxy's health check.
const KUBERNETES: [u16; 2] = [10_250, 10_256];
/// Where a cluster puts the ports of its services unless told otherwise.
const NODE_PORTS: (u16, u16) = (30_000, 32_767);
/// Most ports named one by one.
const NAMED: usize = 10;

fn wants(_: &Evidence<'_>, _: &Limits) -> Wants {
    Wants::default()
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let range = match pools::judged(evidence) {
        Ok(ports) => &ports.range,
        Err(outcome) => return outcome,
    };
    let listeners = Listeners::of(now);
    let exposed: Vec<u16> = listeners.ports().iter().filter(|p| range.has(*p)).collect();
    let is_node = KUBERNETES.iter().any(|p| listeners.ports().has(*p));
    let node_ports: Vec<u16> = match is_node {
        true => (NODE_PORTS.0..=NODE_PORTS.1).filter(|p| range.has(*p)).collect(),
        false => Vec::new(),
    };
    let at = limits.get(&RULE, "info");
    if (exposed.len() as f64) <= at && node_ports.is_empty() {
        return Outcome::Clear(match exposed.len() {
            0 => "no service listens inside the range without being reserved".into(),
            n => format!(
                "{} inside the range and not reserved",
                count(n as u64, "listening port", "listening ports")
            ),
        });
    }
    let mut reserve = PortSet::default();
    exposed.iter().chain(&node_ports).for_each(|p| reserve.insert(*p));
    let names: Vec<String> = exposed.iter().map(u16::to_string).collect();
    let mut evidence_lines = Vec::new();
    if !names.is_empty() {
        evidence_lines.push(format!("Listening: {}.", crate::phrase::join(&names, NAMED)));
    }
    if !node_ports.is_empty() {
        evidence_lines.push(format!(
            "This looks like a Kubernetes node, and {} of the service ports 30000 to 32767 lie in the range.",
            number(node_ports.len() as u64)
        ));
    }
    let ends = format!("{} to {}", range.low, range.high);
    Outcome::Fired(vec![Finding {
        id: RULE.id,
        severity: Severity::Info,
        certainty: Certainty::Certain,
        netns: now.netns.clone(),
        folded: Vec::new(),
        title: match exposed.len() {
            0 => format!("ports of Kubernetes services lie in the range of automatic ports, {ends}, not reserved"),
            n => format!(
                "{} in the range of automatic ports, {ends}, and {} not reserved",
                count(n as u64, "listening port lies", "listening ports lie"),
                if n == 1 { "is" } else { "are" }
            ),
        },
        subject: Subject::Namespace,
        facts: BTreeMap::from([
            ("listening_ports", exposed.len() as f64),
            ("node_ports", node_ports.len() as f64),
            ("range_size", f64::from(range.size())),
        ]),
        thresholds: Thresholds { info: Some(at), ..Thresholds::default() },
        evidence: evidence_lines,
        why: "When such a service restarts, a connection may have its port: bind() then fails with EADDRINUSE, whatever its options.".into(),
        next: vec![
            "tcpvet list -tln".into(),
            "sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports".into(),
        ],
        remedies: vec![
            Remedy::Application("let services listen on ports below the range".into()),
            Remedy::Setting {
                knob: "net.ipv4.ip_local_reserved_ports",
                wish: Wish::Ports(reserve),
                because: "automatic choice then leaves these ports alone".into(),
            },
        ],
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Snapshot;
    use crate::model::testing::*;

    fn judge(s: &Snapshot) -> Option<Finding> {
        match check(&Evidence::new(s), &Limits::default()) {
            Outcome::Fired(mut found) => found.pop(),
            _ => None,
        }
    }

    #[test]
    fn listeners_inside_are_named_and_reserved_ones_are_not() {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_reserved_ports", "40002");
        for port in [80, 40_002] {
            s.sockets.push(listener(&format!("0.0.0.0:{port}"), 0, 5));
        }
        assert!(judge(&s).is_none());
        s.sockets.push(listener("[::]:50051", 0, 5));
        let f = judge(&s).unwrap();
        assert_eq!(
            f.title,
            "1 listening port lies in the range of automatic ports, 32768 to 60999, and is not reserved"
        );
        assert_eq!(f.evidence, ["Listening: 50051."]);
    }

    #[test]
    fn a_kubernetes_node_with_a_wide_range_is_warned_of_its_services() {
        let mut s = fresh();
        s.sockets.push(listener("0.0.0.0:10250", 0, 5));
        assert!(judge(&s).is_none(), "the default range begins above them");
        set(&mut s, "net.ipv4.ip_local_port_range", "15000 60999");
        let f = judge(&s).unwrap();
        assert_eq!(f.facts["node_ports"].to_string(), "2768");
        let Remedy::Setting { wish: Wish::Ports(ports), .. } = &f.remedies[1] else {
            panic!("a reservation")
        };
        assert_eq!(ports.text(), "30000-32767");
    }
}
