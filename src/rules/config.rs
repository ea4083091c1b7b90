//! Configuration files: which rules run and their thresholds, for all, for one process, for one port. TOML; what is not known is an
//! error that names the file, the line and the nearest known word.

use std::ops::Range;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::limit::{Origin, Who, known, within};
use super::selection::Selection;
use crate::model::text::Text;
use crate::nearest::nearest;

/// What some files say, in the order in which they were read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// The files.
    pub files: Vec<Text>,
    select: Option<Words>,
    ignore: Option<Words>,
    thresholds: Vec<Threshold>,
}

/// A list of rules and families, and where it stands.
#[derive(Debug, Clone, PartialEq)]
struct Words {
    words: Vec<String>,
    origin: Origin,
}

#[derive(Debug, Clone, PartialEq)]
struct Threshold {
    who: Option<Who>,
    rule: &'static str,
    key: &'static str,
    value: f64,
    origin: Origin,
}

/// A message and a hint.
type Wrong = (String, String);

/// One file while it is read.
struct File<'a> {
    path: &'a Text,
    text: &'a str,
}

impl File<'_> {
    fn line(&self, at: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..at.start).unwrap_or_default();
        before.split(|b| *b == b'\n').count()
    }

    fn origin(&self, at: &Range<usize>) -> Origin {
        Origin::File { path: self.path.clone(), line: self.line(at) }
    }

    fn wrong(&self, at: &Range<usize>, message: &str, hint: &str) -> Wrong {
        (format!("{}:{}: {message}", self.path, self.line(at)), hint.to_string())
    }

    fn unknown(&self, at: &Range<usize>, word: &str, of: &str, words: &[&'static str]) -> Wrong {
        let hint = match nearest(word, words.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("{of}: {}", words.join(", ")),
        };
        let word = Text::new(word.as_bytes());
        self.wrong(at, &format!("no key is called '{word}'"), &hint)
    }

    fn table<'t, 'i>(
        &self,
        value: &'t Spanned<DeValue<'i>>,
        what: &str,
    ) -> Result<&'t DeTable<'i>, Wrong> {
        let hint = format!("write it as a table: [{what}]");
        value.get_ref().as_table().ok_or_else(|| {
            let message = format!("{what} must be a table, not {}", value.get_ref().type_str());
            self.wrong(&value.span(), &message, &hint)
        })
    }

    fn words(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<Words, Wrong> {
        let wrong = |at: &Range<usize>, got: &str| {
            let message = format!("{key} must be a list of rules and families, not {got}");
            self.wrong(
                at,
                &message,
                &format!("write it as: {key} = [\"close-wait-leak\", \"ports\"]"),
            )
        };
        let list = value.get_ref().as_array();
        let list = list.ok_or_else(|| wrong(&value.span(), value.get_ref().type_str()))?;
        let mut words = Vec::new();
        for one in list {
            let word = one.get_ref().as_str();
            let word = word.ok_or_else(|| wrong(&one.span(), one.get_ref().type_str()))?;
            // A word that names nothing is told with its line.
            let checked = Selection::all().select([word]);
            checked.map_err(|(message, hint)| self.wrong(&one.span(), &message, &hint))?;
            words.push(word.to_string());
        }
        if words.is_empty() && key == "select" {
            let hint = "leave the line out to run all, or name rules and families";
            return Err(self.wrong(&value.span(), "select names nothing: no rule would run", hint));
        }
        Ok(Words { words, origin: self.origin(&value.span()) })
    }

    fn rules(
        &self,
        who: Option<&Who>,
        value: &Spanned<DeValue<'_>>,
        into: &mut Vec<Threshold>,
    ) -> Result<(), Wrong> {
        for (rule, keys) in self.table(value, "rules")? {
            let found = super::find(rule.get_ref());
            let found =
                found.map_err(|(message, hint)| self.wrong(&rule.span(), &message, &hint))?;
            if who.is_some() && !found.excepts {
                let message = format!("{} knows no exceptions: it judges the whole", found.id);
                let hint = format!("set it for all, under [rules.{}]", found.id);
                return Err(self.wrong(&rule.span(), &message, &hint));
            }
            for (key, value) in self.table(keys, &format!("rules.{}", found.id))? {
                let told = |(message, hint): Wrong| self.wrong(&key.span(), &message, &hint);
                let (rule, limit) = known(found.id, key.get_ref()).map_err(told)?;
                let typed = self.text.get(value.span()).unwrap_or_default();
                let number = number(value.get_ref()).ok_or_else(|| {
                    let got = value.get_ref().type_str();
                    let message = format!("{}.{} must be a number, not {got}", rule.id, limit.key);
                    let hint =
                        format!("give one from {} to {} ({})", limit.min, limit.max, limit.unit);
                    self.wrong(&value.span(), &message, &hint)
                })?;
                let value_within = within(rule, limit, number, typed).map_err(told)?;
                into.push(Threshold {
                    who: who.cloned(),
                    rule: rule.id,
                    key: limit.key,
                    value: value_within,
                    origin: self.origin(&value.span()),
                });
            }
        }
        Ok(())
    }

    fn exception(
        &self,
        value: &Spanned<DeValue<'_>>,
        into: &mut Vec<Threshold>,
    ) -> Result<(), Wrong> {
        let table = self.table(value, "[exception]")?;
        let mut who = Who::default();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "process" => {
                    let name = value.get_ref().as_str().ok_or_else(|| {
                        let got = value.get_ref().type_str();
                        let message = format!("process must be a name, not {got}");
                        self.wrong(&value.span(), &message, "write it as: process = \"java\"")
                    })?;
                    who.process = Some(name.to_string());
                }
                "port" => {
                    let port = number(value.get_ref())
                        .filter(|n| n.fract() == 0.0 && (1.0..=65535.0).contains(n));
                    who.port = Some(port.map(|n| n as u16).ok_or_else(|| {
                        let message = "port must be a number from 1 to 65535";
                        self.wrong(&value.span(), message, "write it as: port = 8080")
                    })?);
                }
                "rules" => {}
                other => {
                    let words = ["process", "port", "rules"];
                    return Err(self.unknown(&key.span(), other, "an exception has", &words));
                }
            }
        }
        if who == Who::default() {
            let hint = "add process = \"NAME\", port = NUMBER, or both";
            return Err(self.wrong(&value.span(), "this exception is for nobody", hint));
        }
        match table.iter().find(|(key, _)| key.get_ref() == "rules") {
            Some((_, rules)) => self.rules(Some(&who), rules, into),
            None => {
                let hint = "add what it sets, as in: rules.close-wait-leak.warning = 50";
                Err(self.wrong(&value.span(), "this exception sets nothing", hint))
            }
        }
    }
}

