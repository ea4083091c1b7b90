//! The program: parse, open the system, run, write, end with a status.

use std::process::ExitCode;
use std::sync::OnceLock;

use tcpvet::cli::resolve::{Settings, resolve};
use tcpvet::cli::usage::Answer;
use tcpvet::cli::{Command, parse};
use tcpvet::error::Error;
use tcpvet::render::verdict::{Form, failed};
use tcpvet::sys::live::Live;
use tcpvet::sys::output::{Stdout, last_words, note, write_all};
use tcpvet::sys::{System, isolate, privilege, watchdog};
use tcpvet::{cmd, exit};

/// The form of the verdict, for whoever reads standard output only.
static FORM: OnceLock<Form> = OnceLock::new();

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        let said = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        let (message, hint) = match said.starts_with("failed to spawn thread") {
            // The library gives no other sign of it.
            true => (
                "no thread could be started".to_string(),
                "allow more memory and processes: ulimit -v, ulimit -u",
            ),
            false => (
                format!("internal error at {at}"),
                "please report it, with a capture if you can: tcpvet capture -o box.tar",
            ),
        };
        if let Some(line) = FORM.get().and_then(|form| failed(*form, &message)) {
            last_words(&line, true);
        }
        note(&format!("error: {message}\nhint: {hint}"));
        end(exit::UNKNOWN);
    }));
    privilege::lie_low();
    let cli = match parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(Answer::Text(text)) => return write(text.as_bytes(), exit::OK),
        Err(Answer::Wrong(error)) => {
            return match typed_form().and_then(|form| failed(form, &error.message)) {
                Some(line) => write(&line, exit::UNKNOWN),
                None => fail(&error),
            };
        }
    };
    let mut settings = resolve(&cli.global, cli.command.as_ref());
    let form = match &cli.command {
        Some(Command::Check(_)) => settings.format.form(),
        _ => None,
    };
    if let Some(form) = form {
        let _ = FORM.set(form);
    }
    // A user namespace can only be made while there is one thread.
    if let Some(Command::Run(args)) = &cli.command
        && args.isolate
        && let Err(e) = isolate::enter()
    {
        cmd::no_verdict(cli.command.as_ref(), &e.to_string());
        return fail(&Error::hinted(e.to_string(), "run it as root, or without --isolate"));
    }
    if let Some(after) = settings.timeout {
        let command = cli.command.clone();
        watchdog::start(after, move |allowed| {
            let message = format!("not done after {allowed:?}");
            cmd::give_up(command, &message);
            match form.and_then(|form| failed(form, &message)) {
                Some(line) => last_words(&line, true),
                None => {
                    let hint = "hint: allow more time with --timeout";
                    last_words(format!("error: {message}\n{hint}\n").as_bytes(), false);
                }
            }
            end(watchdog::status());
        });
    }
    let done = open(&mut settings, cli.command.as_ref())
        .and_then(|system| cmd::dispatch(&cli, &settings, &*system, &mut Stdout));
    match done {
        Ok(done) => {
            done.notes.iter().for_each(|text| note(text));
            write(&done.output, done.status)
        }
        Err(error) => {
            cmd::no_verdict(cli.command.as_ref(), &error.message);
            match form.and_then(|form| failed(form, &error.message)) {
                Some(line) => write(&line, exit::UNKNOWN),
                None => fail(&error),
            }
        }
    }
}

/// The form that was typed for a check, where the rest could not be read.
fn typed_form() -> Option<Form> {
    let words: Vec<String> =
        std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    if !words.iter().any(|word| word == "check") {
        return None;
    }
    let glued = words.iter().find_map(|word| word.strip_prefix("--format="));
    let apart = words.windows(2).find_map(|pair| match pair {
        [option, form] if option == "--format" => Some(form.as_str()),
        _ => None,
    });
    glued.or(apart).and_then(|typed| Form::ALL.into_iter().find(|form| form.word() == typed))
}

/// What answers; some commands ask nobody.
fn open(settings: &mut Settings, command: Option<&Command>) -> Result<Box<dyn System>, Error> {
    match command {
        Some(Command::Completions(_) | Command::Man(_) | Command::Generate(_)) => {
            Ok(Box::new(Live::here()))
        }
        _ => cmd::enter::open(settings),
    }
}

/// Writes the output; what cannot be written makes the run fail.
fn write(bytes: &[u8], status: u8) -> ExitCode {
    match write_all(bytes) {
        Ok(()) => ExitCode::from(status),
        Err(e) => fail(&Error::hinted(
            format!(
                "cannot write to standard output: {}",
                tcpvet::sys::SysError::from_io("", &e).reason
            ),
            "look at the place the output goes to",
        )),
    }
}

fn fail(error: &Error) -> ExitCode {
    note(&error.to_string());
    ExitCode::from(exit::UNKNOWN)
}

/// Ends at once, from a panic or the watchdog.
#[expect(clippy::exit, reason = "the other threads cannot be asked to end")]
fn end(status: u8) {
    std::process::exit(status.into());
}
