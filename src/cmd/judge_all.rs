//! The verdict on every network namespace in sight: each has its own table, settings, counters and findings.

use std::collections::BTreeMap;

use super::earlier::First;
use super::everywhere::{Space, all_netns};
use super::judge::{Compared, judged};
use crate::advise::{Plan, plan};
use crate::cli::resolve::Settings;
use crate::collect::{Census, begin, is_empty};
use crate::error::Error;
use crate::model::Snapshot;
use crate::model::earlier::Earlier;
use crate::model::place::Way;
use crate::model::text::Text;
use crate::render::document::namespaces::NamespaceVerdict;
use crate::rules::engine::{Report, Status};
use crate::rules::selection::Selection;
use crate::rules::together::together;
use crate::sys::System;

/// What is kept of one namespace.
pub(super) struct Judged {
    /// Its name.
    pub(super) netns: Text,
    /// Its inode; `None` where that is hidden from us.
    pub(super) inode: Option<u64>,
    /// The way in.
    pub(super) way: Way,
    /// Its sockets, by state.
    pub(super) by_state: [u64; 12],
    /// What is wrong there.
    pub(super) report: Report,
    /// What to change there.
    pub(super) plan: Plan,
}

/// What is wrong everywhere.
pub(super) struct Everywhere {
    /// Who and when, and what was seen; it holds no sockets.
    pub(super) shared: Snapshot,
    /// The namespaces that were looked at.
    pub(super) namespaces: Vec<Judged>,
    /// Namespaces without a socket, in which nothing was looked at.
    pub(super) empty: u64,
    /// Milliseconds between the looks; `None` for single ones.
    pub(super) compared_ms: Option<u32>,
    /// All reports as one.
    pub(super) report: Report,
}

impl Everywhere {
    /// The verdict on each.
    pub(super) fn verdicts(&self) -> Vec<NamespaceVerdict> {
        let of = |n: &Judged| {
            NamespaceVerdict::new(&n.netns, n.inode, n.way.process(), n.by_state, &n.report)
        };
        self.namespaces.iter().map(of).collect()
    }

    /// The sockets of all, by state.
    pub(super) fn by_state(&self) -> [u64; 12] {
        let mut sums = [0; 12];
        for one in &self.namespaces {
            sums.iter_mut().zip(one.by_state).for_each(|(sum, n)| *sum += n);
        }
        sums
    }
}

/// Judges them all.
pub(super) fn everywhere(
    selection: &Selection,
    compared: Compared<'_>,
    settings: &Settings,
    system: &dyn System,
) -> Result<Everywhere, Error> {
    let mut earlier = match compared {
        Compared::Alone | Compared::Baseline(_) => BTreeMap::new(),
        Compared::Sample(time) => {
            let looks = looks(settings, system)?;
            let paused = system.pause(time);
            paused?;
            looks
        }
    };
    let census = Census::new(system);
    let begun = begin(system, None)?;
    let mut all = Everywhere {
        shared: begun,
        namespaces: Vec::new(),
        empty: 0,
        compared_ms: None,
        report: together(Vec::new()),
    };
    let mut coverage = std::mem::take(&mut all.shared.coverage);
    all_netns(system, &mut coverage, &mut |space, inside, coverage| {
        if !all.namespaces.is_empty() && is_empty(inside) {
            all.empty += 1;
            return Ok(true);
        }
        let before = earlier.remove(&key(space));
        let of_this = of(settings, space);
        // An earlier look that does not fit, because the name was given to another one meanwhile, is none.
        let look = |before| judged(selection, before, &of_this, inside, Some(&census));
        let (snapshot, since, report) = look(before).or_else(|_| look(None))?;
        coverage.merge(&snapshot.coverage, &space.name);
        all.shared.processes.extend(snapshot.processes.clone());
        all.compared_ms = all.compared_ms.max(since.map(|s| s.elapsed_ms));
        all.namespaces.push(Judged {
            netns: space.name.clone(),
            inode: space.inode,
            way: space.way,
            by_state: snapshot.by_state(),
            plan: plan(&report, &snapshot),
            report,
        });
        Ok(true)
    })?;
    all.shared.coverage = coverage;
    let reports = all.namespaces.iter().map(|n| (n.netns.clone(), n.report.clone()));
    all.report = together(reports.collect());
    if !all.shared.coverage.table_is_whole() {
        all.report.status = all.report.status.max(Status::Unknown);
    }
    Ok(all)
}

/// A first look at each, of which only what rates need is kept.
fn looks(
    settings: &Settings,
    system: &dyn System,
) -> Result<BTreeMap<(Option<u64>, Text), Earlier>, Error> {
    let mut looks = BTreeMap::new();
    let census = Census::new(system);
    all_netns(
        system,
        &mut crate::model::coverage::Coverage::default(),
        &mut |space, inside, _| {
            if looks.is_empty() || !is_empty(inside) {
                looks.insert(
                    key(space),
                    First::WHOLE.look(&of(settings, space), inside, Some(&census))?,
                );
            }
            Ok(true)
        },
    )?;
    Ok(looks)
}

/// What a namespace is found again by.
fn key(space: &Space) -> (Option<u64>, Text) {
    // The process that a name is made of may end meanwhile; the inode stays.
    let name = if space.inode.is_some() { Text::default() } else { space.name.clone() };
    (space.inode, name)
}

/// The settings for one namespace.
fn of(settings: &Settings, space: &Space) -> Settings {
    Settings { netns: Some(space.typed.clone()), netns_way: space.way, ..settings.clone() }
}
