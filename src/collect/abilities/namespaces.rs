//! Network namespaces: which may be entered, and of which /proc shows the tables.

use super::works;
use crate::model::ability::{Ability, Works};
use crate::phrase::number;
use crate::sys::System;

/// Which network namespaces may be entered.
pub(super) fn ability(system: &dyn System) -> Ability {
    let costs = "the others show their tables and counters of /proc at most";
    let capabilities = &["cap_sys_admin", "cap_sys_ptrace"];
    let (works, seen) = match system.namespaces() {
        Err(e) => (works::<()>(&Err(e.clone())), e.reason),
        Ok(all) => {
            let (mut can, mut tables) = (0, 0);
            for entered in all.iter().filter_map(|n| n.enter().ok()) {
                *(if entered.refused.is_none() { &mut can } else { &mut tables }) += 1;
            }
            let of = all.len();
            let words = match (can == of, tables) {
                (true, _) => format!("{} in sight, all can be entered", number(of as u64)),
                (false, 0) => format!("{can} of {of} in sight can be entered"),
                (false, n) => {
                    format!("{can} of {of} in sight can be entered; of {n} /proc shows the tables")
                }
            };
            (Works::share(can, of), words)
        }
    };
    Ability { name: "namespaces", works, seen, costs, capabilities }
}
