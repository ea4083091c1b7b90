//! The verdict of check.

use super::*;
use crate::assertions::file;
use crate::assertions::reading::Reading;
use crate::filter::parse::Names;
use crate::model::coverage::{Coverage, Seen};
use crate::model::testing::fresh;
use crate::rules::Evidence;
use crate::rules::engine::run;
use crate::rules::selection::Selection;

fn assertion(text: &str, measured: f64) -> AssertionDocument {
    AssertionDocument::new(&file::one(text, &Names::NONE).unwrap(), &Reading::exact(measured), 7)
}

fn unknown(text: &str) -> AssertionDocument {
    let mut a = assertion(text, 0.0);
    a.outcome = crate::assertions::reading::Verdict::Unknown;
    a
}

fn check(assertions: Vec<AssertionDocument>) -> Check {
    Check::new(&fresh(), Parts { assertions, ..Parts::default() })
}

#[test]
fn a_failure_beats_an_unknown_and_that_a_warning() {
    let pass = || assertion("a: count() == 0", 0.0);
    let warn = || assertion("b: count() == 0 level warning", 3.0);
    let fail = || assertion("c: count() == 0", 3.0);
    for (parts, status, exit) in [
        (vec![pass()], Status::Ok, 0),
        (vec![pass(), warn()], Status::Warning, 1),
        (vec![warn(), unknown("count() == 0")], Status::Unknown, 3),
        (vec![warn(), unknown("count() == 0"), fail()], Status::Critical, 2),
    ] {
        let check = check(parts);
        assert_eq!((check.status, check.exit_status), (status, exit));
    }
    let all = check(vec![pass(), warn(), fail(), unknown("d: count() == 0")]);
    assert_eq!(all.counts, Counts { pass: 1, fail: 2, unknown: 1 });
    assert_eq!(
        all.summary,
        "4 assertions: 1 passed, 2 failed, 1 unknown; b measured 3, wanted == 0; c measured 3, wanted == 0"
    );
}

#[test]
fn wish_and_measure_stand_side_by_side() {
    let a = assertion("leak: count(state close-wait) <= 2 # close()", 3.0);
    assert_eq!((a.name.as_str(), a.wanted.as_str(), a.unit), ("leak", "<= 2", "count"));
    assert_eq!(a.measured, Some(super::super::number::Number(3.0)));
    assert_eq!((a.comment.as_deref(), a.took_ms), (Some("close()"), 7));
    assert_eq!(a.sentence(), "measured 3, wanted <= 2");
}

#[test]
fn cases_say_why_the_verdict_is_unknown() {
    let mut cut = fresh();
    cut.coverage = Coverage::default();
    cut.coverage.note("sock_diag", Seen::Partial, Some("overrun".into()), None);
    let report = run(&Selection::of_harm(), &Evidence::new(&cut));
    let check = Check::new(&cut, Parts { report: Some(&report), ..Parts::default() });
    assert_eq!(check.exit_status, 3);
    let first = &check.cases[0];
    assert_eq!(
        (first.name.as_str(), first.status, first.text.as_str()),
        ("socket-table", 3, "overrun")
    );
    // The cases alone give the verdict.
    let worst = check.cases.iter().map(|c| c.outcome.status()).max().unwrap();
    assert_eq!(worst, check.status);
}

#[test]
fn a_rule_that_could_not_see_matters_only_if_it_was_asked_for() {
    let mut blind = fresh();
    blind.uncounted = None;
    let outcome = |selection: &Selection| {
        let report = run(selection, &Evidence::new(&blind));
        let check = Check::new(&blind, Parts { report: Some(&report), ..Parts::default() });
        let case = check.cases.iter().find(|c| c.name == "descriptor-limit").unwrap();
        (case.status, case.text.clone(), check.exit_status)
    };
    let text = "not evaluated: the descriptors of processes could not be counted".to_string();
    assert_eq!(outcome(&Selection::of_harm()), (0, text.clone(), 0));
    assert_eq!(outcome(&Selection::one("descriptor-limit")), (3, text, 3));
}
