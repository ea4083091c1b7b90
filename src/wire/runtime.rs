//! Names of containers and pods, in the files that runtimes and the kubelet leave on disk.

use serde::Deserialize;
use std::collections::BTreeMap;

use crate::model::text::Text;

/// What a file tells of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// The container's name.
    pub container: Option<Text>,
    /// `NAMESPACE/NAME` of its pod.
    pub pod: Option<Text>,
}

fn text(name: &str) -> Option<Text> {
    (!name.is_empty()).then(|| Text::new(name.as_bytes()))
}

fn pod_of(namespace: Option<&String>, name: Option<&String>) -> Option<Text> {
    let (namespace, name) = (namespace?, name?);
    (!namespace.is_empty() && !name.is_empty()).then(|| text(&format!("{namespace}/{name}")))?
}

/// The first of these keys that has a value.
fn first<'a>(of: &'a BTreeMap<String, String>, keys: &[&str]) -> Option<&'a String> {
    keys.iter().find_map(|key| of.get(*key))
}

/// The name of a folder in /var/log/pods, `NAMESPACE_NAME_UID` (kubelet): the pod's uid and its name.
pub fn pod_folder(folder: &str) -> Option<(Text, Text)> {
    let mut parts = folder.split('_');
    let (namespace, name, uid) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || namespace.is_empty() || name.is_empty() {
        return None;
    }
    Some((text(uid)?, text(&format!("{namespace}/{name}"))?))
}

/// The name of a file in /var/log/containers, `POD_NAMESPACE_CONTAINER-ID.log` (kubelet): the container's id and its names.
pub fn container_log(file: &str) -> Option<(Text, Names)> {
    let (names, id) = file.strip_suffix(".log")?.rsplit_once('-')?;
    let mut parts = names.split('_');
    let (pod, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || id.len() != 64 {
        return None;
    }
    let pod = pod_of(Some(&namespace.to_string()), Some(&pod.to_string()));
    Some((text(id)?, Names { container: text(name), pod }))
}

/// What Docker keeps of a container (config.v2.json).
pub fn docker(bytes: &[u8]) -> Option<Names> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Config {
        #[serde(default)]
        labels: Option<BTreeMap<String, String>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Container {
        #[serde(default)]
        name: String,
        config: Option<Config>,
    }
    let read: Container = serde_json::from_slice(bytes).ok()?;
    let labels = read.config.and_then(|c| c.labels).unwrap_or_default();
    let named = first(&labels, &["io.kubernetes.container.name"]).cloned();
    let name = named.unwrap_or_else(|| read.name.trim_start_matches('/').to_string());
    let pod =
        pod_of(labels.get("io.kubernetes.pod.namespace"), labels.get("io.kubernetes.pod.name"));
    Some(Names { container: text(&name), pod })
}

/// The OCI bundle of a container (config.json), with the annotations of containerd, nerdctl, CRI-O and podman.
pub fn bundle(bytes: &[u8]) -> Option<Names> {
    #[derive(Deserialize)]
    struct Bundle {
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    }
    let of = serde_json::from_slice::<Bundle>(bytes).ok()?.annotations;
    let container = first(
        &of,
        &["io.kubernetes.cri.container-name", "io.kubernetes.container.name", "nerdctl/name"],
    );
    let pod = pod_of(
        first(&of, &["io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace"]),
        first(&of, &["io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"]),
    );
    Some(Names { container: container.and_then(|n| text(n)), pod })
}

/// The names that Docker's shim and CRI-O put into one.
fn kubernetes(name: &str) -> Option<Names> {
    let mut parts = name.strip_prefix("k8s_")?.split('_');
    let (container, pod, namespace) = (parts.next()?, parts.next()?, parts.next()?);
    let (_uid, _attempt) = (parts.next()?, parts.next()?);
    let pod = text(&format!("{namespace}/{pod}"))?;
    Some(Names { container: text(container), pod: Some(pod) })
}

/// The list of podman's and CRI-O's storage (overlay-containers/containers.json): the first name of a container. CRI-O's names hold those
/// of Kubernetes, `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`.
pub fn storage(bytes: &[u8], id: &str) -> Option<Names> {
    #[derive(Deserialize)]
    struct Container {
        id: String,
        #[serde(default)]
        names: Option<Vec<String>>,
    }
    let list: Vec<Container> = serde_json::from_slice(bytes).ok()?;
    let one = list.into_iter().find(|c| c.id == id)?;
    let name = one.names.and_then(|n| n.into_iter().next())?;
    Some(kubernetes(&name).unwrap_or_else(|| Names { container: text(&name), pod: None }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(container: &str, pod: &str) -> Names {
        Names { container: text(container), pod: text(pod) }
    }

    #[test]
    fn names_of_the_kubelets_logs() {
        let uid = "3dcf5a1c-4a1c-4a6f-9a53-9f0b3b9c6a6f";
        let (found, name) = pod_folder(&format!("kube-system_coredns-7c_{uid}")).unwrap();
        assert_eq!((found.as_str(), name.as_str()), (uid, "kube-system/coredns-7c"));
        assert_eq!(pod_folder("kube-system_coredns"), None);
        assert_eq!(pod_folder("a_b_c_d"), None);
        let id = "ab".repeat(32);
        let (found, name) = container_log(&format!("web-0_shop_nginx-main-{id}.log")).unwrap();
        assert_eq!((found.as_str(), name), (id.as_str(), names("nginx-main", "shop/web-0")));
        assert_eq!(container_log("web-0_shop_nginx-12.log"), None);
    }

    #[test]
    fn names_of_the_runtimes_files() {
        let docker_text = br#"{"ID":"x","Name":"/web","Config":{"Labels":{"a":"b"}}}"#;
        assert_eq!(docker(docker_text), Some(names("web", "")));
        let kubernetes = br#"{"Name":"/k8s_nginx_web-0_shop_u_0","Config":{"Labels":{"io.kubernetes.container.name":"nginx",
            "io.kubernetes.pod.name":"web-0","io.kubernetes.pod.namespace":"shop"}}}"#;
        assert_eq!(docker(kubernetes), Some(names("nginx", "shop/web-0")));
        let cri = br#"{"ociVersion":"1.1.0","annotations":{"io.kubernetes.cri.container-name":"nginx",
            "io.kubernetes.cri.sandbox-name":"web-0","io.kubernetes.cri.sandbox-namespace":"shop"}}"#;
        assert_eq!(bundle(cri), Some(names("nginx", "shop/web-0")));
        assert_eq!(bundle(b"{}"), Some(Names::default()));
        let list =
            br#"[{"id":"0a","names":["other"]},{"id":"0b","names":["web","k8s_web"],"layer":"x"}]"#;
        assert_eq!(storage(list, "0b"), Some(names("web", "")));
        assert_eq!(storage(list, "0c"), None);
        let cri_o = br#"[{"id":"0d","names":["k8s_app_web-0_shop_u_0"],"metadata":"{}"}]"#;
        assert_eq!(storage(cri_o, "0d"), Some(names("app", "shop/web-0")));
        assert_eq!((docker(b"["), bundle(b""), storage(b"{}", "a")), (None, None, None));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (pod_folder(&text), container_log(&text), docker(&bytes), bundle(&bytes), storage(&bytes, &text));
        }
    }
}
