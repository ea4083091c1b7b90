//! Captures on disk: a folder or a tar of the same files. `manifest.json` says what they are, `files.jsonl` holds the texts by
//! path, `*.nl` the netlink messages as they came.
#![expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SysError;

/// Version of the layout: another first number is not read.
pub const CAPTURE_VERSION: &str = "1.0";

/// More than this is no capture of ours: 4 GiB.
const MAX_BYTES: u64 = 4 << 30;

/// What a read gave: bytes or a refusal.
pub type Answer = Result<Vec<u8>, SysError>;

/// Everything that came in during a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// The namespace's name as the user gave it.
    pub netns: Option<String>,
    /// Texts, links and lists by what was asked: `read /proc/net/snmp`, `link /proc/self/ns/net`, `pids` ...
    pub texts: BTreeMap<String, Answer>,
    /// Dumps by name: the netlink messages of the answer, one behind the other.
    pub dumps: BTreeMap<String, Answer>,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    capture_version: String,
    tool: String,
    time_ms: u64,
    netns: Option<String>,
    /// Sizes, so that a truncated capture is noticed.
    texts: usize,
    dumps: BTreeMap<String, DumpEntry>,
}

#[derive(Serialize, Deserialize)]
struct DumpEntry {
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    error: Option<SysError>,
}

#[derive(Serialize, Deserialize)]
struct TextEntry {
    asked: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    text: Option<String>,
    /// Bytes that are not UTF-8, in hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    error: Option<SysError>,
}

impl Capture {
    /// The files of the capture, by name.
    fn files(&self) -> Result<Vec<(String, Vec<u8>)>, SysError> {
        let json = |e: serde_json::Error| SysError::failed("capture", e.to_string());
        let mut dumps = BTreeMap::new();
        let mut files = Vec::new();
        for (name, answer) in &self.dumps {
            let (bytes, error) = match answer {
                Ok(bytes) => (bytes.len() as u64, None),
                Err(e) => (0, Some(e.clone())),
            };
            dumps.insert(name.clone(), DumpEntry { bytes, error });
            if let Ok(bytes) = answer {
                files.push((format!("{name}.nl"), bytes.clone()));
            }
        }
        let mut lines = Vec::new();
        for (asked, answer) in &self.texts {
            let mut entry = TextEntry { asked: asked.clone(), text: None, hex: None, error: None };
            match answer {
                Ok(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => entry.text = Some(text.to_string()),
                    Err(_) => entry.hex = Some(to_hex(bytes)),
                },
                Err(e) => entry.error = Some(e.clone()),
            }
            serde_json::to_writer(&mut lines, &entry).map_err(json)?;
            lines.push(b'\n');
        }
        files.push(("files.jsonl".into(), lines));
        let manifest = Manifest {
            capture_version: CAPTURE_VERSION.into(),
            tool: concat!("tcpvet ", env!("CARGO_PKG_VERSION")).into(),
            time_ms: self.time_ms,
            netns: self.netns.clone(),
            texts: self.texts.len(),
            dumps,
        };
        let mut text = serde_json::to_vec_pretty(&manifest).map_err(json)?;
        text.push(b'\n');
        files.insert(0, ("manifest.json".into(), text));
        Ok(files)
    }

    /// Writes the capture: as a tar if the name ends in `.tar`, else as a new folder. Existing files are never overwritten.
    /// A tar appears whole or not at all. Modes are 0600 and 0700: a capture holds addresses and process names.
    ///
    /// # Errors
    /// The place exists already or cannot be written.
    pub fn save(&self, to: &Path) -> Result<(), SysError> {
        let files = self.files()?;
        let io = |at: &Path| {
            let at = at.display().to_string();
            move |e: std::io::Error| SysError::from_io(at.clone(), &e)
        };
        if to.extension().is_none_or(|e| e != "tar") {
            DirBuilder::new().mode(0o700).create(to).map_err(io(to))?;
            for (name, bytes) in &files {
                let path = to.join(name);
                create(&path).and_then(|mut f| f.write_all(bytes)).map_err(io(&path))?;
            }
            return Ok(());
        }
        if to.symlink_metadata().is_ok() {
            return Err(SysError::failed(to.display().to_string(), "it exists already"));
        }
        let mut temporary = to.as_os_str().to_owned();
        temporary.push(format!(".{}.tmp", std::process::id()));
        let temporary = PathBuf::from(temporary);
        let written = create(&temporary).and_then(|file| {
            let mut tar = tar::Builder::new(file);
            for (name, bytes) in &files {
                let mut header = tar::Header::new_ustar();
                header.set_size(bytes.len() as u64);
                header.set_mode(0o600);
                header.set_mtime(self.time_ms / 1000);
                tar.append_data(&mut header, name, bytes.as_slice())?;
            }
            tar.into_inner()?.sync_all()?;
            std::fs::rename(&temporary, to)
        });
        written.map_err(|e| {
            let _ = std::fs::remove_file(&temporary);
            io(to)(e)
        })
    }

