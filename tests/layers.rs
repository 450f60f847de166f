//! The rooms of `src/lib.rs`, kept: arrows go down only.

use std::fs;
use std::path::{Path, PathBuf};

/// The module at the root of the crate, its layer, and what of its own or a higher layer it must not name.
const LAYERS: [(&str, u8); 10] = [
    ("resource_id", 0),
    ("service_error", 0),
    ("api", 1),
    ("planner", 2),
    ("azure", 2),
    ("controller", 3),
    ("cli", 4),
    ("leader", 4),
    ("server", 4),
    ("telemetry", 4),
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The layer of a file, by its first folder or its stem.
fn room(src: &Path, file: &Path) -> Option<(&'static str, u8)> {
    let first = file.strip_prefix(src).ok()?.iter().next()?.to_str()?.trim_end_matches(".rs");
    LAYERS.into_iter().find(|(name, _)| *name == first)
}

#[test]
fn arrows_go_down_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 20, "the sources are found");
    let mut wrong = Vec::new();
    for file in &files {
        let Some((name, layer)) = room(&src, file) else {
            assert!(file.ends_with("main.rs") || file.ends_with("lib.rs"), "{} is in no room", file.display());
            continue;
        };
        let text = fs::read_to_string(file).expect("a source");
        // What a comment points to is no dependency.
        let text = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for (other, above) in LAYERS.into_iter().filter(|(other, above)| *other != name && *above >= layer) {
            // The rooms of the process are neighbours; all others of one layer must not know each other.
            if above == 4 && layer == 4 {
                continue;
            }
            if text.contains(&format!("crate::{other}::"))
                || text.contains(&format!("crate::{other};"))
                || text.contains(&format!("use crate::{other}"))
            {
                wrong.push(format!("{} ({layer}) names {other} ({above})", file.display()));
            }
        }
        for (word, only) in [
            ("kube::", &["api", "controller", "cli", "leader"][..]),
            ("std::env::", &["cli"]),
            ("reqwest::", &["cli", "telemetry"]),
            ("Timestamp::now", &["controller", "cli", "leader"]),
            ("Instant::now", &["azure", "controller", "leader"]),
        ] {
            if text.contains(word) && !only.contains(&name) {
                wrong.push(format!("{} names {word}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
