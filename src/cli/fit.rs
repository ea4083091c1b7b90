//! Which of the common options mean something to which command: for its help, its manual page and completions, and for what is
//! refused. An option that is taken and does nothing would be a lie.

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::{Arg, ValueEnum};

use super::{Command, Format, Global};
use crate::error::Error;
use crate::render::verdict::Form;

/// Why a command does not take an option, and what to type instead.
type Refusal = (&'static str, &'static str);

const RUN_IS_HERE: Refusal = (
    "run looks at the network namespace in which it runs",
    "leave --from and --netns out; 'ip netns exec NAME tcpvet run -- ...' runs elsewhere",
);

/// Formats of a command.
fn formats(command: &str) -> Vec<Format> {
    let own = |form: &Form| !matches!(form, Form::Human | Form::Json);
    let verdicts = || Form::ALL.into_iter().filter(own).map(Format::Verdict);
    let reports = [Format::Human, Format::Json];
    match command {
        "list" => vec![Format::Human, Format::Json, Format::Jsonl, Format::Plain, Format::Csv],
        "ports" => vec![Format::Human, Format::Json, Format::Plain, Format::Csv],
        "check" | "run" => reports.into_iter().chain(verdicts()).collect(),
        _ => reports.to_vec(),
    }
}

/// Why a command has no use for an option, by its name in [`Global`]; `None` if it has.
fn refusal(command: &str, option: &str) -> Option<Refusal> {
    let texts = matches!(command, "completions" | "man" | "generate" | "help");
    let reads = !texts && !matches!(command, "fields" | "config");
    match option {
        "json" | "format" if texts => {
            Some(("completions and manual pages have a form of their own", "leave --format out"))
        }
        "fail_on" if !matches!(command, "diagnose" | "advise") => Some((
            "--fail-on is for diagnose and advise: check always ends by its verdict, and the others have none",
            "leave it out, or use: tcpvet check",
        )),
        "from" | "netns" if command == "run" => Some(RUN_IS_HERE),
        "from" if command == "env" => Some((
            "env tries this kernel, and a capture has none",
            "leave --from out; 'tcpvet --from CAPTURE' says what the capture lacks",
        )),
        "from" | "netns" | "proc" if !reads => {
            Some(("this command reads no socket table", "leave --from, --netns and --proc out"))
        }
        _ => None,
    }
}

/// Refuses a common option that means nothing to the command.
///
/// # Errors
/// There is one.
pub(super) fn check(global: &Global, command: Option<&Command>) -> Result<(), Error> {
    let name = command.map_or("diagnose", Command::name);
    let typed = [
        ("json", global.json),
        ("format", global.format.is_some()),
        ("fail_on", global.fail_on.is_some()),
        ("from", global.from.is_some()),
        ("netns", global.netns.is_some()),
        ("proc", global.proc.is_some()),
    ];
    let refused = typed.iter().filter(|(_, is)| *is).find_map(|(option, _)| refusal(name, option));
    if let Some((message, hint)) = refused {
        return Err(Error::hinted(message, hint));
    }
    // Before the command an option meets those behind it here only.
    let every = matches!(command, Some(Command::Check(args)) if args.every.is_some());
    let pairs = [
        (global.json && global.format.is_some(), "--json", "--format"),
        (global.from.is_some() && global.netns.is_some(), "--from", "--netns"),
        (global.from.is_some() && global.proc.is_some(), "--from", "--proc"),
        (every && global.from.is_some(), "--every", "--from"),
        (every && global.format.is_some(), "--every", "--format"),
        (every && global.json, "--every", "--json"),
    ];
    if let Some((_, one, other)) = pairs.iter().find(|(both, ..)| *both) {
        return Err(Error::hinted(
            format!("{one} and {other} do not go together"),
            "leave one of them out",
        ));
    }
    let known = formats(name);
    match global.format.filter(|f| !known.contains(f)) {
        Some(format) => Err(Error::hinted(
            format!("{name} has no format {}", word(format)),
            format!("its formats: {}", known.into_iter().map(word).collect::<Vec<_>>().join(", ")),
        )),
        None => Ok(()),
    }
}

fn word(format: Format) -> String {
    format.to_possible_value().map(|v| v.get_name().to_string()).unwrap_or_default()
}

/// What becomes of an option that a command has no use for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is read, to be refused in our words, and not shown.
    Hidden,
    /// It is not there.
    Gone,
}

