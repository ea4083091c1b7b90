//! Text to tokens, tolerantly: blanks are needed nowhere, and quotes keep anything together.

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word, number, address, or quoted text.
    Word(String),
    /// A quoted text: never a keyword.
    Quoted(String),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `= == != < <= > >= ~ !~`
    Sign(&'static str),
    /// `!`
    Not,
    /// `&` or `&&`
    And,
    /// `|` or `||`
    Or,
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

/// In the order in which they are tried: the longer first.
const SIGNS: [(&str, &str); 9] = [
    ("==", "="),
    ("!=", "!="),
    ("<=", "<="),
    (">=", ">="),
    ("!~", "!~"),
    ("=", "="),
    ("<", "<"),
    (">", ">"),
    ("~", "~"),
];

/// Splits a text.
///
/// # Errors
/// The place of a quote that never ends.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, usize> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, length) =
            if let Some((typed, sign)) = SIGNS.iter().find(|(s, _)| rest.starts_with(s)) {
                (Kind::Sign(sign), typed.len())
            } else {
                match c {
                    '(' => (Kind::Open, 1),
                    ')' => (Kind::Close, 1),
                    ',' => (Kind::Comma, 1),
                    '!' => (Kind::Not, 1),
                    '&' => (Kind::And, 1 + usize::from(rest.starts_with("&&"))),
                    '|' => (Kind::Or, 1 + usize::from(rest.starts_with("||"))),
                    '\'' | '"' => {
                        let (inside, length) = quoted(rest, c).ok_or(at)?;
                        (Kind::Quoted(inside), length)
                    }
                    _ => word(rest),
                }
            };
        tokens.push(Token { kind, start: at, end: at + length });
        at += length;
    }
    Ok(tokens)
}

/// What stands between quotes, a backslash keeping the next character; and its length with them.
fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut inside = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        match c {
            c if c == quote => return Some((inside, i + 1)),
            // In single quotes a backslash is kept unless it guards a quote, so that names can be copied as they are shown.
            '\\' => match chars.next()?.1 {
                next if quote == '"' || next == quote => inside.push(next),
                next => inside.extend(['\\', next]),
            },
            c => inside.push(c),
        }
    }
    None
}

/// Everything up to a blank or a sign.
fn word(rest: &str) -> (Kind, usize) {
    let ends = |c: char| c.is_whitespace() || "()=!<>~&|,'\"".contains(c);
    let length = rest.find(ends).unwrap_or(rest.len());
    let text = rest.get(..length).unwrap_or_default();
    // ss takes a backslash before any character as that character.
    (Kind::Word(text.replace('\\', "")), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let tokens = tokens(text).unwrap();
        tokens.iter().map(|t| text[t.start..t.end].to_string()).collect()
    }

    #[test]
    fn blanks_are_needed_nowhere() {
        assert_eq!(words("sport=:80"), ["sport", "=", ":80"]);
        assert_eq!(
            words("(sport = :80)||!dst 10.0.0.0/8"),
            ["(", "sport", "=", ":80", ")", "||", "!", "dst", "10.0.0.0/8"]
        );
        assert_eq!(
            words("dport in(80,8000-8100)"),
            ["dport", "in", "(", "80", ",", "8000-8100", ")"]
        );
        assert_eq!(words("process~'a b'"), ["process", "~", "'a b'"]);
        assert_eq!(tokens("x 'y").unwrap_err(), 2);
        assert_eq!(tokens(r"'a\x1b'").unwrap()[0].kind, Kind::Quoted(r"a\x1b".into()));
        assert_eq!(tokens(r"'it\'s'").unwrap()[0].kind, Kind::Quoted("it's".into()));
    }
}
