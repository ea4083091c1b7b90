//! Tries everything that this program reads, once and cheaply, and says what came of it.

mod kernel;
mod namespaces;
mod processes;
mod standing;
mod table;

pub use standing::standing;

use crate::model::Snapshot;
use crate::model::ability::{Ability, Works};
use crate::sys::{Kind, SysError, System};

/// Everything that was tried, in the order of a diagnosis.
pub fn abilities(system: &dyn System, snapshot: &Snapshot) -> Vec<Ability> {
    let mut all = table::abilities(system, snapshot);
    all.extend(kernel::abilities(system));
    all.extend(processes::abilities(system));
    all.push(namespaces::ability(system));
    all
}

/// How a read went that has no half.
fn works<T>(result: &Result<T, SysError>) -> Works {
    match result.as_ref().map_err(|e| e.kind) {
        Ok(_) => Works::Yes,
        Err(Kind::Absent) => Works::Absent,
        Err(Kind::Denied) => Works::Denied,
        Err(Kind::Overrun | Kind::Failed) => Works::Failed,
    }
}
