//! Fields of what the owner belongs to: its control group, unit, container and pod. Every holder has its own.

use std::borrow::Cow;

use super::owner::holders;
use super::value::Value;
use super::{Field, Group, Kind, Row, Source};
use crate::model::text::Text;
use crate::model::workload::{Container, Pod, Workload};

/// One value of a workload; `None` where it has no such thing.
type One = for<'w> fn(&'w Workload) -> Option<&'w str>;

/// Everything by which a filter may mean it.
type Any = for<'w> fn(&'w Workload) -> Vec<&'w str>;

macro_rules! field {
    ($name:literal, $doc:literal, $one:expr, $any:expr) => {
        Field {
            name: $name,
            kind: Kind::Text,
            source: Source::Processes,
            group: Group::Named,
            doc: $doc,
            get: |row| get(row, $one),
            all: Some(|row, each| every(row, each, $any)),
        }
    };
}

pub(super) static FIELDS: &[Field] = &[
    field!(
        "unit",
        "systemd unit of the holder on this host, the closest to it, read from its control group; filters compare every unit around it. Units inside of a container are the container's own.",
        |w| w.unit().map(Text::as_str),
        |w| w.units.iter().map(Text::as_str).collect()
    ),
    field!(
        "slice",
        "systemd slice of the holder, the closest to it; filters compare every slice around it.",
        |w| w.slices.last().map(Text::as_str),
        |w| w.slices.iter().map(Text::as_str).collect()
    ),
    field!(
        "container",
        "Container of the holder, read from its control group: its name where the runtime leaves it on disk, else the first twelve digits of its id; filters take the name, the short and the whole id.",
        |w| w.container.as_ref().map(Container::shown),
        |w| w.container.iter().flat_map(|c| [c.shown(), c.short_id(), c.id.as_str()]).collect()
    ),
    field!(
        "container_id",
        "Whole id of the container; a name where the runtime has no other (LXC, systemd-nspawn).",
        |w| w.container.as_ref().map(|c| c.id.as_str()),
        |w| w.container.iter().map(|c| c.id.as_str()).collect()
    ),
    field!(
        "runtime",
        "Container runtime, as far as the path of the control group tells.",
        |w| w.container.as_ref().and_then(|c| c.runtime),
        |w| w.container.iter().filter_map(|c| c.runtime).collect()
    ),
    field!(
        "pod",
        "Kubernetes pod of the holder: NAMESPACE/NAME where the kubelet leaves it on disk, else its uid; filters take either.",
        |w| w.pod.as_ref().map(Pod::shown),
        |w| w.pod.iter().flat_map(|p| [p.shown(), p.uid.as_str()]).collect()
    ),
    field!(
        "qos",
        "Class of the pod: guaranteed, burstable, besteffort.",
        |w| w.pod.as_ref().and_then(|p| p.qos),
        |w| w.pod.iter().filter_map(|p| p.qos).collect()
    ),
    field!(
        "process_cgroup",
        "Path of the holder's control group that tells most; 'cgroup' is that of the socket.",
        |w| Some(w.cgroup.as_str()),
        |w| vec![w.cgroup.as_str()]
    ),
];

/// The value of the first holder.
fn get<'a>(row: &Row<'a>, one: One) -> Value<'a> {
    let holders = holders(row);
    let workload = holders.first().and_then(|h| row.view.workloads.get(&h.pid));
    workload.and_then(one).map_or(Value::None, |text| Value::Text(Cow::Borrowed(text)))
}

/// The values of every holder. One that belongs to no such thing has the empty value, and that is known; one whose control group was not
/// read has none.
fn every<'a>(row: &Row<'a>, each: &mut dyn FnMut(Value<'a>), any: Any) {
    for holder in holders(row).iter() {
        match row.view.workloads.get(&holder.pid).map(any) {
            None => each(Value::None),
            Some(texts) if texts.is_empty() => each(Value::Text(Cow::Borrowed(""))),
            Some(texts) => texts.into_iter().for_each(|t| each(Value::Text(Cow::Borrowed(t)))),
        }
    }
}
