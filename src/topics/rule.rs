//! Rules as topics: their rustdoc is their text.

use super::{Kind, Section, Topic};
use crate::rules::{HEADINGS, RULES, Rule};

pub(super) fn all() -> Vec<Topic> {
    RULES.iter().map(|rule| topic(rule)).collect()
}

fn topic(rule: &'static Rule) -> Topic {
    Topic {
        since: rule.since,
        sections: sections(rule.docs),
        limits: rule.limits,
        ..Topic::short(rule.id, Kind::Rule, rule.summary)
    }
}

/// Sections of a doc comment: the lines of a paragraph are joined, so that it wraps at any width.
fn sections(docs: &str) -> Vec<Section> {
    let mut out: Vec<Section> = Vec::new();
    let mut open = false;
    for line in docs.lines().map(str::trim) {
        if let Some(heading) = line.strip_prefix("# ") {
            let heading = HEADINGS.into_iter().find(|h| *h == heading).unwrap_or_default();
            out.push(Section { heading, paragraphs: Vec::new() });
            open = false;
        } else if line.is_empty() {
            open = false;
        } else if let Some(section) = out.last_mut() {
            match section.paragraphs.last_mut().filter(|_| open) {
                Some(paragraph) => {
                    paragraph.push(' ');
                    paragraph.push_str(line);
                }
                None => section.paragraphs.push(line.to_string()),
            }
            open = true;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_paragraph_are_joined() {
        let text = sections(" # What it does\n a\n b\n\n c\n\n # References\n d\n");
        let got: Vec<_> = text.iter().map(|s| (s.heading, s.paragraphs.join("|"))).collect();
        assert_eq!(got, [("What it does", "a b|c".into()), ("References", "d".into())]);
        assert!(all().iter().all(|t| t.sections.len() == HEADINGS.len()));
    }
}
