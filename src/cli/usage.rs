//! Usage errors in this program's form: one line, and a hint. clap finds them; its layout and its exit status are not ours.

use clap::error::ErrorKind;

use crate::error::Error;

/// Most characters of an argument that come back in a message.
const MOST: usize = 300;

/// What clap said, as our error; or the text it printed on request (help, version).
#[derive(Debug)]
pub enum Answer {
    /// `--help`, `--version`: print this and end well.
    Text(String),
    /// A usage error.
    Wrong(Error),
}

/// Reads clap's answer.
pub fn answer(error: &clap::Error) -> Answer {
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Answer::Text(text);
    }
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let first = lines.next().unwrap_or_default();
    let message = first.strip_prefix("error: ").unwrap_or(first).trim_end_matches(':');
    let rest: Vec<&str> = lines.take_while(|l| !l.starts_with("Usage:")).collect();
    let tip = rest.iter().find_map(|l| l.strip_prefix("tip: "));
    let values = rest.iter().find(|l| l.starts_with("[possible values"));
    let unknown = error.kind() == ErrorKind::UnknownArgument;
    // Whoever checks or runs does not think of ss.
    let usage = text.lines().find_map(|l| l.trim().strip_prefix("Usage: tcpvet "));
    let command = usage.and_then(|u| u.split_whitespace().next()).unwrap_or_default();
    let judges = matches!(command, "check" | "run");
    let short = unknown && !judges && (is_short(message) || of_ss(message).is_some());
    let range = ["'-w'", "'-c'", "'--warning'", "'--critical'"].iter().any(|o| message.contains(o));
    let hint = match (tip, values) {
        _ if unknown && command == "run" && range => {
            "ranges of named numbers are for: tcpvet check -w close_wait=100".to_string()
        }
        _ if short => of_ss(message)
            .unwrap_or("sockets are listed by 'tcpvet list'; see 'tcpvet list --help'")
            .to_string(),
        (Some(tip), _) => tip.to_string(),
        (None, Some(values)) => values.trim_matches(['[', ']']).to_string(),
        (None, None) if judges => format!("'tcpvet {command} --help' shows what there is"),
        (None, None) => "'tcpvet --help' shows what there is".to_string(),
    };
    let missing: Vec<&str> =
        rest.iter().filter(|l| l.starts_with('<') || l.starts_with('-')).copied().collect();
    let message = match missing.is_empty() {
        true => message.to_string(),
        false => format!("{message}: {}", missing.join(" ")),
    };
    Answer::Wrong(Error::hinted(safe(&message), safe(&hint)))
}

/// Whether a message is about an option of one dash, as people type them for ss and netstat.
fn is_short(message: &str) -> bool {
    let typed = message.split('\'').nth(1).unwrap_or_default();
    let letter = typed.strip_prefix('-').and_then(|t| t.chars().next());
    letter.is_some_and(|c| c.is_ascii_alphabetic() || c == '0')
}

/// What stands for an option of ss that is not here.
fn of_ss(message: &str) -> Option<&'static str> {
    let typed = message.split('\'').nth(1)?;
    let letter = match typed {
        "--unix" | "--raw" | "--dccp" | "--packet" | "--sctp" | "--vsock" | "--tipc" | "--xdp" => {
            'x'
        }
        "--summary" => 's',
        "--kill" => 'K',
        "--events" => 'E',
        "--threads" => 'T',
        "--family" | "--query" | "--socket" => 'A',
        "--filter" => 'F',
        "--diag" => 'D',
        "--no-queues" => 'Q',
        "--context" | "--contexts" | "--bpf" => 'Z',
        "--oneline" => {
            return Some(
                "every socket is on one line in a pipe; on a terminal only details take more",
            );
        }
        short => short.strip_prefix('-')?.chars().next().filter(char::is_ascii_alphanumeric)?,
    };
    Some(match letter {
        'x' | 'w' | 'd' | '0' | 'S' => {
            "unix, raw, DCCP, packet and SCTP sockets are not listed; ss does that"
        }
        's' => "write it as: tcpvet summary",
        'K' => "tcpvet closes no sockets",
        'E' => "tcpvet does not follow sockets as they are destroyed",
        'T' => "threads are not told apart; processes are shown without an option",
        'f' | 'A' => "protocols are chosen by -t, -u and -M, families by -4 and -6",
        'F' => "write the filter on the command line: tcpvet list 'dport = 443'",
        'D' => "write it as: tcpvet capture -o box.tar",
        'Q' => "choose the columns: tcpvet list -O state,local,peer",
        'Z' | 'z' | 'b' => "security contexts and socket filters are not shown",
        _ => return None,
    })
}

/// Arguments come back in messages; a control character in them must not reach the terminal.
fn safe(text: &str) -> String {
    let short: String = text.chars().take(MOST).collect();
    crate::model::text::Text::new(short.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(args: &[&str]) -> String {
        match crate::cli::parse(args).unwrap_err() {
            Answer::Wrong(e) => e.to_string(),
            Answer::Text(t) => panic!("{t}"),
        }
    }

    #[test]
    fn options_of_ss_are_for_lists_and_not_for_verdicts() {
        let of_run = wrong(&["tcpvet", "run", "-w", "close_wait=1", "--", "true"]);
        assert!(
            of_run
                .ends_with("hint: ranges of named numbers are for: tcpvet check -w close_wait=100")
        );
        let of_check = wrong(&["tcpvet", "check", "-x"]);
        assert!(
            of_check.ends_with("hint: 'tcpvet check --help' shows what there is"),
            "{of_check}"
        );
    }

    #[test]
    fn one_line_and_a_hint() {
        assert_eq!(
            wrong(&["tcpvet", "lits"]),
            "error: unrecognized subcommand 'lits'\nhint: some similar subcommands exist: 'listen', 'list'"
        );
        assert_eq!(
            wrong(&["tcpvet", "--color", "x"]),
            "error: invalid value 'x' for '--color <WHEN>'\nhint: possible values: auto, always, never"
        );
        assert_eq!(
            wrong(&["tcpvet", "capture"]),
            "error: the following required arguments were not provided: --output <DIR|FILE.tar>\nhint: 'tcpvet --help' shows what there is"
        );
        assert_eq!(
            wrong(&["tcpvet", "-tlnp"]),
            "error: unexpected argument '-t' found\nhint: sockets are listed by 'tcpvet list'; see 'tcpvet list --help'"
        );
        for (typed, hint) in
            [("-tanx", "unix"), ("-s", "tcpvet summary"), ("-Kt", "closes no sockets")]
        {
            assert!(wrong(&["tcpvet", "list", typed]).contains(hint), "{typed}");
        }
        assert!(!wrong(&["tcpvet", "\x1b[31m"]).contains('\x1b'));
    }
}
