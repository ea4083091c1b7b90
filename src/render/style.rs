//! Colour and width, decided once by `cli::resolve` and obeyed by every human format.

use crate::rules::engine::Status;
use crate::rules::finding::Severity;

/// How human output looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Whether SGR colours are written.
    pub color: bool,
    /// Columns of the terminal; `None` in a pipe, where nothing is wrapped, dropped or cut.
    pub width: Option<usize>,
}

impl Style {
    fn sgr(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// Heads and labels.
    pub fn strong(self, text: &str) -> String {
        self.sgr("1", text)
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.sgr("2", text)
    }

    /// A severity in its colour; the word says it without.
    pub fn severity(self, severity: Severity) -> String {
        let word = severity.word().to_uppercase();
        match severity {
            Severity::Critical => self.sgr("1;31", &word),
            Severity::Warning => self.sgr("1;33", &word),
            Severity::Info => self.sgr("1;36", &word),
        }
    }

    /// A verdict in its colour.
    pub fn status(self, status: Status) -> String {
        let word = status.word().to_uppercase();
        match status {
            Status::Critical => self.sgr("1;31", &word),
            Status::Warning => self.sgr("1;33", &word),
            Status::Unknown => self.sgr("1;35", &word),
            Status::Ok => self.sgr("1;32", &word),
        }
    }
}

/// Writes `text` behind `head`, wrapped at blanks so that no line passes the width; later lines are indented to `indent`. A word
/// longer than a line stays whole: addresses and commands are copied by double click.
pub fn wrapped(style: Style, head: &str, indent: usize, text: &str) -> String {
    let mut out = String::new();
    let head_width = visible(head);
    out.push_str(head);
    out.push_str(&" ".repeat(indent.saturating_sub(head_width)));
    let Some(width) = style.width else {
        out.push_str(text);
        out.push('\n');
        return out;
    };
    let mut column = indent.max(head_width);
    let mut first = true;
    for word in text.split(' ') {
        let length = word.chars().count();
        if !first && column + 1 + length > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if !first {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
        first = false;
    }
    out.push('\n');
    out
}

/// Characters of `text` that take a column, SGR sequences apart.
fn visible(text: &str) -> usize {
    let mut n = 0;
    let mut in_escape = false;
    for c in text.chars() {
        match (in_escape, c) {
            (false, '\x1b') => in_escape = true,
            (true, 'm') => in_escape = false,
            (true, _) => {}
            (false, _) => n += 1,
        }
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_the_width_and_long_words_stay_whole() {
        let style = Style { color: false, width: Some(20) };
        let text = wrapped(style, "  why", 8, "one two three four [2001:db8::1234]:8080 x");
        assert_eq!(
            text,
            "  why   one two\n        three four\n        [2001:db8::1234]:8080\n        x\n"
        );
        assert_eq!(wrapped(Style::default(), "a", 2, "b c d"), "a b c d\n");
    }

    #[test]
    fn colour_changes_no_column_and_is_absent_without_wish() {
        let plain = Style::default();
        assert_eq!(plain.severity(Severity::Critical), "CRITICAL");
        let colored = Style { color: true, width: None };
        assert_eq!(visible(&colored.severity(Severity::Critical)), 8);
    }
}
