//! The document of `fields`.

use serde::Serialize;

use super::{FORMAT_VERSION, Tool};
use crate::fields::{Field, Group, Source, all};

/// The vocabulary.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fields {
    /// Version of the format; consumers ignore what they do not know, and reject another major number.
    pub format_version: &'static str,
    /// The program that wrote it.
    pub tool: Tool,
    /// The subcommand.
    pub command: &'static str,
    /// Every field, in the order of outputs.
    #[expect(clippy::struct_field_names, reason = "the word of the document")]
    pub fields: Vec<FieldDocument>,
}

/// One field.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FieldDocument {
    /// Name in `--columns` and filters.
    pub name: &'static str,
    /// Key in JSON and CSV: the name with its unit.
    pub key: String,
    /// Kind of values.
    pub kind: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Option of `list` that shows it; null for a field that is shown by name or always.
    pub option: Option<&'static str>,
    /// What must be read for it beside the socket table; null for nothing.
    pub reads: Option<&'static str>,
}

impl Fields {
    /// The document.
    #[expect(clippy::new_without_default, reason = "a document is made, not defaulted")]
    pub fn new() -> Fields {
        Fields {
            format_version: FORMAT_VERSION,
            tool: Tool { name: "tcpvet", version: env!("CARGO_PKG_VERSION") },
            command: "fields",
            fields: all().map(FieldDocument::from).collect(),
        }
    }
}

impl From<&Field> for FieldDocument {
    fn from(field: &Field) -> Self {
        FieldDocument {
            name: field.name,
            key: if field.name == "process" { "owners".into() } else { field.key() },
            kind: field.kind.word(),
            doc: field.doc,
            option: match field.group {
                Group::Named | Group::Core => None,
                Group::Timer => Some("-o"),
                Group::Extended => Some("-e"),
                Group::Memory => Some("-m"),
                Group::Info => Some("-i"),
                Group::Mptcp => Some("-M -i"),
                Group::Tos => Some("--tos"),
                Group::Sockopt => Some("--inet-sockopt"),
            },
            reads: match field.source {
                Source::Header | Source::Attribute(_) => None,
                Source::Owners => Some("descriptors of processes"),
                Source::Processes => Some("descriptors and control groups of processes"),
                Source::Users => Some("/etc/passwd"),
                Source::Cgroups => Some("/sys/fs/cgroup"),
                Source::Interfaces => Some("interfaces"),
            },
        }
    }
}
