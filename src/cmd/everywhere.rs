//! Every network namespace in sight, one after the other.

use crate::collect::surroundings;
use crate::error::Error;
use crate::model::coverage::{Coverage, Seen};
use crate::model::text::Text;
use crate::sys::{Kind, System};

/// What is done in a namespace, by its name; false if that was enough.
pub(super) type InNetns<'a> =
    dyn FnMut(&Text, &dyn System, &mut Coverage) -> Result<bool, Error> + 'a;

/// Hands every network namespace in sight to `each` by its name, until that returns false; what may not be entered is noted.
pub(super) fn all_netns(
    system: &dyn System,
    coverage: &mut Coverage,
    each: &mut InNetns<'_>,
) -> Result<(), Error> {
    let namespaces =
        system.namespaces().map_err(|e| Error { message: e.to_string(), hint: None })?;
    let total = namespaces.len();
    let mut refused = Vec::new();
    for one in namespaces {
        let name = Text::new(one.name.as_bytes());
        match one.enter() {
            Ok(inside) => {
                if !each(&name, &*inside, coverage)? {
                    break;
                }
            }
            Err(e) if e.kind == Kind::Absent => {}
            Err(e) => refused.push(format!("{name}: {}", e.reason)),
        }
    }
    if refused.is_empty() {
        coverage.seen("namespaces");
    } else {
        let shown = crate::phrase::join(&refused, 3);
        let reason =
            format!("{} of {total} network namespaces may not be entered ({shown})", refused.len());
        coverage.note("namespaces", Seen::Partial, Some(reason), Some("run it as root".into()));
    }
    surroundings::note_namespaces(system, coverage);
    Ok(())
}
