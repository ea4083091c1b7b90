//! Every form, on a verdict with everything in it and names that try to break out.

use super::*;
use crate::assertions::figure::{self, FIGURES, Read};
use crate::assertions::file;
use crate::assertions::reading::Reading;
use crate::filter::parse::Names;
use crate::model::state::State;
use crate::model::testing::{fresh, socket};
use crate::render::document::assertion::{AssertionDocument, Offender};
use crate::render::document::check::Parts;
use crate::render::document::figure::figures;
use crate::rules::selection::Selection;
use crate::rules::{Evidence, engine};

const HOSTILE: &str = "a|b'c=\"d\"<e>&,;:%\\n#\\";

fn assertion(text: &str, measured: &Reading) -> AssertionDocument {
    AssertionDocument::new(&file::one(text, &Names::NONE).unwrap(), measured, 13)
}

/// All rules, three assertions, every number; holders with hostile names.
fn whole() -> Check {
    let mut snapshot = fresh();
    snapshot.sockets.push(socket(State::CloseWait, "127.0.0.1:80", "127.0.0.1:4711"));
    let evidence = Evidence::new(&snapshot);
    let report = engine::run(&Selection::of_harm(), &evidence);
    let mut fail = assertion(
        &format!("{}: count() == 0", HOSTILE.replace([':', '#', '"', '\''], "")),
        &Reading::exact(1.0),
    );
    let mut offender = Offender::new(
        &socket(State::CloseWait, "127.0.0.1:80", "127.0.0.1:4711"),
        None,
        crate::model::owner::Provenance::Exact,
        Some(1500),
    );
    (offender.pid, offender.process) = (Some(7), Some(HOSTILE.to_string()));
    fail.offenders.push(offender);
    fail.selected = Some(1);
    let pass = assertion("fine: max(rtt) < 5ms", &Reading::exact(1250.0));
    let open = assertion("open: count(process = x) == 0", &Reading::between(0.0, 3.0, "hidden"));
    let seen = figure::all(&evidence, &Selection::of_harm()).into_iter();
    let read: Vec<Read> = seen
        .map(|r| Read { value: r.value.or(Some(0.0)), other: r.other.or(Some(0.0)), ..r })
        .collect();
    let numbers = figures(&read, &[]);
    let parts = Parts {
        report: Some(&report),
        assertions: vec![fail, pass, open],
        numbers,
        duration_ms: 1042,
        ..Parts::default()
    };
    Check::new(&snapshot, parts)
}

fn text(form: Form) -> String {
    String::from_utf8(render(form, Judged::Check(&whole()))).unwrap()
}

#[test]
fn words_are_distinct_and_all_forms_give_something() {
    let words: std::collections::BTreeSet<&str> = Form::ALL.map(Form::word).into_iter().collect();
    assert_eq!(words.len(), Form::ALL.len());
    for form in Form::ALL {
        let text = text(form);
        assert!(text.ends_with('\n'), "{}", form.word());
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{}", form.word());
    }
}

#[test]
fn nagios_has_one_bar_and_a_short_text() {
    let text = text(Form::Nagios);
    let first = text.lines().next().unwrap();
    let (told, performance) = first.split_once(" | ").unwrap();
    assert!(told.starts_with("TCP CRITICAL: ") && told.len() <= 134, "{told}");
    assert_eq!(text.matches('|').count(), 1, "a bar anywhere else would begin performance data");
    assert!(performance.contains("close_wait=1;;;0 "), "{performance}");
    assert!(performance.contains(" fine=0.00125s "), "{performance}");
    assert!(performance.contains(" open=U "), "{performance}");
    assert!(performance.ends_with("run_time=1.042s;;;0"));
    assert!(text.contains("UNKNOWN open: "), "{text}");
}

