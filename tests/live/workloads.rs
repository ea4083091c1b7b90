//! Units, containers and pods, by control groups that are made for real where the machine lets us.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::run::{findings, json, run};

/// A control group of a test, removed with its parents when this is dropped.
struct Group {
    top: PathBuf,
    path: PathBuf,
}

impl Group {
    /// Makes a group at this path below one of our own, and puts a process into it; `None` where this machine does not let us.
    fn of(path: &str, pid: u32) -> Option<Group> {
        let roots = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
        let root = roots.iter().find(|r| Path::new(r).join("cgroup.procs").exists())?;
        let top = Path::new(root).join(format!("tcpvet-{}", std::process::id()));
        let group = Group { path: top.join(path), top };
        let made = std::fs::create_dir_all(&group.path)
            .and_then(|()| std::fs::write(group.path.join("cgroup.procs"), pid.to_string()));
        match made {
            Ok(()) => Some(group),
            Err(e) => {
                println!("SKIPPED: this machine does not let a test make control groups ({e})");
                None
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The processes that are left in it go back to the root.
        let root = self.top.parent().unwrap();
        if let Ok(left) = std::fs::read_to_string(self.path.join("cgroup.procs")) {
            for pid in left.lines() {
                let _ = std::fs::write(root.join("cgroup.procs"), pid);
            }
        }
        for folder in self.path.ancestors().take_while(|p| *p != root) {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

const ID: &str = "4bd1f7a1c6f24b0a9e1f5dfb3c1f0a8892d1f6f10f6f4f7c8a3a9a6d1e4c7b55";
const POD: &str = "0e4d8a52_3f0b_4f0e_9f6e_0f6c1d2b3a49";

/// The finding's process as the document tells it.
fn profile(document: &Value, pid: u32) -> Value {
    let all = document["processes"].as_array().unwrap();
    all.iter().find(|p| p["pid"] == pid).unwrap().clone()
}

lab_test!(a_leak_in_a_pod_is_told_with_its_container_and_pod, {
    let scene = Scene::start(&["leak", "23"]);
    let slice =
        format!("kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD}.slice");
    let Some(_group) = Group::of(&format!("{slice}/cri-containerd-{ID}.scope"), scene.pid()) else {
        return;
    };
    pause(1200);
    let document = json(&["--cmdline"]);
    assert_eq!(findings(&document, "close-wait-leak")[0]["subject"]["pid"], scene.pid());
    let process = profile(&document, scene.pid());
    let uid = POD.replace('_', "-");
    assert_eq!((&process["container"], &process["container_id"]), (&ID[..12].into(), &ID.into()));
    assert_eq!(
        (&process["pod"], &process["pod_uid"]),
        (&uid.as_str().into(), &uid.as_str().into())
    );
    assert_eq!((&process["qos"], &process["runtime"]), (&"burstable".into(), &"containerd".into()));
    assert_eq!(process["unit"], format!("cri-containerd-{ID}.scope"));
    assert_eq!(process["uid"], rustix::process::geteuid().as_raw());
    assert!(process["exe"].as_str().unwrap().starts_with('/'), "{process}");
    assert_eq!(process["parents"][0]["pid"], std::process::id());
    assert!(process["cmdline"].as_str().unwrap().contains("support::scene::play"), "{process}");
    assert!(process["started"].as_str().unwrap().ends_with('Z'));
    let human = run(&[]);
    let who = human.out.lines().find(|l| l.starts_with("  who")).unwrap();
    assert!(who.contains(&format!("container {} of pod {uid}", &ID[..12])), "{who}");
    assert!(!human.out.contains("support::scene::play"), "a command line is not shown unasked");
    // Columns, filters and groups.
    let count = |filter: &str| json(&["list", filter])["sockets"].as_array().unwrap().len();
    let pod = format!("pod = {uid}");
    for filter in [
        format!("container = {}", &ID[..12]),
        format!("container = {ID}"),
        format!("{pod} and qos = burstable"),
        "unit ~ cri-containerd".to_string(),
        "runtime = containerd".to_string(),
    ] {
        // The sockets in CLOSE_WAIT and the listener are held; the other ends are orphans.
        assert_eq!(count(&filter), 24, "{filter}");
    }
    assert_eq!(count("container = other"), 0);
    assert_eq!(count("pod = \"\" and state close-wait"), 0);
    let groups = json(&["list", "state close-wait", "--group-by", "container,pod"]);
    assert_eq!(groups["groups"][0]["container"], ID[..12]);
    assert_eq!(groups["groups"][0]["count"], 23);
    // The namespace goes by the container's name.
    let by_container = json(&["list", "-N", &ID[..12], "state close-wait"]);
    assert_eq!(by_container["sockets"].as_array().unwrap().len(), 23);
});

lab_test!(a_service_is_told_by_its_unit, {
    let scene = Scene::start(&["established", "3"]);
    let Some(_group) = Group::of("system.slice/shop@1.service/child", scene.pid()) else { return };
    let table = run(&["list", "-O", "local,unit,slice,container,process", "state listen"]);
    let line = table.out.lines().nth(1).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[..4], ["127.0.0.1:7001", "shop@1.service", "system.slice", "-"], "{line}");
    let list = json(&["list", "unit = shop@1.service", "-O", "local,unit"]);
    assert_eq!(list["sockets"].as_array().unwrap().len(), 7);
});
