//! Fields that a kernel does not tell. A connection in TIME_WAIT has no round trip time, and that is no secret; but where the kernel's answer
//! for a live socket is too short to hold a field, a count over it says nothing.

use crate::fields::{Field, Group, Row, Source, View};
use crate::filter::expr::{Expr, Predicate};
use crate::model::socket::{Socket, Timer};
use crate::model::state::State;
use crate::wire::attributes::{Attributes, CGROUP_ID, INFO, SKMEMINFO, SOCKOPT};
use crate::wire::inet_diag::HEADER;
use crate::wire::request::{EXT_INFO, EXT_SKMEMINFO};

/// What was heard of the fields of one assertion that come as attributes.
#[derive(Debug, Clone, Default)]
pub(super) struct Mute {
    fields: Vec<Heard>,
}

#[derive(Debug, Clone)]
struct Heard {
    field: &'static Field,
    /// The attribute that it is read from.
    attribute: u16,
    /// Length of the attribute when it was last asked what it tells.
    length: usize,
    told: bool,
    missing: u64,
}

impl Mute {
    /// For a filter, and a field that is summed up.
    pub(super) fn of(filter: &Expr, over: Option<&'static Field>) -> Mute {
        let mut fields: Vec<&'static Field> = over.into_iter().collect();
        filter.predicates(&mut |p| match p {
            Predicate::Compare(field, ..) | Predicate::Known(field) => fields.push(field),
            Predicate::Cgroup(..) => fields.extend(crate::fields::lookup("cgroup")),
            _ => {}
        });
        fields.dedup();
        let heard = |field: &'static Field| {
            let attribute = attribute(field)?;
            Some(Heard { field, attribute, length: 0, told: false, missing: 0 })
        };
        Mute { fields: fields.into_iter().filter_map(heard).collect() }
    }

    /// Listens to a row.
    pub(super) fn hear(&mut self, row: &Row<'_>) {
        if self.fields.iter().all(|h| h.told) || !is_whole(row.socket) {
            return;
        }
        for heard in self.fields.iter_mut().filter(|h| !h.told) {
            let length = row.attributes.get(heard.attribute).map_or(0, <[u8]>::len);
            if length > 0 && length != heard.length {
                heard.length = length;
                heard.told = tells(heard.field, heard.attribute, length);
            }
            heard.missing += u64::from(!heard.told);
        }
    }

    /// A field that live sockets have and the kernel does not tell.
    pub(super) fn silent(&self) -> Option<&'static str> {
        self.fields.iter().find(|h| !h.told && h.missing > 0).map(|h| h.field.name)
    }
}

/// The attribute of a field that some kernels do not send, or send shorter.
fn attribute(field: &Field) -> Option<u16> {
    match field.source {
        Source::Attribute(EXT_INFO) => Some(INFO),
        Source::Attribute(EXT_SKMEMINFO) => Some(SKMEMINFO),
        Source::Attribute(_) if field.group == Group::Sockopt => Some(SOCKOPT),
        Source::Cgroups => Some(CGROUP_ID),
        _ => None,
    }
}

/// Whether an attribute of so many bytes holds a field: it is read from one that is full of something.
fn tells(field: &Field, attribute: u16, length: usize) -> bool {
    // Family and state stand in front: IPv4, established.
    let mut payload = vec![2, State::Established as u8];
    payload.resize(HEADER, 0);
    payload.extend(u16::try_from(length + 4).unwrap_or(u16::MAX).to_ne_bytes());
    payload.extend(attribute.to_ne_bytes());
    payload.resize(payload.len() + length, 1);
    let Some(socket) = crate::wire::inet_diag::socket(&payload) else { return true };
    let view = View { queue_limits: true, marks: true, ..View::default() };
    let row = Row { socket: &socket, attributes: &Attributes::of(&payload), view: &view };
    !(field.get)(&row).is_none()
}

/// Whether the kernel keeps a whole socket, and not the bucket of one that has ended or has not begun.
fn is_whole(socket: &Socket) -> bool {
    let whole = matches!(
        socket.state,
        State::Established
            | State::CloseWait
            | State::FinWait1
            | State::LastAck
            | State::FinWait2
            | State::Closing
            | State::SynSent
            | State::Listen
    );
    whole && socket.timer != Timer::TimeWait
}
