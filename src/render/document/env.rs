//! The document of `env`.

use serde::Serialize;

use super::Head;
use crate::model::Snapshot;
use crate::model::ability::{Ability, Standing, Works};
use crate::model::text::Text;

/// What this program can read here, and what would let it read more.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EnvDocument {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// Who we are.
    pub user: UserDocument,
    /// What stands around us.
    pub place: PlaceDocument,
    /// Everything that was tried.
    pub abilities: Vec<AbilityDocument>,
    /// Commands that grant what is missing.
    pub grants: Vec<GrantDocument>,
}

/// Who we are.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UserDocument {
    /// Effective user id.
    pub uid: Option<u32>,
    /// Its name.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub name: Option<Text>,
    /// Capabilities that matter here, of those that we have or can raise.
    pub capabilities: Vec<&'static str>,
}

/// What stands around us.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlaceDocument {
    /// Network namespace.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// Whether the user namespace is the initial one; null if unknown.
    pub initial_user_namespace: Option<bool>,
    /// Whether the pid namespace is the initial one; null if unknown.
    pub initial_pid_namespace: Option<bool>,
    /// The container we are in, as far as it can be told.
    pub container: Option<String>,
    /// The option hidepid of /proc; null if it shows every process.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub hidepid: Option<Text>,
    /// kernel.yama.ptrace_scope; null without Yama.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub ptrace_scope: Option<Text>,
    /// Mode of the lockdown LSM; null if none is in force.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub lockdown: Option<Text>,
}

/// One thing that was tried.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AbilityDocument {
    /// Its name.
    pub name: &'static str,
    /// How far it works.
    pub works: Works,
    /// What was seen when it was tried.
    pub seen: String,
    /// What is missing without it; null where it works.
    pub costs: Option<&'static str>,
}

/// A command that grants something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GrantDocument {
    /// What it grants: names of abilities.
    pub abilities: Vec<&'static str>,
    /// The command, or the line of a unit file.
    pub command: String,
}

impl EnvDocument {
    /// The document of what was tried.
    pub fn new(snapshot: &Snapshot, standing: Standing, abilities: Vec<Ability>) -> EnvDocument {
        EnvDocument {
            head: Head::new("env", snapshot),
            grants: grants(&standing, &abilities),
            user: UserDocument {
                uid: standing.euid,
                name: standing.user,
                capabilities: standing.capabilities,
            },
            place: PlaceDocument {
                netns: snapshot.netns.clone(),
                initial_user_namespace: standing.initial_user_namespace,
                initial_pid_namespace: standing.initial_pid_namespace,
                container: standing.container,
                hidepid: standing.hidepid,
                ptrace_scope: standing.ptrace_scope,
                lockdown: standing.lockdown,
            },
            abilities: abilities
                .into_iter()
                .map(|a| AbilityDocument {
                    costs: (a.works != Works::Yes).then_some(a.costs),
                    name: a.name,
                    works: a.works,
                    seen: a.seen,
                })
                .collect(),
        }
    }
}

