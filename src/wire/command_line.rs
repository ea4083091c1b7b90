//! /proc/PID/cmdline, in which people put passwords: shown only when asked for, and then without those that are known by their form.

mod secret;

use crate::model::place::quoted;
use crate::model::text::Text;
use secret::{MASK, is_secret, masked_word, shapes};

/// The longest command line that is shown, in characters.
const LONGEST: usize = 512;

/// The command line as one would type it, with secrets masked where their form tells them; `None` if there is none.
pub fn masked(bytes: &[u8]) -> Option<Text> {
    let whole = String::from_utf8_lossy(bytes);
    let words: Vec<&str> = whole.trim_end_matches('\0').split('\0').collect();
    if words.iter().all(|w| w.is_empty()) {
        return None;
    }
    let program = words.first().and_then(|w| w.rsplit('/').next()).unwrap_or_default();
    let shapes = shapes();
    let mut out: Vec<String> = Vec::new();
    let mut before = "";
    for word in &words {
        let shown = match said_before(program, before) {
            Some(Next::Secret) if !word.starts_with("--") => MASK.to_string(),
            Some(Next::UserAndSecret) if word.contains(':') => user_and_secret(word),
            _ if is_attached(program, word) => format!("-p{MASK}"),
            _ => masked_word(word, shapes.as_ref()),
        };
        out.push(if shown.contains(MASK) { shown } else { quoted(&shown) });
        before = word;
    }
    let line: String = out.join(" ");
    let cut: String = line.chars().take(LONGEST).collect();
    let more = if cut.len() < line.len() { "..." } else { "" };
    Some(Text::plain(format!("{cut}{more}").as_bytes()))
}

/// What an option says of the word behind it.
enum Next {
    Secret,
    /// `bob:secret`, as curl takes it.
    UserAndSecret,
}

fn said_before(program: &str, option: &str) -> Option<Next> {
    let short = matches!((program, option), ("sshpass", "-p") | ("redis-cli", "-a"));
    let long = option.starts_with('-') && !option.contains(['=', ' ']) && is_secret(option);
    if short || long {
        return Some(Next::Secret);
    }
    matches!(option, "-u" | "--user" | "-U" | "--proxy-user").then_some(Next::UserAndSecret)
}

/// Programs that take a password behind `-p` in one word.
fn is_attached(program: &str, word: &str) -> bool {
    let takes = ["mysql", "mariadb", "sshpass"].iter().any(|p| program.starts_with(p));
    takes && word.strip_prefix("-p").is_some_and(|secret| !secret.is_empty())
}

fn user_and_secret(word: &str) -> String {
    let user = word.split(':').next().unwrap_or_default();
    format!("{user}:{MASK}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(words: &str) -> String {
        masked(words.replace(' ', "\0").as_bytes()).map(|t| t.to_string()).unwrap_or_default()
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        assert_eq!(line("app --password=x y"), "app --password=*** y");
        assert_eq!(line("app --db-password x -v"), "app --db-password *** -v");
        assert_eq!(line("app --password -x"), "app --password ***");
        assert_eq!(line("env DB_PASSWORD=x API_KEY=y app"), "env DB_PASSWORD=*** API_KEY=*** app");
        assert_eq!(line("java -Da.b.password=x -Dpass=y"), "java -Da.b.password=*** -Dpass=***");
        assert_eq!(line("env JAVA_OPTS=-Dx.password=y"), "env JAVA_OPTS=-Dx.password=***");
        assert_eq!(line("app -pass:x --pw=y --jwt z"), "app -pass:*** --pw=*** --jwt ***");
        assert_eq!(line("curl http://h/?a=1&token=x&b=2"), "curl http://h/?a=1&token=***&b=2");
        assert_eq!(line("curl http://h/?sig=x"), "curl http://h/?sig=***");
        assert_eq!(line("redis-server --requirepass x"), "redis-server --requirepass ***");
        assert_eq!(line("app --cookie session=x"), "app --cookie ***");
    }

    #[test]
    fn secrets_are_known_by_their_place() {
        assert_eq!(line("psql postgres://u:x@db:5432/shop"), "psql postgres://u:***@db:5432/shop");
        assert_eq!(line("psql postgres://u:a/b@db/"), "psql postgres://u:***@db/");
        assert_eq!(line("app mongodb://u:a,b@h/"), "app mongodb://u:***@h/");
        assert_eq!(line("git https://TOKEN@github.com/x"), "git https://***@github.com/x");
        assert_eq!(line("app u:x@tcp(h)/db"), "app u:***@tcp(h)/db");
        assert_eq!(line("mysql -uroot -px"), "mysql -uroot -p***");
        assert_eq!(line("sshpass -p x ssh h"), "sshpass -p *** ssh h");
        assert_eq!(line("curl -u bob:x h"), "curl -u bob:*** h");
        assert_eq!(line("curl --user=bob:x h"), "curl --user=bob:*** h");
    }

    #[test]
    fn secrets_are_known_inside_of_a_word_and_by_their_shape() {
        let shell =
            |text: &str| masked(format!("sh\0-c\0{text}\0").as_bytes()).unwrap().to_string();
        assert_eq!(shell("PORT=1 app --password=x y"), "sh -c PORT=1 app --password=*** y");
        assert_eq!(shell("mysql --password x -v"), "sh -c mysql --password *** -v");
        assert_eq!(
            shell("export T='a b'; PGPASSWORD='c d' x"),
            "sh -c export T='a b'; PGPASSWORD='***' x"
        );
        assert_eq!(shell("{\"TOKEN\": \"x\", \"a\": 1}"), "sh -c {\"TOKEN\": \"***\", \"a\": 1}");
        assert_eq!(
            shell("curl -H 'Authorization: Bearer x y'"),
            "sh -c curl -H 'Authorization: ***"
        );
        for secret in
            ["ghp_0123456789abcdef0123", "AKIA0123456789ABCDEF", "eyJhbGciOiJ9.eyJzdWIiOiIx.x_y"]
        {
            assert_eq!(line(&format!("app {secret}")), "app ***");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        assert_eq!(line("nginx -g daemon=off --keyfile /a"), "nginx -g daemon=off --keyfile /a");
        assert_eq!(line("app --token-file --verbose"), "app --token-file --verbose");
        assert_eq!(line("app http://h/a@b git@h:x"), "app 'http://h/a@b' 'git@h:x'");
        assert_eq!(masked(b"app\0a b\0").unwrap().as_str(), "app 'a b'");
        assert_eq!((masked(b""), masked(b"\0\0")), (None, None));
        assert_eq!(masked(b"a\x1b[31m\0").unwrap().as_str(), "'a\\x1b[31m'");
        assert_eq!(masked(&[b'a'; 600]).unwrap().as_str().len(), 515);
    }

    proptest! {
        #[test]
        fn masking_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[-a-z=:/@?&'\" \\x00]{0,60}") {
            let _ = (masked(&bytes), masked(text.as_bytes()));
        }

        #[test]
        fn nothing_behind_a_password_is_shown(secret in "[a-z0-9/,]{6,12}") {
            for form in ["--password=%", "--password %", "PASSWORD=%", "http://u:%@h/", "-Da.password=%"] {
                let shown = line(&format!("prog {}", form.replace('%', &secret)));
                prop_assert!(!shown.contains(&secret), "{}", shown);
            }
        }
    }
}
