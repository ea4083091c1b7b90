//! The files that set sysctls at boot, in the order in which they are read.

use std::collections::BTreeMap;

use crate::model::sysctl_file::Line;
use crate::model::text::Text;
use crate::sys::System;
use crate::wire::sysctl_d;

/// Folders, the strongest first: a file there hides one of the same name in a later one (sysctl.d(5)).
const FOLDERS: [&str; 5] = [
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
];

/// Read last by sysctl --system; systemd-sysctl reads it only where a link in /etc/sysctl.d leads to it.
const LAST: &str = "/etc/sysctl.conf";

/// Every line of every file that sets something; what cannot be read is left out.
pub fn read(system: &dyn System) -> Vec<Line> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for folder in FOLDERS {
        for name in system.list(folder).unwrap_or_default() {
            if name.strip_suffix(".conf").is_some() {
                files.entry(name.clone()).or_insert_with(|| format!("{folder}/{name}"));
            }
        }
    }
    let mut lines = Vec::new();
    for path in files.into_values().chain([LAST.to_string()]) {
        if let Ok(text) = system.read(&path) {
            lines.extend(sysctl_d::parse(&Text::new(path.as_bytes()), &text));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scripted;
    use super::*;

    #[test]
    fn files_are_read_by_name_and_a_stronger_folder_hides_a_weaker_one() {
        let system = Scripted::default()
            .file("list /etc/sysctl.d", "99-last.conf\n50-a.conf\nREADME\n")
            .file("list /usr/lib/sysctl.d", "50-a.conf\n10-first.conf\n")
            .file("/etc/sysctl.d/99-last.conf", "x.a = 3\n")
            .file("/etc/sysctl.d/50-a.conf", "x.a = 2\n")
            .file("/usr/lib/sysctl.d/50-a.conf", "x.a = 7\n")
            .file("/usr/lib/sysctl.d/10-first.conf", "x.a = 1\n")
            .file("/etc/sysctl.conf", "x.a = 4\n");
        let read = read(&system);
        let values: Vec<&str> = read.iter().map(|l| l.value.as_str()).collect();
        assert_eq!(values, ["1", "2", "3", "4"]);
    }
}
