//! The forms in which secrets stand in a word: behind a name, in a URL, with a known beginning.

use regex_lite::Regex;

/// What stands in place of a secret.
pub(super) const MASK: &str = "***";

/// Words in the name of an option or a variable whose value nobody is to see.
const SECRET: [&str; 15] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api-key",
    "credential",
    "auth",
    "requirepass",
    "signature",
    "cookie",
    "session",
    "jwt",
];

/// Last parts of such names that are too short to be looked for inside of others.
const LAST: [&str; 4] = ["key", "pass", "pw", "sig"];

/// Whether the value behind this name is one that nobody is to see.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace('_', "-");
    let last = name.trim_start_matches('-').rsplit(['-', '.']).next().unwrap_or_default();
    // Java's -Dpass.
    let last = last.strip_prefix('d').filter(|l| LAST.contains(l)).unwrap_or(last);
    SECRET.iter().any(|word| name.contains(word)) || LAST.contains(&last)
}

/// Secrets that begin as nothing else does: tokens of GitHub, GitLab, AWS, Slack and others, and JSON Web Tokens.
pub(super) fn shapes() -> Option<Regex> {
    Regex::new(
        "(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{12,}|(?:AKIA|ASIA)[0-9A-Z]{12,}|\
         eyJ[A-Za-z0-9_-]{6,}\\.[A-Za-z0-9_.-]+|xox[abprs]-[A-Za-z0-9-]{8,}|sk-[A-Za-z0-9_-]{16,})",
    )
    .ok()
}

/// A word without its secrets.
pub(super) fn masked_word(word: &str, shapes: Option<&Regex>) -> String {
    let word = urls(word);
    let word = behind_names(&word);
    let word = users(&word);
    shapes.map_or(word.clone(), |shapes| shapes.replace_all(&word, MASK).into_owned())
}

/// `scheme://user:secret@host`: what stands before the last `@` of the authority, in which a secret may have put a slash.
fn urls(word: &str) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(at) = rest.find("://") {
        let (scheme, behind) = rest.split_at(at + 3);
        out.push_str(scheme);
        let end = behind.find(char::is_whitespace).unwrap_or(behind.len());
        let (url, tail) = behind.split_at(end);
        let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
        let split = match authority.split_once(':') {
            _ if authority.contains('@') => {
                url.split_at_checked(authority.len()).and_then(|(a, b)| {
                    a.rsplit_once('@').map(|(user, host)| (user, format!("{host}{b}")))
                })
            }
            // What looks like a port may begin a secret with a slash: rather too much is masked than too little.
            Some(_) => url.rsplit_once('@').map(|(user, host)| (user, host.to_string())),
            None => None,
        };
        match split {
            Some((user, host)) => match user.split_once(':') {
                Some((name, _)) => out.push_str(&format!("{name}:{MASK}@{host}")),
                None => out.push_str(&format!("{MASK}@{host}")),
            },
            None => out.push_str(url),
        }
        rest = tail;
    }
    out + rest
}

/// Whether a character may stand in a name.
fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// `name=value`, `name: value`, `"name": "value"`, and inside of a text `--name value`.
fn behind_names(word: &str) -> String {
    let chars: Vec<char> = word.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        out.push(c);
        at += 1;
        let leads_a_url = c == ':' && chars.get(at..at + 2) == Some(&['/', '/']);
        let is_sign = matches!(c, '=' | ':') && !leads_a_url;
        if !is_sign && !c.is_whitespace() {
            continue;
        }
        let before = out.trim_end_matches(|c: char| "=:\"' ".contains(c) || c.is_whitespace());
        let start = before.rfind(|c| !in_name(c)).map_or(0, |i| {
            i + before.get(i..).and_then(|s| s.chars().next()).map_or(1, char::len_utf8)
        });
        let name = before.get(start..).unwrap_or_default().to_string();
        let option = name.starts_with('-') || matches!(name.as_str(), "password" | "requirepass");
        if name.is_empty() || !is_secret(&name) || c.is_whitespace() && !option {
            continue;
        }
        while let Some(space) = chars.get(at).filter(|c| c.is_whitespace()) {
            out.push(*space);
            at += 1;
        }
        let quote = chars.get(at).copied().filter(|c| matches!(c, '"' | '\''));
        if let Some(quote) = quote {
            out.push(quote);
            at += 1;
        }
        // A word that is nothing but a name and its value ends with the value.
        let all = name.to_lowercase().contains("authorization")
            || start == 0 && !c.is_whitespace() && !word.contains(char::is_whitespace);
        let ends = |c: char| match quote {
            Some(quote) => c == quote,
            None => !all && (c.is_whitespace() || "\"'&;,}".contains(c)),
        };
        let length = chars.iter().skip(at).take_while(|c| !ends(**c)).count();
        // An option behind an option is none's value.
        let next: String = chars.iter().skip(at).take(2).collect();
        if length > 0 && !(c.is_whitespace() && next == "--") {
            out.push_str(MASK);
            at += length;
        }
    }
    out
}

/// `user:secret@`, as drivers take it, and `--user=bob:secret`.
fn users(word: &str) -> String {
    if let Some((name, value)) = word.split_once('=')
        && matches!(name, "--user" | "--proxy-user")
        && let Some((user, _)) = value.split_once(':')
    {
        return format!("{name}={user}:{MASK}");
    }
    if word.contains("://") {
        return word.to_string();
    }
    match word.split_once(':') {
        Some((user, rest)) if !user.is_empty() && user.chars().all(in_name) => {
            match rest.split_once('@') {
                Some((_, host)) => format!("{user}:{MASK}@{host}"),
                None => word.to_string(),
            }
        }
        _ => word.to_string(),
    }
}
