//! Which file uses items of which other file, and the circles among them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::modules::Modules;
use super::paths;
use super::resolve::{Target, resolve};

/// Each file, and the files that define the items it uses.
pub type Uses = BTreeMap<String, BTreeSet<String>>;

/// What the code of a crate uses.
#[derive(Default)]
pub struct Used {
    pub files: Uses,
    /// Each file, and the items of other crates that it names.
    pub external: BTreeMap<String, BTreeSet<String>>,
    /// Paths that begin in this crate and lead nowhere: the reader of this test does not understand them.
    pub unknown: BTreeSet<String>,
}

/// Reads what the code of a crate uses.
pub fn used(modules: &Modules) -> Used {
    let mut used = Used::default();
    for (path, module) in modules {
        let written = module.items.iter().flat_map(paths::of).chain(module.imported.values().cloned());
        for named in written {
            match resolve(modules, path, &named) {
                Target::File(file) if file != module.file => {
                    used.files.entry(module.file.clone()).or_default().insert(file);
                }
                Target::External(item) => {
                    used.external.entry(module.file.clone()).or_default().insert(item.join("::"));
                }
                Target::Unknown if matches!(named[0].as_str(), "crate" | "self" | "super") => {
                    used.unknown.insert(format!("{}: {}", module.file, named.join("::")));
                }
                _ => {}
            }
        }
        for glob in &module.globs {
            if let Target::Module(target) = resolve(modules, path, glob) {
                let file = modules[&target].file.clone();
                used.files.entry(module.file.clone()).or_default().extend((file != module.file).then_some(file));
            }
        }
    }
    used
}

/// For each use the shortest circle that it is part of, as `a → b → a`; a circle is given once.
pub fn circles(uses: &Uses) -> BTreeSet<String> {
    let mut circles = BTreeSet::new();
    for (from, to) in uses.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))) {
        if let Some(mut circle) = way(uses, to, from) {
            // The circle begins with the file that is first in the alphabet.
            let first = (0..circle.len()).min_by_key(|at| circle[*at]).unwrap_or_default();
            circle.rotate_left(first);
            circle.push(circle[0]);
            circles.insert(circle.join(" → "));
        }
    }
    circles
}

/// The shortest way from one file to another, both included.
fn way<'a>(uses: &'a Uses, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        if at == to {
            let mut way = vec![at];
            while let Some(previous) = before.get(way[0]).copied().filter(|_| way[0] != from) {
                way.insert(0, previous);
            }
            return Some(way);
        }
        for next in uses.get(at).into_iter().flatten() {
            if next.as_str() != from && !before.contains_key(next.as_str()) {
                before.insert(next.as_str(), at);
                queue.push_back(next.as_str());
            }
        }
    }
    None
}
