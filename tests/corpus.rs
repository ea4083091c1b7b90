//! The corpus of every fuzz target, run as a plain test: what once made a decoder stumble is kept there.

#[path = "../fuzz/entry.rs"]
mod entry;

/// A fuzz target by name.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 9] = [
    ("assertion", entry::assertion),
    ("btf", entry::btf),
    ("etc", entry::etc),
    ("config", entry::config),
    ("counters", entry::counters),
    ("filter", entry::filter),
    ("netlink", entry::netlink),
    ("proc_net_tcp", entry::proc_net_tcp),
    ("proc_pid", entry::proc_pid),
];

#[test]
fn every_decoder_takes_its_corpus_and_every_prefix_of_it() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");
    let manifest = std::fs::read_to_string(format!("{root}/Cargo.toml")).unwrap();
    assert_eq!(
        manifest.matches("[[bin]]").count(),
        TARGETS.len(),
        "a target without a corpus test"
    );
    for (name, run) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")));
        let mut files = 0;
        for file in std::fs::read_dir(format!("{root}/corpus/{name}")).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            run(&bytes);
            for end in 0..bytes.len().min(600) {
                run(&bytes[..end]);
            }
            files += 1;
        }
        assert!(files >= 4, "{name}");
    }
}