/// A whole number or one with a fraction; TOML's own words for infinity and not-a-number are none.
fn number(value: &DeValue<'_>) -> Option<f64> {
    let number = match value {
        DeValue::Integer(n) if n.radix() == 10 => n.as_str().parse::<f64>().ok()?,
        DeValue::Float(n) => n.as_str().parse::<f64>().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

impl Config {
    /// Adds what a file says; a later file wins over an earlier one.
    ///
    /// # Errors
    /// A message with file and line, and a hint.
    pub fn read(&mut self, path: &Text, text: &str) -> Result<(), Wrong> {
        let file = File { path, text };
        let parsed = DeTable::parse(text).map_err(|e| {
            let at = e.span().unwrap_or(0..0);
            let message = Text::new(e.message().lines().next().unwrap_or_default().as_bytes());
            file.wrong(&at, message.as_str(), "this is no TOML: see https://toml.io")
        })?;
        for (key, value) in parsed.get_ref() {
            match key.get_ref().as_ref() {
                "select" => self.select = Some(file.words("select", value)?),
                "ignore" => self.ignore = Some(file.words("ignore", value)?),
                "rules" => file.rules(None, value, &mut self.thresholds)?,
                "exception" => {
                    let list = value.get_ref().as_array().ok_or_else(|| {
                        let message = "exception must be a list of tables";
                        file.wrong(&value.span(), message, "write it as: [[exception]]")
                    })?;
                    list.iter().try_for_each(|one| file.exception(one, &mut self.thresholds))?;
                }
                other => {
                    let words = ["select", "ignore", "rules", "exception"];
                    return Err(file.unknown(&key.span(), other, "a configuration has", &words));
                }
            }
        }
        self.files.push(path.clone());
        Ok(())
    }

    /// Applies all of it.
    ///
    /// # Errors
    /// A rule is both selected and ignored.
    pub fn apply(&self, selection: &mut Selection) -> Result<(), Wrong> {
        if let Some(select) = &self.select {
            selection.select(select.words.iter().map(String::as_str))?;
        }
        if let Some(ignore) = &self.ignore {
            selection.ignore(ignore.words.iter().map(String::as_str))?;
        }
        for t in &self.thresholds {
            selection.limits.put(t.who.as_ref(), (t.rule, t.key), t.value, t.origin.clone());
        }
        Ok(())
    }

    /// The list of rules that run, and where it stands.
    pub fn selected(&self) -> Option<(&[String], &Origin)> {
        self.select.as_ref().map(|w| (w.words.as_slice(), &w.origin))
    }

    /// The list of rules left out, and where it stands.
    pub fn ignored(&self) -> Option<(&[String], &Origin)> {
        self.ignore.as_ref().map(|w| (w.words.as_slice(), &w.origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Wrong> {
        let mut config = Config::default();
        config.read(&Text::new(b"t.toml"), text).map(|()| config)
    }

    #[test]
    fn values_apply_to_all_or_to_whom_they_are_for_and_the_later_file_wins() {
        let mut config = read(
            "select = ['closing']\n[rules.close-wait-leak]\nwarning = 50\ncritical_ratio = 0.25\n\n[[exception]]\nprocess = 'java'\nport = 80\nrules.close-wait-leak.warning = 500\n",
        )
        .unwrap();
        config.read(&Text::new(b"own.toml"), "[rules.close-wait-leak]\nwarning = 60\n").unwrap();
        let mut selection = Selection::all();
        config.apply(&mut selection).unwrap();
        let rule = super::super::find("close-wait-leak").unwrap();
        let get = |key| selection.limits.get(rule, key).to_string();
        assert_eq!((get("warning"), get("critical_ratio")), ("60".into(), "0.25".into()));
        assert_eq!(
            selection.limits.origin(rule, "critical_ratio"),
            Some(&Origin::File { path: Text::new(b"t.toml"), line: 4 })
        );
        let java = selection.limits.about(&["java"], Some(80));
        assert_eq!(java.get(rule, "warning").to_string(), "500");
        assert!(!selection.runs(super::super::find("connection-churn").unwrap()));
    }

    #[test]
    fn what_is_not_known_is_told_with_its_line_and_the_nearest_word() {
        for (text, message, hint) in [
            ("\nselct = []\n", "t.toml:2: no key is called 'selct'", "did you mean select?"),
            (
                "select = 'ports'\n",
                "t.toml:1: select must be a list of rules and families, not string",
                "write it as: select = [\"close-wait-leak\", \"ports\"]",
            ),
            (
                "select = [\n 'prots']\n",
                "t.toml:2: no rule or family is called 'prots'",
                "did you mean ports?",
            ),
            (
                "[rules.close-wait-lek]\nwarning = 1\n",
                "t.toml:1: no rule is called 'close-wait-lek'",
                "did you mean close-wait-leak?",
            ),
            (
                "[rules.close-wait-leak]\n\nwarnin = 1\n",
                "t.toml:3: rule close-wait-leak has no threshold 'warnin'",
                "did you mean close-wait-leak.warning?",
            ),
            (
                "[rules.close-wait-leak]\nwarning = 'ten'\n",
                "t.toml:2: close-wait-leak.warning must be a number, not string",
                "give one from 1 to 1000000 (sockets)",
            ),
            (
                "[rules.close-wait-leak]\nwarning = 0\n",
                "t.toml:2: '0' is no value for close-wait-leak.warning",
                "give a number from 1 to 1000000 (sockets)",
            ),
            (
                "[rules.close-wait-leak]\nwarning = inf\n",
                "t.toml:2: close-wait-leak.warning must be a number, not float",
                "give one from 1 to 1000000 (sockets)",
            ),
            (
                "rules = 3\n",
                "t.toml:1: rules must be a table, not integer",
                "write it as a table: [rules]",
            ),
            (
                "[[exception]]\nrules.close-wait-leak.warning = 5\n",
                "t.toml:1: this exception is for nobody",
                "add process = \"NAME\", port = NUMBER, or both",
            ),
            (
                "[[exception]]\nport = 80\nrules.reset-storm.warning = 1\n",
                "t.toml:3: reset-storm knows no exceptions: it judges the whole",
                "set it for all, under [rules.reset-storm]",
            ),
            (
                "[[exception]]\nport = 80\n",
                "t.toml:1: this exception sets nothing",
                "add what it sets, as in: rules.close-wait-leak.warning = 50",
            ),
            (
                "select = []\n",
                "t.toml:1: select names nothing: no rule would run",
                "leave the line out to run all, or name rules and families",
            ),
            (
                "[[exception]]\nport = 0\n",
                "t.toml:2: port must be a number from 1 to 65535",
                "write it as: port = 8080",
            ),
            (
                "[[exception]]\nprocss = 'a'\n",
                "t.toml:2: no key is called 'procss'",
                "did you mean process?",
            ),
        ] {
            assert_eq!(read(text), Err((message.to_string(), hint.to_string())), "{text}");
        }
        let (message, _) = read("select = [\n").unwrap_err();
        assert!(message.starts_with("t.toml:"), "{message}");
    }
}
