//! Settings as topics: what they do, what is said of them, and where they are set.

use super::{Kind, Section, Topic};
use crate::advise::knobs::{KNOBS, Kind as Way, Knob, Pod, Scope};

pub(super) fn all() -> Vec<Topic> {
    KNOBS.iter().map(topic).collect()
}

fn topic(knob: &Knob) -> Topic {
    let way = match knob.kind {
        Way::Higher { max: i64::MAX } | Way::Triple => "higher".to_string(),
        Way::Higher { max } => format!("higher, at most {max}"),
        Way::Lower { min } => format!("lower, at least {min}"),
        Way::Order(order) => {
            let order: Vec<String> = order.iter().map(i64::to_string).collect();
            format!("in this order of effect: {}", order.join(" < "))
        }
        Way::PortRange => "wider, never below port 15000".to_string(),
        Way::PortList => "more ports, the present ones kept".to_string(),
        Way::Never => "nothing here asks for it".to_string(),
    };
    let copied = ["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"].contains(&knob.name);
    let gone = knob.since.starts_with("until");
    let scope = match knob.scope {
        _ if gone => "",
        Scope::Namespace if copied => {
            "one network namespace: a new one starts with the initial one's values"
        }
        Scope::Namespace => {
            "one network namespace: a new one, as containers have, starts with the kernel's default"
        }
        Scope::Host => "the whole host; it is set in the initial namespace",
    };
    let pod = match knob.pod {
        _ if gone => String::new(),
        Pod::Safe("1.0") => "docker --sysctl; securityContext.sysctls of the pod (safe)".to_string(),
        Pod::Safe(version) => format!(
            "docker --sysctl; securityContext.sysctls of the pod (safe from Kubernetes {version} on)"
        ),
        Pod::Unsafe => "docker --sysctl; securityContext.sysctls of the pod if the kubelet allows it (--allowed-unsafe-sysctls)".to_string(),
        Pod::Node => "on the host or node only".to_string(),
    };
    let parts: [(&'static str, &str); 8] = [
        ("Folklore", knob.folklore),
        ("Default", knob.default),
        ("Scope", scope),
        ("Containers", &pod),
        ("Helps", &way),
        ("Justified by", knob.justify),
        ("Risk", knob.risk),
        ("Does not", knob.not_fixed),
    ];
    let sections = parts
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(heading, text)| Section { heading, paragraphs: vec![text.to_string()] })
        .collect();
    Topic { since: knob.since, sections, ..Topic::short(knob.name, Kind::Knob, knob.effect) }
}
