//! Which rules run, and with what thresholds.

use std::collections::BTreeSet;

use super::family::Family;
use super::finding::Severity;
use super::limit::Limits;
use super::{Evidence, RULES, Rule, find};
use crate::model::earlier::Depth;
use crate::model::text::Text;
use crate::model::wants::Wants;
use crate::nearest::nearest;

/// Which rules run, and with what thresholds. The default runs all.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Ids of the rules that run; `None` for all of them.
    only: Option<BTreeSet<&'static str>>,
    /// Ids that were asked for by name: what these could not see matters.
    named: BTreeSet<&'static str>,
    /// Ids that were left out: a family does not bring them back.
    ignored: BTreeSet<&'static str>,
    /// Thresholds.
    pub limits: Limits,
}

/// One word of `--select` or `--ignore`: what it stands for, and whether it is a rule's own id.
fn members(word: &str) -> Result<(Vec<&'static str>, bool), (String, String)> {
    if let Some(family) = Family::parse(word) {
        return Ok((RULES.iter().filter(|r| r.family == family).map(|r| r.id).collect(), false));
    }
    if word.trim() == "all" {
        return Ok((RULES.iter().map(|r| r.id).collect(), false));
    }
    match find(word) {
        Ok(rule) => Ok((vec![rule.id], true)),
        Err((message, hint)) => {
            let words = Family::ALL.into_iter().map(Family::word);
            let near = nearest(word.trim(), words.chain(RULES.iter().map(|r| r.id)));
            let message = message.replace("no rule is called", "no rule or family is called");
            let families: Vec<&str> = Family::ALL.into_iter().map(Family::word).collect();
            let listed = format!("{hint}; families: {}", families.join(", "));
            Err((message, near.map_or(listed, |near| format!("did you mean {near}?"))))
        }
    }
}

impl Selection {
    /// All rules, with the thresholds as they are.
    pub fn all() -> Selection {
        Selection::default()
    }

    /// What monitoring asks for where nothing else is said: every rule that can tell of harm.
    pub fn of_harm() -> Selection {
        let harm = RULES.iter().filter(|r| r.worst > Severity::Info).map(|r| r.id).collect();
        Selection { only: Some(harm), ..Selection::default() }
    }

    /// No rule, with the thresholds as they are.
    pub fn none() -> Selection {
        Selection { only: Some(BTreeSet::new()), ..Selection::default() }
    }

    /// The same thresholds, and no rule.
    #[must_use]
    pub fn emptied(&self) -> Selection {
        let (ignored, limits) = (self.ignored.clone(), self.limits.clone());
        Selection { ignored, limits, ..Selection::none() }
    }

    /// Runs what this word names besides: an id; a family or `all`, but for what was left out.
    ///
    /// # Errors
    /// A message and a hint: the word names nothing.
    pub fn add(&mut self, word: &str) -> Result<(), (String, String)> {
        let (ids, is_id) = members(word)?;
        if let Some(only) = &mut self.only {
            only.extend(ids.into_iter().filter(|id| is_id || !self.ignored.contains(id)));
        }
        Ok(())
    }

    /// One rule, by its id.
    pub fn one(id: &'static str) -> Selection {
        let ids = BTreeSet::from([id]);
        Selection { only: Some(ids.clone()), named: ids, ..Selection::default() }
    }

