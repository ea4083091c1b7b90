//! `tcpvet capture`: records everything that any command reads.

use super::{Done, report_status, table};
use crate::cli::CaptureArgs;
use crate::cli::resolve::Settings;
use crate::collect::{Start, addresses, enrich, ports, profiles, sysctl_files};
use crate::error::{Error, on_file};
use crate::model::text::Text;
use crate::model::wants::Wants;
use crate::phrase::{count, number};
use crate::render::document::capture::CaptureDocument;
use crate::render::json;
use crate::sys::System;
use crate::sys::privilege;
use crate::sys::record::Record;

pub(super) fn run(
    args: &CaptureArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let name = args.output.as_os_str().to_string_lossy();
    let archive = [".gz", ".tgz", ".xz", ".zst", ".zip", ".json", ".jsonl"];
    if name == "-" || archive.iter().any(|end| name.ends_with(end)) {
        return Err(Error::hinted(
            format!(
                "a capture is a folder or a .tar, and '{}' is neither",
                Text::new(name.as_bytes())
            ),
            "write it as: tcpvet capture -o box.tar",
        ));
    }
    let record = Record::new(system, settings.netns.clone());
    let mut snapshot = table(settings, &record, &Start::capture(None))?;
    let owners = snapshot.sockets.iter().map(|s| s.inode).filter(|i| *i != 0).collect();
    let wants = Wants {
        owners,
        explicit_ports: true,
        descriptors: true,
        unhashed_from: 1,
        ..Wants::default()
    };
    enrich(&record, &mut snapshot, &wants);
    profiles::of(&record, &snapshot, snapshot.processes.keys().copied(), false);
    ports::record(&record);
    let _ = sysctl_files::read(&record);
    let _ = addresses::read(&record);
    let capture = record.finish();
    privilege::as_the_user(|| capture.save(&args.output))
        .map_err(|e| on_file(&e, "name a new folder, or a new file that ends in .tar"))?;
    let path = Text::new(args.output.display().to_string().as_bytes());
    let texts = capture.texts.len() as u64;
    let bytes = capture.dumps.values().flatten().map(|b| b.len() as u64).sum();
    let output = if settings.json {
        json::pretty(&CaptureDocument::new(&snapshot, path.to_string(), texts, bytes))
    } else if settings.quiet {
        Vec::new()
    } else {
        let sockets = count(snapshot.sockets.len() as u64, "socket", "sockets");
        let text = format!(
            "captured {sockets}, {texts} texts and {} bytes of netlink messages in {path}\nread it with: tcpvet --from {}\n",
            number(bytes),
            crate::model::place::quoted(path.as_str())
        );
        text.into_bytes()
    };
    let status = report_status(&snapshot, None, settings);
    Ok(Done { output, notes: Vec::new(), status })
}
