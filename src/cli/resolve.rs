//! From what was typed to what is meant: environment and terminal are looked at here, once.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::time::Duration;

use super::{Command, Format, Global, Level, When};
use crate::model::place::Way;
use crate::render::style::Style;
use crate::rules::engine::Status;
use crate::sys::terminal;

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Colour and width of standard output.
    pub style: Style,
    /// Whether a JSON document is wanted.
    pub json: bool,
    /// The format.
    pub format: Format,
    /// When a report ends with its verdict.
    pub fail_on: Option<Status>,
    /// Whether nothing is printed when all is well.
    pub quiet: bool,
    /// When to give up.
    pub timeout: Option<Duration>,
    /// Whether the user said so.
    pub timeout_is_asked: bool,
    /// The namespace as the user named it.
    pub netns: Option<String>,
    /// The way into that namespace.
    pub netns_way: Way,
    /// The folder that stands for /proc.
    pub proc: Option<std::path::PathBuf>,
    /// A capture to read.
    pub from: Option<std::path::PathBuf>,
}

/// How long `check` waits where nothing else is said: monitoring must get an answer.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// Settles everything.
pub fn resolve(global: &Global, command: Option<&Command>) -> Settings {
    let terminal = terminal::stdout_is_terminal();
    let env = |name: &str| std::env::var_os(name).map(|v| v.to_string_lossy().into_owned());
    let columns = env("COLUMNS").and_then(|c| c.parse().ok()).filter(|c| *c > 0);
    let wide = global.width.map(usize::from);
    let width = wide.or_else(|| terminal.then(|| terminal::width().or(columns).unwrap_or(80)));
    let format = if global.json { Format::Json } else { global.format.unwrap_or(Format::Human) };
    let short = match command {
        Some(Command::Check(args)) => args.t,
        _ => None,
    };
    let asked = global.timeout.or(short);
    let check = matches!(command, Some(Command::Check(_) | Command::Run(_)));
    Settings {
        style: Style { color: color(global.color, &env, terminal), width },
        json: format == Format::Json,
        format,
        fail_on: global.fail_on.map(|level| match level {
            Level::Warning => Status::Warning,
            Level::Unknown => Status::Unknown,
            Level::Critical => Status::Critical,
        }),
        quiet: global.quiet,
        timeout: asked.or(check.then_some(CHECK_TIMEOUT)),
        timeout_is_asked: asked.is_some(),
        netns: global.netns.clone(),
        netns_way: Way::Unsaid,
        proc: global.proc.clone(),
        from: global.from.clone(),
    }
}

/// The option wins over NO_COLOR (no-color.org), that over CLICOLOR_FORCE and FORCE_COLOR, those over CLICOLOR=0 and TERM=dumb, and
/// last comes whether there is a terminal.
fn color(when: When, env: &dyn Fn(&str) -> Option<String>, terminal: bool) -> bool {
    let set = |name: &str| env(name).filter(|v| !v.is_empty());
    let on = |name: &str| set(name).is_some_and(|v| v != "0");
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if set("NO_COLOR").is_some() => false,
        When::Auto if on("CLICOLOR_FORCE") || on("FORCE_COLOR") => true,
        When::Auto if env("CLICOLOR").as_deref() == Some("0") => false,
        When::Auto if set("TERM").is_none_or(|t| t == "dumb") => false,
        When::Auto => terminal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(vars: &[(&str, &str)], when: When, terminal: bool) -> bool {
        let env = |name: &str| {
            let found = vars.iter().find(|(n, _)| *n == name);
            found.map(|(_, v)| (*v).to_string()).or((name == "TERM").then(|| "xterm".to_string()))
        };
        color(when, &env, terminal)
    }

    #[test]
    fn the_order_of_wishes() {
        assert!(with(&[], When::Auto, true) && !with(&[], When::Auto, false));
        assert!(!with(&[("NO_COLOR", "1")], When::Auto, true));
        assert!(with(&[("NO_COLOR", "")], When::Auto, true));
        assert!(with(&[("NO_COLOR", "1")], When::Always, false));
        assert!(with(&[("CLICOLOR_FORCE", "1")], When::Auto, false));
        assert!(!with(&[("CLICOLOR_FORCE", "0")], When::Auto, false));
        assert!(!with(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], When::Auto, true));
        assert!(!with(&[("CLICOLOR", "0")], When::Auto, true));
        assert!(!with(&[("TERM", "dumb")], When::Auto, true));
        assert!(!with(&[("CLICOLOR_FORCE", "1")], When::Never, true));
    }
}
