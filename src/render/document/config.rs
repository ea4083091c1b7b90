//! The document of `config`.

use serde::Serialize;

use super::number::Number;
use super::{FORMAT_VERSION, Tool};
use crate::model::text::Text;
use crate::rules::RULES;
use crate::rules::config::Config;
use crate::rules::limit::{Origin, Who};
use crate::rules::selection::Selection;

/// The settings that a run would use.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConfigDocument {
    /// Version of the format.
    pub format_version: &'static str,
    /// Who wrote this.
    pub tool: Tool,
    /// `config`.
    pub command: &'static str,
    /// Places where configuration is looked for, the later stronger.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub places: Vec<Text>,
    /// Files that were read.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub files: Vec<Text>,
    /// Every rule.
    pub rules: Vec<RuleSetting>,
    /// Every threshold.
    pub thresholds: Vec<ThresholdSetting>,
    /// Thresholds for one process or port.
    pub exceptions: Vec<ExceptionSetting>,
}

/// Whether a rule runs.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RuleSetting {
    /// The rule.
    pub id: &'static str,
    /// Its family.
    pub family: &'static str,
    /// Whether it runs.
    pub runs: bool,
}

/// One threshold.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ThresholdSetting {
    /// `RULE.KEY`, as `--set` takes it.
    pub name: String,
    /// The value.
    pub value: Number,
    /// The default.
    pub default: Number,
    /// What it counts.
    pub unit: &'static str,
    /// `default`, `FILE:LINE` or `--set`.
    pub from: String,
}

/// One threshold for one process or port.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ExceptionSetting {
    /// For processes of this name; null for all.
    pub process: Option<String>,
    /// For this port; null for all.
    pub port: Option<u16>,
    /// `RULE.KEY`.
    pub name: String,
    /// The value.
    pub value: Number,
    /// `FILE:LINE`.
    pub from: String,
}

fn from(origin: Option<&Origin>) -> String {
    match origin {
        None => "default".into(),
        Some(Origin::CommandLine) => "--set".into(),
        Some(Origin::File { path, line }) => format!("{path}:{line}"),
    }
}

impl ConfigDocument {
    /// The document of a selection, and of the files it came from.
    pub fn new(selection: &Selection, config: &Config, places: &[String]) -> ConfigDocument {
        let limits = &selection.limits;
        let rules = RULES.iter().map(|r| RuleSetting {
            id: r.id,
            family: r.family.word(),
            runs: selection.runs(r),
        });
        let threshold = |rule: &'static crate::rules::Rule| {
            rule.limits.iter().map(move |l| ThresholdSetting {
                name: format!("{}.{}", rule.id, l.key),
                value: Number(limits.get(rule, l.key)),
                default: Number(l.default),
                unit: l.unit,
                from: from(limits.origin(rule, l.key)),
            })
        };
        let exception =
            |who: &Who, (id, key): &(&str, &str), value: f64, origin: &Origin| ExceptionSetting {
                process: who.process.as_deref().map(|p| Text::new(p.as_bytes()).to_string()),
                port: who.port,
                name: format!("{id}.{key}"),
                value: Number(value),
                from: from(Some(origin)),
            };
        let exceptions = limits.exceptions().iter().flat_map(|e| {
            e.set.iter().map(|(key, (value, origin))| exception(&e.who, key, *value, origin))
        });
        ConfigDocument {
            format_version: FORMAT_VERSION,
            tool: Tool { name: "tcpvet", version: env!("CARGO_PKG_VERSION") },
            command: "config",
            places: places.iter().map(|p| Text::new(p.as_bytes())).collect(),
            files: config.files.clone(),
            rules: rules.collect(),
            thresholds: RULES.iter().flat_map(|r| threshold(r)).collect(),
            exceptions: exceptions.collect(),
        }
    }
}