    /// Reads a capture from a folder or a tar.
    ///
    /// # Errors
    /// It cannot be read, is not a capture, is of another layout, or has been truncated.
    pub fn load(from: &Path) -> Result<Capture, SysError> {
        let place = from.display().to_string();
        let trouble = |e: std::io::Error| match e.raw_os_error() {
            Some(_) => SysError::from_io(&place, &e),
            // The library's words quote the file, which may be one that the user should not see.
            None => SysError::failed(&place, "not a capture: neither a folder nor a whole tar"),
        };
        let mut files = Files::open(from).map_err(trouble)?;
        let manifest = files.take("manifest.json").map_err(trouble)?.ok_or_else(|| {
            SysError::failed(&place, "no manifest.json in it, so it is not a capture of tcpvet")
        })?;
        let bad = |what: String| SysError::failed(&place, what);
        let version = serde_json::from_slice::<serde_json::Value>(&manifest).ok();
        let version = version.as_ref().and_then(|v| v.get("capture_version")?.as_str());
        match version {
            Some(v) if v.split('.').next() == CAPTURE_VERSION.split('.').next() => {}
            Some(v) => {
                let v = crate::model::text::Text::new(v.as_bytes());
                return Err(bad(format!(
                    "written in capture format {v}, and this program reads {CAPTURE_VERSION}"
                )));
            }
            None => return Err(bad("its manifest.json gives no capture_version".into())),
        }
        // Parse errors name the place, never the content: the file may be one the user should not see.
        let manifest: Manifest = serde_json::from_slice(&manifest).map_err(|e| {
            bad(format!("manifest.json is damaged at line {} column {}", e.line(), e.column()))
        })?;
        let lines = files.take("files.jsonl").map_err(trouble)?;
        let lines = lines.ok_or_else(|| bad("files.jsonl is missing".into()))?;
        let texts = parse_texts(&lines).map_err(bad)?;
        if texts.len() != manifest.texts {
            return Err(bad(format!(
                "truncated: files.jsonl holds {} of {} texts",
                texts.len(),
                manifest.texts
            )));
        }
        let mut dumps = BTreeMap::new();
        for (name, entry) in manifest.dumps {
            let answer = match entry.error {
                Some(error) => Err(safe(error)),
                None => {
                    let bytes = files.take(&format!("{name}.nl")).map_err(trouble)?;
                    let bytes = bytes.unwrap_or_default();
                    if bytes.len() as u64 != entry.bytes {
                        return Err(bad(format!(
                            "truncated: {}.nl holds {} of {} bytes",
                            crate::model::text::Text::new(name.as_bytes()),
                            bytes.len(),
                            entry.bytes
                        )));
                    }
                    Ok(bytes)
                }
            };
            dumps.insert(name, answer);
        }
        Ok(Capture { time_ms: manifest.time_ms, netns: manifest.netns, texts, dumps })
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// The files of a capture that is read: only those asked for are opened in a folder, since any folder may be named.
enum Files<'a> {
    Folder(&'a Path),
    Tar(BTreeMap<String, Vec<u8>>),
}

impl<'a> Files<'a> {
    fn open(from: &'a Path) -> std::io::Result<Files<'a>> {
        if std::fs::metadata(from)?.is_dir() {
            return Ok(Files::Folder(from));
        }
        let mut files = BTreeMap::new();
        let mut archive = tar::Archive::new(File::open(from)?);
        for entry in archive.entries()? {
            let entry = entry?;
            let size = entry.size();
            if !entry.header().entry_type().is_file() || size > MAX_BYTES {
                continue;
            }
            let name = entry.path()?.file_name().map(|n| n.to_string_lossy().into_owned());
            let mut bytes = Vec::new();
            entry.take(MAX_BYTES).read_to_end(&mut bytes)?;
            if bytes.len() as u64 != size {
                return Err(std::io::Error::other("truncated in the middle of a file"));
            }
            if let Some(name) = name {
                files.insert(name, bytes);
            }
        }
        Ok(Files::Tar(files))
    }

    /// One file; `None` if there is none of that name, or its name is none that a capture uses.
    fn take(&mut self, name: &str) -> std::io::Result<Option<Vec<u8>>> {
        let usual = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        if !name.bytes().all(usual) {
            return Ok(None);
        }
        match self {
            Files::Tar(files) => Ok(files.remove(name)),
            Files::Folder(folder) => {
                let path = folder.join(name);
                match std::fs::metadata(&path) {
                    Ok(meta) if meta.is_file() && meta.len() <= MAX_BYTES => {
                        std::fs::read(path).map(Some)
                    }
                    Ok(_) => Ok(None),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(e) => Err(e),
                }
            }
        }
    }
}

/// The words of a refusal come from the file that the user named.
fn safe(error: SysError) -> SysError {
    let text = |t: String| crate::model::text::Text::new(t.as_bytes()).to_string();
    SysError { what: text(error.what), kind: error.kind, reason: text(error.reason) }
}

fn parse_texts(lines: &[u8]) -> Result<BTreeMap<String, Answer>, String> {
    let mut texts = BTreeMap::new();
    for (i, line) in lines.split(|b| *b == b'\n').enumerate().filter(|(_, l)| !l.is_empty()) {
        let damaged = || format!("files.jsonl is damaged at line {}", i + 1);
        let entry: TextEntry = serde_json::from_slice(line).map_err(|_| damaged())?;
        let answer = match (entry.text, entry.hex, entry.error) {
            (Some(text), None, None) => Ok(text.into_bytes()),
            (None, Some(hex), None) => Ok(from_hex(&hex).ok_or_else(damaged)?),
            (None, None, Some(error)) => Err(safe(error)),
            _ => return Err(damaged()),
        };
        texts.insert(entry.asked, answer);
    }
    Ok(texts)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Kind;

    fn sample() -> Capture {
        let denied = SysError { what: "x".into(), kind: Kind::Denied, reason: "no".into() };
        Capture {
            time_ms: 5,
            netns: Some("blue".into()),
            texts: BTreeMap::from([
                ("read /proc/net/snmp".into(), Ok(b"Tcp: A\nTcp: 1\n".to_vec())),
                ("read /proc/1/stat".into(), Ok(vec![b'1', 0xff])),
                ("read /proc/2/stat".into(), Err(denied.clone())),
            ]),
            dumps: BTreeMap::from([
                ("sock_diag".into(), Ok(vec![1, 2, 3])),
                ("explicit".into(), Err(denied)),
            ]),
        }
    }

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("tcpvet-store-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir(&dir).unwrap();
        dir
    }

    #[test]
    fn folder_and_tar_round_trip_and_are_private() {
        use std::os::unix::fs::MetadataExt;
        let dir = scratch("round");
        for name in ["c", "c.tar"] {
            let at = dir.join(name);
            sample().save(&at).unwrap();
            assert_eq!(Capture::load(&at).unwrap(), sample());
            assert_eq!(std::fs::metadata(&at).unwrap().mode() & 0o077, 0);
            let again = sample().save(&at).unwrap_err();
            assert!(again.to_string().contains("exists"), "{again}");
        }
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_capture_from_the_future_or_cut_short_is_told_so() {
        let dir = scratch("bad");
        let at = dir.join("c");
        sample().save(&at).unwrap();
        let manifest = std::fs::read_to_string(at.join("manifest.json")).unwrap();
        std::fs::write(at.join("manifest.json"), manifest.replace("\"1.0\"", "\"2.7\"")).unwrap();
        let e = Capture::load(&at).unwrap_err().to_string();
        assert!(e.ends_with("written in capture format 2.7, and this program reads 1.0"), "{e}");
        std::fs::write(at.join("manifest.json"), manifest).unwrap();
        std::fs::write(at.join("sock_diag.nl"), [1]).unwrap();
        let e = Capture::load(&at).unwrap_err().to_string();
        assert!(e.ends_with("truncated: sock_diag.nl holds 1 of 3 bytes"), "{e}");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_cut_tar_is_an_error_at_every_length() {
        let dir = scratch("cut");
        let at = dir.join("c.tar");
        sample().save(&at).unwrap();
        let whole = std::fs::read(&at).unwrap();
        // The last 1024 bytes are the end mark, which the contents do not need.
        for cut in (0..whole.len() - 1024).step_by(97) {
            std::fs::write(&at, &whole[..cut]).unwrap();
            assert!(Capture::load(&at).is_err(), "cut at {cut}");
        }
        std::fs::remove_dir_all(dir).unwrap();
    }
}