/// What would grant what is missing: capabilities to who may be given some, another place to who stands behind a border.
fn grants(standing: &Standing, abilities: &[Ability]) -> Vec<GrantDocument> {
    let missing = |a: &&Ability| {
        a.works > Works::Yes && a.works != Works::Absent && !a.capabilities.is_empty()
    };
    let missing: Vec<&Ability> = abilities.iter().filter(missing).collect();
    let names = |list: &[&Ability]| list.iter().map(|a| a.name).collect::<Vec<_>>();
    if missing.is_empty() {
        return Vec::new();
    }
    let grant = |abilities: &[&Ability], command: String| GrantDocument {
        abilities: names(abilities),
        command,
    };
    if standing.container.is_some() || standing.initial_pid_namespace == Some(false) {
        let node = "kubectl debug node/NODE -it --image=IMAGE --profile=sysadmin";
        let host = "docker run --rm -it --privileged --pid=host --network=host IMAGE";
        return vec![grant(&missing, node.into()), grant(&missing, host.into())];
    }
    if standing.initial_user_namespace == Some(false) {
        return vec![grant(&missing, "sudo tcpvet    # outside of this user namespace".into())];
    }
    let has = |list: &[&str], name: &str| list.contains(&name.trim_start_matches("cap_"));
    // What a capability that is here does not give, no capability gives.
    let helps = |a: &&Ability| a.capabilities.iter().any(|c| !has(&standing.capabilities, c));
    let missing: Vec<&Ability> = missing.into_iter().filter(helps).collect();
    let lacks = |list: &[&Ability]| {
        let mut names: Vec<&str> = list
            .iter()
            .flat_map(|a| a.capabilities)
            .filter(|c| !has(&standing.capabilities, c))
            .copied()
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    // Outside of the bounding set nothing that is given to the file or by sudo takes effect.
    let (kept, bound): (Vec<&Ability>, Vec<&Ability>) =
        missing.iter().partition(|a| a.capabilities.iter().all(|c| has(&standing.bounding, c)));
    let mut grants = Vec::new();
    if !bound.is_empty() {
        let list = lacks(&bound).join(" ").to_uppercase();
        grants.push(grant(
            &bound,
            format!("CapabilityBoundingSet={list} AmbientCapabilities={list}"),
        ));
        let options: Vec<String> = lacks(&bound)
            .iter()
            .map(|c| format!("--cap-add {}", c.trim_start_matches("cap_").to_uppercase()))
            .collect();
        grants.push(grant(&bound, format!("docker run {} IMAGE", options.join(" "))));
    }
    let (whole, few): (Vec<&Ability>, Vec<&Ability>) =
        kept.iter().partition(|a| a.capabilities.contains(&"cap_sys_admin"));
    if !few.is_empty() {
        // setcap sets the whole set: what the file has already is named again.
        let mut all: Vec<String> = lacks(&few).iter().map(ToString::to_string).collect();
        if standing.euid != Some(0) {
            all.extend(standing.capabilities.iter().map(|c| format!("cap_{c}")));
        }
        all.sort_unstable();
        all.dedup();
        let (file, unit) = (all.join(","), all.join(" ").to_uppercase());
        grants.push(grant(&few, format!("sudo setcap {file}+ep \"$(command -v tcpvet)\"")));
        grants.push(grant(&few, format!("AmbientCapabilities={unit}")));
    }
    if !whole.is_empty() && standing.euid != Some(0) {
        grants.push(grant(&whole, "sudo tcpvet".into()));
    }
    grants
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ability(name: &'static str, works: Works, capabilities: &'static [&'static str]) -> Ability {
        Ability { name, works, seen: String::new(), costs: "", capabilities }
    }

    fn commands(standing: &Standing, abilities: &[Ability]) -> Vec<String> {
        grants(standing, abilities).into_iter().map(|g| g.command).collect()
    }

    #[test]
    fn what_is_missing_is_granted_by_what_helps() {
        let all = [
            ability("marks", Works::Denied, &["cap_net_admin"]),
            ability("owners", Works::Partly, &["cap_sys_ptrace", "cap_dac_read_search"]),
            ability("namespaces", Works::Denied, &["cap_sys_admin"]),
            ability("bpf", Works::Absent, &["cap_bpf"]),
            ability("sysctls", Works::Denied, &[]),
        ];
        let every = vec!["net_admin", "sys_ptrace", "dac_read_search", "sys_admin", "bpf"];
        let user = Standing { euid: Some(7), bounding: every, ..Standing::default() };
        assert_eq!(
            commands(&user, &all),
            [
                "sudo setcap cap_dac_read_search,cap_net_admin,cap_sys_ptrace+ep \"$(command -v tcpvet)\"",
                "AmbientCapabilities=CAP_DAC_READ_SEARCH CAP_NET_ADMIN CAP_SYS_PTRACE",
                "sudo tcpvet",
            ]
        );
        let root = Standing { euid: Some(0), capabilities: user.bounding.clone(), ..user.clone() };
        assert_eq!(commands(&root, &all).len(), 0);
        // What the file has already stays in the line.
        let some = Standing { capabilities: vec!["net_admin"], ..user.clone() };
        assert!(
            commands(&some, &all)[0]
                .starts_with("sudo setcap cap_dac_read_search,cap_net_admin,cap_sys_ptrace+ep ")
        );
        // A process that refuses who may read all is beyond any capability.
        let refused =
            [ability("owners", Works::Partly, &["cap_sys_ptrace", "cap_dac_read_search"])];
        let able = Standing { capabilities: vec!["sys_ptrace", "dac_read_search"], ..user.clone() };
        assert_eq!(commands(&able, &refused).len(), 0);
        let bounded = Standing { bounding: vec!["net_admin"], ..user.clone() };
        assert_eq!(
            commands(&bounded, &refused)[0],
            "CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE AmbientCapabilities=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE"
        );
        let boxed = Standing { container: Some("web".into()), ..user.clone() };
        assert!(commands(&boxed, &all)[0].starts_with("kubectl debug node/NODE"));
        let inside = Standing { initial_user_namespace: Some(false), ..root.clone() };
        assert_eq!(commands(&inside, &all), ["sudo tcpvet    # outside of this user namespace"]);
        assert_eq!(commands(&user, &[ability("marks", Works::Yes, &["cap_net_admin"])]).len(), 0);
    }
}
