//! Assertions as they were typed: on the command line, in files, and as ranges of named numbers.

use std::path::Path;
use std::time::Duration;

use crate::assertions::range::{FORM, Range};
use crate::assertions::wish::Wish;
use crate::assertions::{Assertion, Measure, figure, file};
use crate::cli::resolve::Settings;
use crate::cli::{AssertArgs, Format};
use crate::cmd::Done;
use crate::cmd::filter::with_names;
use crate::error::{Error, on_file};
use crate::model::text::Text;
use crate::rules::finding::Severity;
use crate::sys::{System, settings_file, watchdog};

/// Reads them all, and sees that each has a name of its own.
pub(in crate::cmd) fn read(
    args: &AssertArgs,
    bounds: Vec<Assertion>,
    system: &dyn System,
) -> Result<Vec<Assertion>, Error> {
    if args.file.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Error::hinted("standard input can be read once", "give -f - once"));
    }
    let texts: Vec<(String, String)> =
        args.file.iter().map(|path| Ok((name(path), text(path)?))).collect::<Result<_, Error>>()?;
    let mut found = Vec::new();
    if !args.assert.is_empty() || !texts.is_empty() {
        found = with_names(system, false, |names| -> Result<Vec<Assertion>, Error> {
            let mut found = Vec::new();
            for typed in &args.assert {
                found.push(file::one(typed, names)?);
            }
            for (name, text) in &texts {
                found.extend(file::lines(name, text, names)?);
            }
            Ok(found)
        })?;
    }
    found.extend(bounds);
    file::distinct(&found)?;
    Ok(found)
}

fn name(path: &Path) -> String {
    Text::new(path.display().to_string().as_bytes()).to_string()
}

fn text(path: &Path) -> Result<String, Error> {
    let hint = "write one assertion a line, such as: no-leak: count(state close-wait) == 0";
    if path.as_os_str() == "-" {
        return settings_file::read_stdin().map_err(|e| on_file(&e, hint));
    }
    match settings_file::read_named(path).map_err(|e| on_file(&e, hint))? {
        Some(text) => Ok(text),
        None => Err(Error::hinted(format!("{}: no such file", name(path)), hint)),
    }
}

/// Reads `NAME=RANGE` of `-w` and `-c`.
pub(in crate::cmd) fn bounds(
    warning: &[String],
    critical: &[String],
) -> Result<Vec<Assertion>, Error> {
    let of = |letter: char, level: Severity| {
        move |text: &String| {
            let shown = Text::new(text.chars().take(60).collect::<String>().as_bytes());
            let (name, range) = text.split_once('=').ok_or_else(|| {
                Error::hinted(
                    format!("-{letter} {shown}: NAME=RANGE is expected"),
                    format!("as in: -{letter} close_wait=100"),
                )
            })?;
            let figure = figure::find(name)?;
            let range = Range::parse(range)
                .map_err(|why| Error::hinted(format!("-{letter} {shown}: {why}"), FORM))?;
            Ok(Assertion {
                name: format!("{} ({})", figure.name, level.word()),
                expression: format!("-{letter} {}={}", figure.name, range.text),
                comment: None,
                level,
                within: None,
                measure: Measure::Figure(figure),
                wish: Wish::Quiet(range),
            })
        }
    };
    let warnings = warning.iter().map(of('w', Severity::Warning));
    let all = warnings.chain(critical.iter().map(of('c', Severity::Critical)));
    let all = all.collect::<Result<Vec<Assertion>, Error>>()?;
    match file::twice(&all) {
        None => Ok(all),
        Some(a) => Err(Error::hinted(
            format!("{}: the range is given twice", a.name),
            "give one for -w and one for -c",
        )),
    }
}

/// Whether what is new can be told.
pub(in crate::cmd) fn need_baseline(
    assertions: &[Assertion],
    has_baseline: bool,
) -> Result<(), Error> {
    match assertions.iter().find(|a| a.measure.needs_baseline() && !has_baseline) {
        None => Ok(()),
        Some(a) => Err(Error::hinted(
            format!("{}: since when?", a.name),
            "say it with --baseline before.tar, written by: tcpvet capture -o before.tar",
        )),
    }
}

/// Whether the time that assertions may take fits into a timeout that the user set.
pub(in crate::cmd) fn check_time(
    assertions: &[Assertion],
    settings: &Settings,
) -> Result<(), Error> {
    let longest = assertions.iter().max_by_key(|a| a.within);
    match (longest.and_then(|a| Some((a, a.within?))), settings.timeout) {
        (Some((assertion, within)), Some(end)) if settings.timeout_is_asked && end <= within => {
            Err(Error::hinted(
                format!(
                    "{} may take {}, and the timeout is {}",
                    assertion.name,
                    humantime::format_duration(within),
                    humantime::format_duration(end)
                ),
                "allow more with --timeout, or take a shorter time behind within",
            ))
        }
        _ => Ok(()),
    }
}

/// Starts the time anew: what is allowed for the looks, and `besides`; and what assertions may take, unless the user set an end.
pub(in crate::cmd) fn allow_time(assertions: &[Assertion], settings: &Settings, besides: Duration) {
    let within = assertions.iter().filter_map(|a| a.within).max().unwrap_or_default();
    let within = if settings.timeout_is_asked { Duration::ZERO } else { within };
    watchdog::allow(settings.timeout.and_then(|t| t.checked_add(besides)?.checked_add(within)));
}

/// What would be judged, and nothing measured.
pub(in crate::cmd) fn dry_run(
    assertions: &[Assertion],
    settings: &Settings,
) -> Result<Done, Error> {
    if settings.format != Format::Human || assertions.is_empty() {
        return Err(Error::hinted(
            "--dry-run shows assertions, and for people",
            "give some with --assert or -f, and leave --format out",
        ));
    }
    Ok(Done::well(understood(assertions).into_bytes()))
}

/// How they were understood.
fn understood(assertions: &[Assertion]) -> String {
    let mut out = String::new();
    for a in assertions {
        let name = if a.name == a.expression { String::new() } else { format!("{}: ", a.name) };
        out.push_str(&format!("{name}{}\n", a.expression));
        let mut said = vec![format!("wanted {}", a.wish.text(a.measure.unit()))];
        if a.level == Severity::Warning {
            said.push("a failure is a warning".into());
        }
        if let Some(within) = a.within {
            said.push(format!("within {}", humantime::format_duration(within)));
        }
        if let Some(filter) = a.measure.filter() {
            said.push(format!("over: {filter}"));
        }
        said.extend(a.comment.clone());
        out.push_str(&format!("  {}\n", said.join("; ")));
    }
    out.push_str(&format!(
        "{}, nothing measured\n",
        crate::phrase::count(assertions.len() as u64, "assertion", "assertions")
    ));
    out
}
