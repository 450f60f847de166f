//! The layers of `src/lib.rs`: imports go down only, and no two modules import each other.
//!
//! A module is a file. A file uses another one if its code names an item that lives there: by an import, or by a path in
//! the code. A re-export is followed to the file that defines the item, and `mod part;` uses nothing.

#[path = "layers/circles.rs"]
mod circles;
#[path = "layers/modules.rs"]
mod modules;
#[path = "layers/paths.rs"]
mod paths;
#[path = "layers/reader.rs"]
mod reader;
#[path = "layers/resolve.rs"]
mod resolve;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use circles::{Used, circles, used};

/// The modules at the root of the crate, and the layer of each.
const LAYERS: [(&str, u8); 15] = [
    ("error_chain", 0),
    ("resource_id", 0),
    ("refusal", 0),
    ("object_name", 0),
    ("unmanaged", 0),
    ("service_error", 0),
    ("spark_versions", 0),
    ("api", 1),
    ("planner", 2),
    ("azure", 2),
    ("controller", 3),
    ("cli", 4),
    ("leader", 4),
    ("server", 4),
    ("telemetry", 4),
];

/// The layer of the process. Its modules may use each other; those of any other layer may not.
const PROCESS: u8 = 4;

/// What belongs to some modules only: the path of an item as the code names it, and the modules that may name it.
const RESERVED: [(&str, &[&str]); 5] = [
    ("kube::", &["api", "controller", "cli", "error_chain", "leader"]),
    ("std::env::", &["cli"]),
    ("reqwest::", &["cli", "telemetry"]),
    ("jiff::Timestamp::now", &["controller", "cli", "leader"]),
    ("Instant::now", &["azure", "controller", "leader"]),
];

/// The module at the root of the crate that a file belongs to, and its layer.
fn layer(file: &str) -> (&'static str, u8) {
    let first = file.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    LAYERS.into_iter().find(|(name, _)| *name == first).unwrap_or_else(|| panic!("{file} is in no layer"))
}

/// All sources of the crate by their paths below `src`.
fn sources() -> BTreeMap<String, String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, mut folders) = (BTreeMap::new(), vec![src.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&src).expect("it is below src").to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(&path).expect("the source can be read"));
            }
        }
    }
    found
}

fn used_by_the_crate() -> Used {
    let modules = modules::read(&sources());
    assert!(modules.len() > 50, "only {} modules were read", modules.len());
    used(&modules)
}

#[track_caller]
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{} {what}:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_path_of_the_crate_is_understood() {
    let unknown: Vec<_> = used_by_the_crate().unknown.into_iter().collect();
    assert_none("paths lead nowhere", &unknown);
}

#[test]
fn imports_go_down_only() {
    let mut upward = Vec::new();
    for (from, all) in &used_by_the_crate().files {
        let (own, own_layer) = layer(from);
        for to in all {
            let (other, other_layer) = layer(to);
            let are_neighbours = own == other || (own_layer == PROCESS && other_layer == PROCESS);
            if !are_neighbours && other_layer >= own_layer {
                upward.push(format!("{from} (layer {own_layer}) uses {to} (layer {other_layer})"));
            }
        }
    }
    assert_none("imports do not go down", &upward);
}

#[test]
fn no_modules_import_each_other() {
    let found: Vec<_> = circles(&used_by_the_crate().files).into_iter().collect();
    assert_none("circles", &found);
}

#[test]
fn reserved_names_are_used_only_in_their_modules() {
    let mut wrong = Vec::new();
    for (file, items) in &used_by_the_crate().external {
        let (own, _) = layer(file);
        for item in items {
            for (reserved, _) in RESERVED.iter().filter(|(_, modules)| !modules.contains(&own)) {
                let is_named = if reserved.ends_with("::") { item.starts_with(reserved) } else { item.ends_with(reserved) };
                if is_named {
                    wrong.push(format!("{file} names {item}"));
                }
            }
        }
    }
    assert_none("items are named outside of their modules", &wrong);
}
