//! Fields that a kernel does not tell. A connection in TIME_WAIT has no round trip time, and that is no secret; but where no live
//! connection tells it either, this kernel does not know it, and a count over it says nothing.

use crate::fields::{Field, Row, Source};
use crate::filter::expr::{Expr, Predicate};
use crate::model::socket::{Socket, Timer};
use crate::model::state::State;

/// What was heard of the fields of one assertion that come as attributes.
#[derive(Debug, Clone, Default)]
pub(super) struct Mute {
    fields: Vec<Heard>,
}

#[derive(Debug, Clone)]
struct Heard {
    field: &'static Field,
    told: bool,
    missing: u64,
}

impl Mute {
    /// For a filter, and a field that is summed up.
    pub(super) fn of(filter: &Expr, over: Option<&'static Field>) -> Mute {
        let mut fields: Vec<&'static Field> = over.into_iter().collect();
        filter.predicates(&mut |p| {
            if let Predicate::Compare(field, ..) = p {
                fields.push(field);
            }
        });
        fields.retain(|f| matches!(f.source, Source::Attribute(_)));
        fields.dedup();
        let heard = |field| Heard { field, told: false, missing: 0 };
        Mute { fields: fields.into_iter().map(heard).collect() }
    }

    /// Listens to a row.
    pub(super) fn hear(&mut self, row: &Row<'_>) {
        for heard in self.fields.iter_mut().filter(|h| !h.told) {
            if !(heard.field.get)(row).is_none() {
                heard.told = true;
            } else if is_live(row.socket) {
                heard.missing += 1;
            }
        }
    }

    /// A field that live connections have and none tells.
    pub(super) fn silent(&self) -> Option<&'static str> {
        self.fields.iter().find(|h| !h.told && h.missing > 0).map(|h| h.field.name)
    }
}

/// Whether the kernel keeps a whole socket of a connection, and not the bucket of one that has ended or has not begun.
fn is_live(socket: &Socket) -> bool {
    let connected = matches!(
        socket.state,
        State::Established | State::CloseWait | State::FinWait1 | State::LastAck | State::Closing
    );
    connected && socket.timer != Timer::TimeWait
}
