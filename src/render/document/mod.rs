//! The JSON documents. They are apart from the model, because they are a promise: additions raise the minor number of
//! `format_version`, anything else the major one. The doc comments become the descriptions of the schemas in docs/schema.

pub mod advise;
pub mod assertion;
pub mod capture;
pub mod case;
pub mod check;
pub mod config;
pub mod diagnose;
pub mod env;
pub mod explain;
pub mod fields;
pub mod figure;
pub mod listen;
pub mod namespaces;
pub mod number;
pub mod port;
pub mod ports;
pub mod profile;
pub mod run;
#[cfg(test)]
mod schema;
pub mod subject;
pub mod summary;

use serde::Serialize;

use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::text::Text;

/// Version of every document.
pub const FORMAT_VERSION: &str = "1.0";

/// What every document begins with.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Head {
    /// Version of the format; consumers ignore what they do not know, and reject another major number.
    pub format_version: &'static str,
    /// The program that wrote it.
    pub tool: Tool,
    /// The subcommand.
    pub command: &'static str,
    /// When the data was read, RFC 3339 in UTC.
    pub time: String,
    /// The same in milliseconds since 1970.
    #[serde(skip)]
    #[cfg_attr(test, schemars(skip))]
    pub time_ms: u64,
    /// Where.
    pub host: HostDocument,
    /// What was seen and what was not.
    pub coverage: CoverageDocument,
}

/// The program.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tool {
    /// `tcpvet`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// The machine.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HostDocument {
    /// Host name.
    #[cfg_attr(test, schemars(with = "String"))]
    pub hostname: Text,
    /// Kernel release.
    #[cfg_attr(test, schemars(with = "String"))]
    pub kernel: Text,
    /// Identity of this boot.
    #[cfg_attr(test, schemars(with = "String"))]
    pub boot_id: Text,
}

/// What was seen.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CoverageDocument {
    /// Whether everything that exists here was seen.
    pub complete: bool,
    /// Every source that was asked.
    pub sources: Vec<SourceDocument>,
}

/// One source.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SourceDocument {
    /// Its name.
    pub name: &'static str,
    /// How much of it was read.
    pub state: Seen,
    /// Why not all of it.
    pub reason: Option<String>,
    /// A command that would let more be seen.
    pub hint: Option<String>,
}

/// Milliseconds since 1970 as RFC 3339 in UTC.
pub fn rfc3339(ms: u64) -> String {
    // The library's range ends with the year 9999; a capture may hold any number.
    let ms = ms.min(253_402_300_799_000);
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms);
    humantime::format_rfc3339_millis(time).to_string()
}

impl Head {
    /// The head of a document made from a snapshot.
    pub fn new(command: &'static str, snapshot: &Snapshot) -> Head {
        let sources = snapshot.coverage.sources().iter();
        Head {
            format_version: FORMAT_VERSION,
            tool: Tool { name: "tcpvet", version: env!("CARGO_PKG_VERSION") },
            command,
            time: rfc3339(snapshot.time_ms),
            time_ms: snapshot.time_ms,
            host: HostDocument {
                hostname: snapshot.host.hostname.clone(),
                kernel: snapshot.host.kernel.clone(),
                boot_id: snapshot.host.boot_id.clone(),
            },
            coverage: CoverageDocument {
                complete: snapshot.coverage.is_complete(),
                sources: sources
                    .map(|s| SourceDocument {
                        name: s.name,
                        state: s.state,
                        reason: s.reason.clone(),
                        hint: s.hint.clone(),
                    })
                    .collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_and_never_panic() {
        assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59.000Z");
    }
}
