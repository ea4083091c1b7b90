//! What this program can read here and now, each thing tried: for `tcpvet env`.

use serde::Serialize;

use super::text::Text;

/// How far something works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Works {
    /// All of it.
    Yes,
    /// Some of it.
    Partly,
    /// This kernel or machine does not have it.
    Absent,
    /// Permission was refused.
    Denied,
    /// It went wrong.
    Failed,
}

impl Works {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Works::Yes => "yes",
            Works::Partly => "partly",
            Works::Absent => "absent",
            Works::Denied => "denied",
            Works::Failed => "failed",
        }
    }

    /// For so many out of so many.
    pub fn share(can: usize, of: usize) -> Works {
        match can {
            n if n == of => Works::Yes,
            0 => Works::Denied,
            _ => Works::Partly,
        }
    }
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ability {
    /// Its stable name.
    pub name: &'static str,
    /// How far it works.
    pub works: Works,
    /// What was seen when it was tried.
    pub seen: String,
    /// What is missing without it, a clause.
    pub costs: &'static str,
    /// Capabilities that grant it, as setcap names them; empty where none would.
    pub capabilities: &'static [&'static str],
}

/// Who we are and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Effective user id; `None` if unknown.
    pub euid: Option<u32>,
    /// Name of that user.
    pub user: Option<Text>,
    /// Capabilities that matter here, of those that we have or can raise.
    pub capabilities: Vec<&'static str>,
    /// Those of them that our programs may have at all: the bounding set.
    pub bounding: Vec<&'static str>,
    /// Whether we are in the initial user namespace; `None` if unknown.
    pub initial_user_namespace: Option<bool>,
    /// Whether we are in the initial pid namespace; `None` if unknown.
    pub initial_pid_namespace: Option<bool>,
    /// What container we are in, as far as it can be told.
    pub container: Option<String>,
    /// The option `hidepid` of /proc; `None` if it has none.
    pub hidepid: Option<Text>,
    /// kernel.yama.ptrace_scope; `None` without Yama.
    pub ptrace_scope: Option<Text>,
    /// The mode of the lockdown LSM; `None` without.
    pub lockdown: Option<Text>,
}
