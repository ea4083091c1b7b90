//! /proc/PID/cmdline, in which people put passwords: shown only when asked for, and then without them.

use crate::model::place::quoted;
use crate::model::text::Text;

/// Words in the name of an option or a variable whose value nobody is to see.
const SECRET: [&str; 10] = [
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
];

/// The longest command line that is shown, in characters.
const LONGEST: usize = 512;

/// What stands in place of a secret.
const MASK: &str = "***";

/// The command line as one would type it, with the values of secrets masked; `None` if there is none.
pub fn masked(bytes: &[u8]) -> Option<Text> {
    let whole = String::from_utf8_lossy(bytes);
    let words: Vec<&str> = whole.trim_end_matches('\0').split('\0').collect();
    if words.iter().all(|w| w.is_empty()) {
        return None;
    }
    let mut out: Vec<String> = Vec::new();
    let mut hide_next = false;
    for word in words {
        let shown =
            if hide_next && !word.starts_with('-') { MASK.to_string() } else { word_masked(word) };
        hide_next = word.starts_with('-') && !word.contains('=') && is_secret(word);
        out.push(if shown.contains(MASK) { shown } else { quoted(&shown) });
    }
    let line: String = out.join(" ");
    let cut: String = line.chars().take(LONGEST).collect();
    let more = if cut.len() < line.len() { "..." } else { "" };
    Some(Text::new(format!("{cut}{more}").as_bytes()))
}

/// `--password=x`, `PASSWORD=x`, `-pass:x`, `scheme://user:x@host` without the secret.
fn word_masked(word: &str) -> String {
    if let Some((name, _)) = word.split_once(['=', ':']).filter(|(name, _)| is_secret(name)) {
        let sign = word.as_bytes().get(name.len()).copied().map_or('=', char::from);
        return format!("{name}{sign}{MASK}");
    }
    // The value may itself be a setting: -Dspring.datasource.password=x, or a list of them.
    if word.contains(['&', ';', ',', '?']) {
        let mut out = String::new();
        for part in word.split_inclusive(['&', ';', ',', '?']) {
            let end = part.chars().last().filter(|c| "&;,?".contains(*c));
            let body = end.map_or(part, |c| part.strip_suffix(c).unwrap_or(part));
            out.push_str(&single(body));
            out.extend(end);
        }
        return out;
    }
    single(word)
}

fn single(word: &str) -> String {
    if let Some((name, _)) = word.split_once('=').filter(|(name, _)| is_secret(name)) {
        return format!("{name}={MASK}");
    }
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_string() };
    let (authority, tail) = rest.split_once('/').map_or((rest, None), |(a, t)| (a, Some(t)));
    let Some((userinfo, host)) = authority.rsplit_once('@') else { return word.to_string() };
    let user = userinfo.split(':').next().unwrap_or_default();
    let tail = tail.map(|t| format!("/{t}")).unwrap_or_default();
    format!("{scheme}://{user}:{MASK}@{host}{tail}")
}

/// Whether the value behind this name is one that nobody is to see.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace('_', "-");
    let last =
        name.trim_start_matches('-').rsplit(['-', '.']).next().unwrap_or_default().to_string();
    SECRET.iter().any(|word| name.contains(word)) || last == "key" || last == "pass"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(words: &str) -> String {
        masked(words.replace(' ', "\0").as_bytes()).map(|t| t.to_string()).unwrap_or_default()
    }

    #[test]
    fn no_secret_is_shown() {
        assert_eq!(line("app --password=x y"), "app --password=*** y");
        assert_eq!(line("app --db-password x -v"), "app --db-password *** -v");
        assert_eq!(line("env DB_PASSWORD=x API_KEY=y app"), "env DB_PASSWORD=*** API_KEY=*** app");
        assert_eq!(
            line("java -Dspring.datasource.password=x -jar a"),
            "java -Dspring.datasource.password=*** -jar a"
        );
        assert_eq!(line("psql postgres://u:x@db:5432/shop"), "psql postgres://u:***@db:5432/shop");
        assert_eq!(line("app -pass:x"), "app -pass:***");
        assert_eq!(line("curl http://h/?a=1&token=x&b=2"), "curl http://h/?a=1&token=***&b=2");
        assert_eq!(line("app --auth-token abc"), "app --auth-token ***");
    }

    #[test]
    fn what_is_no_secret_stays() {
        assert_eq!(line("nginx -g daemon=off --keyfile /a"), "nginx -g daemon=off --keyfile /a");
        assert_eq!(line("app --token-file --verbose"), "app --token-file --verbose");
        assert_eq!(masked(b"app\0a b\0").unwrap().as_str(), "app 'a b'");
        assert_eq!((masked(b""), masked(b"\0\0")), (None, None));
        assert_eq!(masked(b"a\x1b[31m\0").unwrap().as_str(), "'a\\x1b[31m'");
        assert_eq!(masked(&[b'a'; 600]).unwrap().as_str().len(), 515);
    }

    proptest! {
        #[test]
        fn masking_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[-a-z=:/@?&\\x00]{0,60}") {
            let _ = (masked(&bytes), masked(text.as_bytes()));
        }

        #[test]
        fn nothing_behind_a_password_is_shown(secret in "[a-z0-9]{6,12}") {
            for form in ["--password=%", "--password %", "PASSWORD=%", "http://u:%@h/", "-Da.password=%"] {
                let shown = line(&format!("prog {}", form.replace('%', &secret)));
                prop_assert!(!shown.contains(&secret), "{}", shown);
            }
        }
    }
}