#[test]
fn checkmk_has_a_line_for_each_case() {
    let check = whole();
    let text = text(Form::Checkmk);
    assert_eq!(text.lines().count(), check.cases.len() + 1);
    for line in text.lines() {
        let mut parts = line.splitn(2, ' ');
        assert!(["0", "1", "2", "3"].contains(&parts.next().unwrap()), "{line}");
        let rest = parts.next().unwrap().strip_prefix("\"TCP").unwrap();
        let (_, after) = rest.split_once("\" ").unwrap();
        let (metrics, said) = after.split_once(' ').unwrap();
        assert!(metrics == "-" || metrics.contains('='), "{line}");
        assert!(!said.is_empty(), "{line}");
    }
    assert!(text.starts_with("2 \"TCP\" tcpvet_established=0|"), "{text}");
}

#[test]
fn metrics_are_bounded_and_every_rule_is_there() {
    let text = text(Form::Prometheus);
    let series: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
    assert!(series.len() <= 100, "{}", series.len());
    for rule in crate::rules::RULES {
        assert!(
            text.contains(&format!("tcpvet_rule_status{{rule=\"{}\"}} ", rule.id)),
            "{}",
            rule.id
        );
    }
    for state in State::ALL {
        assert!(text.contains(&format!("tcpvet_sockets{{state=\"{}\"}} ", state.word())));
    }
    assert!(text.contains("tcpvet_sockets{state=\"close_wait\"} 1\n"));
    assert!(text.contains("tcpvet_assertion_status{assertion=\"fine\"} 0\n"));
    assert!(text.contains("tcpvet_assertion_value{assertion=\"fine\"} 1250\n"));
    assert!(text.contains("tcpvet_assertion_status{assertion=\"open\"} 3\n"));
    assert!(
        !text.contains("tcpvet_assertion_value{assertion=\"open\"}"),
        "what is not known has no value"
    );
    assert!(text.contains("tcpvet_run_duration_seconds 1.042\n"));
    assert!(!text.contains("node_") && !text.contains(" type="));
}

#[test]
fn what_could_not_be_seen_has_a_number_of_its_own() {
    let mut blind = fresh();
    blind.uncounted = None;
    let report = engine::run(&Selection::of_harm(), &Evidence::new(&blind));
    let check = Check::new(&blind, Parts { report: Some(&report), ..Parts::default() });
    let text = String::from_utf8(render(Form::Prometheus, Judged::Check(&check))).unwrap();
    for (rule, status) in
        [("descriptor-limit", 3), ("syn-flood", -1), ("idle-without-keepalive", -1)]
    {
        let line = format!("tcpvet_rule_status{{rule=\"{rule}\"}} {status}\n");
        assert!(text.contains(&line), "{line}");
    }
}

#[test]
fn names_and_help_of_metrics_are_a_promise() {
    let text = text(Form::Prometheus);
    let heads: Vec<&str> = text.lines().filter(|l| l.starts_with("# HELP ")).collect();
    let golden = include_str!("metrics.golden");
    assert_eq!(
        heads.join("\n") + "\n",
        golden,
        "a help text that changes makes node_exporter drop the metric"
    );
    for figure in &FIGURES {
        assert!(figure.metric.is_none() || golden.contains(figure.doc), "{}", figure.name);
    }
}

#[test]
fn openmetrics_declares_units_and_ends() {
    let text = text(Form::Openmetrics);
    assert!(text.ends_with("# EOF\n"));
    for line in text.lines().filter_map(|l| l.strip_prefix("# UNIT ")) {
        let (name, unit) = line.split_once(' ').unwrap();
        assert!(name.ends_with(unit), "{line}");
    }
    assert!(text.contains("# TYPE tcpvet_build info\n"));
    assert!(text.contains("tcpvet_build_info{version=\""));
}