    /// Runs what these words name: ids, families, `all`.
    ///
    /// # Errors
    /// A message and a hint: a word names nothing.
    pub fn select<'a>(
        &mut self,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), (String, String)> {
        let mut only = BTreeSet::new();
        let mut named = BTreeSet::new();
        for word in words {
            let (ids, is_id) = members(word)?;
            only.extend(ids.iter().copied());
            if is_id {
                named.extend(ids);
            }
        }
        (self.only, self.named) = (Some(only), named);
        Ok(())
    }

    /// Leaves out what these words name.
    ///
    /// # Errors
    /// A message and a hint: a word names nothing, or a rule both asked for and left out by its id.
    pub fn ignore<'a>(
        &mut self,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), (String, String)> {
        let mut only = self.only.take().unwrap_or_else(|| RULES.iter().map(|r| r.id).collect());
        for word in words {
            let (ids, is_id) = members(word)?;
            for id in ids {
                if self.named.contains(id) && is_id {
                    let word = Text::new(word.as_bytes());
                    return Err((
                        format!("rule {word} is both selected and ignored"),
                        "leave out one of the two".into(),
                    ));
                }
                // A family never takes away what was asked for by its own name.
                if !self.named.contains(id) {
                    only.remove(id);
                    self.ignored.insert(id);
                }
            }
        }
        self.only = Some(only);
        Ok(())
    }

    /// Whether a rule was asked for by its id.
    pub fn is_named(&self, rule: &Rule) -> bool {
        self.named.contains(rule.id)
    }

    /// Whether a rule runs.
    pub fn runs(&self, rule: &Rule) -> bool {
        self.only.as_ref().is_none_or(|ids| ids.contains(rule.id))
    }

    /// The rules that run.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> + '_ {
        RULES.iter().copied().filter(|rule| self.runs(rule))
    }

    /// What the rules that run must know of an earlier look.
    pub fn earlier(&self) -> Depth {
        self.rules().map(|r| r.earlier).max().unwrap_or(Depth::Nothing)
    }

    /// What the rules need read, having seen the table.
    pub fn wants(&self, evidence: &Evidence<'_>) -> Wants {
        let mut wants = Wants::default();
        self.rules().for_each(|rule| wants.add((rule.wants)(evidence, &self.limits)));
        wants
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(selection: &Selection) -> Vec<&'static str> {
        selection.rules().map(|r| r.id).collect()
    }

    #[test]
    fn words_name_rules_families_or_all() {
        let mut s = Selection::all();
        s.select(["close_wait_leak", "settings"]).unwrap();
        assert!(ids(&s).contains(&"close-wait-leak") && ids(&s).len() > 1);
        assert!(s.is_named(find("close-wait-leak").unwrap()));
        assert_eq!(s.rules().filter(|r| s.is_named(r)).count(), 1, "a family names no rule");
        s.select(["all"]).unwrap();
        assert_eq!(ids(&s).len(), RULES.len());
        let hint = |word: &str| Selection::all().select([word]).unwrap_err().1;
        assert_eq!(hint("listener"), "did you mean listeners?");
        assert_eq!(hint("close-wait-lek"), "did you mean close-wait-leak?");
    }

    #[test]
    fn a_family_does_not_bring_back_what_was_left_out() {
        let mut s = Selection::all();
        s.ignore(["hazardous-sysctl"]).unwrap();
        let mut more = s.emptied();
        more.add("settings").unwrap();
        assert!(!ids(&more).contains(&"hazardous-sysctl"));
        more.add("hazardous-sysctl").unwrap();
        assert!(ids(&more).contains(&"hazardous-sysctl"), "it was asked for by its id");
    }

    #[test]
    fn what_is_ignored_does_not_run_unless_it_was_named() {
        let mut s = Selection::all();
        s.ignore(["ports", "close-wait-leak"]).unwrap();
        assert!(!ids(&s).contains(&"connection-churn") && !ids(&s).contains(&"close-wait-leak"));
        let mut s = Selection::all();
        s.select(["connection-churn", "listeners"]).unwrap();
        s.ignore(["ports"]).unwrap();
        assert!(ids(&s).contains(&"connection-churn"));
        assert!(s.ignore(["connection-churn"]).is_err());
    }

    #[test]
    fn what_can_only_inform_is_not_asked_for_by_monitoring() {
        let harm = Selection::of_harm();
        assert!(!ids(&harm).contains(&"connection-churn"));
        assert!(ids(&harm).contains(&"close-wait-leak"));
    }
}