/// The definition with each command's own view of the common options.
pub(super) fn fitted(mut definition: clap::Command, refused: Refused) -> clap::Command {
    let common: Vec<Arg> =
        definition.get_arguments().filter(|a| a.is_global_set()).cloned().collect();
    let names: Vec<String> =
        definition.get_subcommands().map(|c| c.get_name().to_string()).collect();
    if refused == Refused::Gone {
        definition = definition.mut_args(|arg| arg.global(false));
    }
    for name in names {
        let own = common.iter().filter_map(|arg| {
            let mut arg = arg.clone();
            if refused == Refused::Gone {
                // What it conflicts with may be gone too.
                arg = arg.global(false).conflicts_with(clap::builder::Resettable::Reset);
            }
            match (refusal(&name, arg.get_id().as_str()), refused) {
                (Some(_), Refused::Gone) => None,
                (Some(_), Refused::Hidden) => Some(arg.hide(true)),
                (None, _) if arg.get_id() == "format" => {
                    Some(arg.value_parser(Formats(formats(&name))))
                }
                (None, _) => Some(arg),
            }
        });
        let own: Vec<Arg> = own.collect();
        definition = definition.mut_subcommand(&name, |sub| sub.args(own));
    }
    definition
}

/// Reads every format, so that one which the command has not is told in our words, and shows those that it has.
#[derive(Clone)]
struct Formats(Vec<Format>);

impl TypedValueParser for Formats {
    type Value = Format;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Format, clap::Error> {
        EnumValueParser::<Format>::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().filter_map(Format::to_possible_value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;

    fn read(words: &str) -> Result<Cli, String> {
        crate::cli::parse(words.split(' ')).map_err(|a| match a {
            crate::cli::usage::Answer::Wrong(e) => e.message,
            crate::cli::usage::Answer::Text(text) => text,
        })
    }

    #[test]
    fn every_command_is_called_as_it_calls_itself() {
        let definition = crate::cli::definition();
        for sub in definition.get_subcommands().filter(|c| !c.is_hide_set()) {
            let name = sub.get_name();
            let more = match name {
                "run" => " -- true",
                "capture" => " -o x.tar",
                "completions" => " bash",
                _ => "",
            };
            let cli = read(&format!("tcpvet {name}{more}")).unwrap();
            assert_eq!(cli.command.as_ref().map(Command::name), Some(name));
        }
    }

    #[test]
    fn an_option_stands_before_or_behind_the_command() {
        for words in ["tcpvet --format tap check", "tcpvet check --format tap"] {
            assert_eq!(read(words).unwrap().global.format, Some(Format::Verdict(Form::Tap)));
        }
        for words in ["tcpvet --from x list", "tcpvet list --from x"] {
            assert_eq!(read(words).unwrap().global.from, Some("x".into()));
        }
    }

    #[test]
    fn what_means_nothing_is_refused_and_hidden() {
        for (words, message) in [
            ("tcpvet check --format csv", "check has no format csv"),
            ("tcpvet --format tap", "diagnose has no format tap"),
            ("tcpvet listen --format plain", "listen has no format plain"),
            ("tcpvet --json check --format tap", "--json and --format do not go together"),
            ("tcpvet --from x list --netns y", "--from and --netns do not go together"),
            ("tcpvet --proc /p list --from x", "--from and --proc do not go together"),
            (
                "tcpvet --json check --every 1s --report tap=x",
                "--every and --json do not go together",
            ),
            ("tcpvet fields --netns 1", "this command reads no socket table"),
            ("tcpvet --from x config", "this command reads no socket table"),
            ("tcpvet run --from x -- true", RUN_IS_HERE.0),
            ("tcpvet man --json", "completions and manual pages have a form of their own"),
        ] {
            assert_eq!(read(words).unwrap_err(), message, "{words}");
        }
        assert!(read("tcpvet list --fail-on critical").is_err());
        for (page, there, gone) in [
            ("check", "possible values: human, json, nagios", "--fail-on"),
            ("list", "possible values: human, json, jsonl, plain, csv]", "--fail-on"),
            ("run", "--proc", "--netns"),
            ("advise", "--fail-on", "csv"),
        ] {
            let help = read(&format!("tcpvet {page} -h")).unwrap_err();
            let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(help.contains(there) && !help.contains(gone), "{page}: {help}");
        }
    }
}