#[test]
fn junit_counts_add_up() {
    let check = whole();
    let text = text(Form::Junit);
    assert_eq!(text.matches("<testcase ").count(), check.cases.len());
    let of = |tag: &str| text.matches(tag).count();
    assert_eq!(of("<failure "), 1);
    assert_eq!(of("<error "), 1);
    assert!(text.contains(&format!("tests=\"{}\" failures=\"1\" errors=\"1\"", check.cases.len())));
    assert!(!text.contains("<e>"), "names are escaped");
    let mut names: Vec<&str> = text
        .match_indices(" name=\"")
        .map(|(at, _)| text[at..].split('"').nth(1).unwrap())
        .collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn tap_has_a_version_a_plan_and_as_many_points() {
    let check = whole();
    let text = text(Form::Tap);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("TAP version 13"));
    assert_eq!(lines.next(), Some(format!("1..{}", check.cases.len()).as_str()));
    let points = text.lines().filter(|l| l.starts_with("ok ") || l.starts_with("not ok "));
    assert_eq!(points.count(), check.cases.len());
    assert_eq!(text.lines().filter(|l| l.starts_with("not ok ")).count(), 2);
}

#[test]
fn github_has_commands_for_what_is_wrong_only() {
    let text = text(Form::Github);
    let commands: Vec<&str> = text.lines().filter(|l| l.starts_with("::")).collect();
    assert_eq!(commands.len(), 2);
    assert!(
        commands[0].starts_with("::error title=TCP a|bc=d<e>&%2C;%25\\n\\::"),
        "{}",
        commands[0]
    );
    assert!(text.lines().last().unwrap().starts_with("TCP CRITICAL: "));
}

#[test]
fn zabbix_discovers_every_case() {
    let found: serde_json::Value = serde_json::from_str(&text(Form::Zabbix)).unwrap();
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), whole().cases.len());
    for one in found {
        for (key, value) in one.as_object().unwrap() {
            assert!(key.starts_with("{#") && value.is_string(), "{key}");
        }
    }
}

#[test]
fn what_failed_is_told_where_the_consumer_reads() {
    let told = |form: Form| failed(form, "no|such\nfile").map(|b| String::from_utf8(b).unwrap());
    assert_eq!(told(Form::Nagios).as_deref(), Some("TCP UNKNOWN: no/such\n"));
    assert_eq!(told(Form::Checkmk).as_deref(), Some("3 \"TCP\" - no|such\n"));
    assert_eq!(told(Form::Tap).as_deref(), Some("TAP version 13\nBail out! no|such\n"));
    assert_eq!(told(Form::Github).as_deref(), Some("::error title=tcpvet::no|such%0Afile\n"));
    assert_eq!(told(Form::Json), None);
}

#[test]
fn consumers_are_given_no_name_twice() {
    let snapshot = fresh();
    let evidence = Evidence::new(&snapshot);
    let read = figure::all(&evidence, &Selection::none());
    let texts = [
        "count() >= 1",
        "count() > 1",
        "close_wait: count() >= 0",
        "run_time: count() >= 0",
        "count(process = \"x\") == 0",
        "count(process = 'x') == 0",
    ];
    let assertions = texts.iter().map(|t| assertion(t, &Reading::exact(1.0))).collect();
    let numbers = figures(&read, &[]);
    let check = Check::new(&snapshot, Parts { assertions, numbers, ..Parts::default() });
    let nagios = String::from_utf8(render(Form::Nagios, Judged::Check(&check))).unwrap();
    let data = nagios.lines().next().unwrap().split_once(" | ").unwrap().1;
    for label in [
        "'count() > 1'",
        "'count() > 1 (2)'",
        "'close_wait (2)'",
        "'run_time (2)'",
        "close_wait",
        "run_time",
    ] {
        assert_eq!(data.matches(&format!("{label}=")).count(), 1, "{label}: {data}");
    }
    let checkmk = String::from_utf8(render(Form::Checkmk, Judged::Check(&check))).unwrap();
    let services: Vec<&str> = checkmk.lines().filter_map(|l| l.split('"').nth(1)).collect();
    let distinct: std::collections::BTreeSet<&&str> = services.iter().collect();
    assert_eq!(distinct.len(), services.len(), "{checkmk}");
}
