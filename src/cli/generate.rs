//! Files made from the definitions: completions and manual pages. They are committed, and a test keeps them fresh.

mod rules;
mod sections;

use clap::CommandFactory;
use clap_complete::Shell as Completer;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{Cli, Shell, fit};
use crate::error::Error;

/// Every generated file: its path from the root of the project, and its bytes.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = vec![
        ("completions/tcpvet.bash".to_string(), completions(Shell::Bash)),
        ("completions/_tcpvet".to_string(), completions(Shell::Zsh)),
        ("completions/tcpvet.fish".to_string(), completions(Shell::Fish)),
        ("man/tcpvet.1".to_string(), main_page()),
        ("man/tcpvet-rules.7".to_string(), rules::manual()),
        ("docs/rules.md".to_string(), rules::markdown().into_bytes()),
    ];
    for name in subcommands() {
        let page = man(Some(&name)).unwrap_or_default();
        files.push((format!("man/tcpvet-{name}.1"), page));
    }
    files
}

/// The command line as these texts show it.
fn definition() -> clap::Command {
    fit::fitted(Cli::command(), fit::Refused::Gone)
}

/// Names of the visible subcommands.
fn subcommands() -> Vec<String> {
    let command = definition();
    command
        .get_subcommands()
        .filter(|c| !c.is_hide_set())
        .map(|c| c.get_name().to_string())
        .collect()
}

/// The completions of a shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let shell = match shell {
        Shell::Bash => Completer::Bash,
        Shell::Zsh => Completer::Zsh,
        Shell::Fish => Completer::Fish,
    };
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut definition(), "tcpvet", &mut out);
    out
}

/// A manual page: of the program, or of a subcommand.
///
/// # Errors
/// There is no such subcommand.
pub fn man(page: Option<&str>) -> Result<Vec<u8>, Error> {
    let Some(name) = page else { return Ok(main_page()) };
    if name == "rules" {
        return Ok(rules::manual());
    }
    let names = subcommands();
    if !names.iter().any(|n| n == name) {
        let message = format!(
            "no manual page is called '{}'",
            crate::model::text::Text::new(name.as_bytes())
        );
        return Err(Error::hinted(message, format!("pages: {} rules", names.join(" "))));
    }
    let mut command = definition();
    command.build();
    let sub = command.find_subcommand(name).cloned().unwrap_or_default();
    let sub = sub.display_name(format!("tcpvet-{name}")).disable_help_flag(true);
    let mut out = Vec::new();
    let _ = Man::new(sub).render(&mut out);
    let mut tail = Roff::default();
    tail.control("SH", ["SEE ALSO"]).text([
        bold("tcpvet"),
        roman("(1), "),
        bold("ss"),
        roman("(8)"),
    ]);
    let _ = tail.to_writer(&mut out);
    Ok(out)
}

fn main_page() -> Vec<u8> {
    let man = Man::new(definition());
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    let _ = man.render_title(&mut out);
    let _ = man.render_name_section(&mut out);
    let _ = man.render_synopsis_section(&mut out);
    let _ = man.render_description_section(&mut out);
    let _ = man.render_options_section(&mut out);
    let _ = man.render_subcommands_section(&mut out);
    let mut tail = Roff::default();
    tail.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in super::EXAMPLES.lines().skip(1) {
        tail.text([roman(line.trim_start())]);
    }
    tail.control("fi", []);
    for (heading, paragraphs) in sections::SECTIONS {
        tail.control("SH", [*heading]);
        if *heading == "EXIT STATUS" {
            for (code, word, meaning) in crate::exit::TABLE {
                tail.control("TP", []).text([bold(code.to_string())]);
                tail.text([roman(format!("{word}: {meaning}."))]);
            }
        }
        for paragraph in *paragraphs {
            tail.control("PP", []).text([roman(*paragraph)]);
        }
    }
    let _ = tail.to_writer(&mut out);
    out
}
