//! Where the item lives that a path names.

use super::modules::{ModulePath, Modules};

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// A module: to name it uses none of its items.
    Module(ModulePath),
    /// An item of this file. Re-exports are followed to the file that defines the item.
    File(String),
    /// An item of another crate, with its full path.
    External(Vec<String>),
    /// Nothing that is known: a generic parameter, or an item that a macro makes.
    Unknown,
}

/// More re-exports than this in a row are a circle of re-exports.
const MOST_STEPS: u8 = 16;

/// Follows a path that is written in the module `from`.
pub fn resolve(modules: &Modules, from: &ModulePath, path: &[String]) -> Target {
    follow(modules, from, path, MOST_STEPS)
}

fn follow(modules: &Modules, from: &ModulePath, path: &[String], steps: u8) -> Target {
    let mut at = from.clone();
    let mut rest = path;
    while let Some((first, behind)) = rest.split_first() {
        match first.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => drop(at.pop()),
            _ => break,
        }
        rest = behind;
    }
    let is_relative = rest.len() == path.len();
    match walk(modules, &at, rest, steps) {
        Target::Unknown if is_relative && path.len() > 1 => Target::External(path.to_vec()),
        target => target,
    }
}

/// Follows a path whose first segment is a name in the scope of `at`.
fn walk(modules: &Modules, at: &ModulePath, path: &[String], steps: u8) -> Target {
    let Some((first, rest)) = path.split_first() else { return Target::Module(at.clone()) };
    let (Some(module), Some(steps)) = (modules.get(at), steps.checked_sub(1)) else { return Target::Unknown };
    if module.children.contains(first) {
        return walk(modules, &[at.clone(), vec![first.clone()]].concat(), rest, steps);
    }
    if module.defined.contains(first) {
        return Target::File(module.file.clone());
    }
    if let Some(imported) = module.imported.get(first) {
        return follow(modules, at, &[imported.clone(), rest.to_vec()].concat(), steps);
    }
    for glob in &module.globs {
        let target = follow(modules, at, &[glob.clone(), path.to_vec()].concat(), steps);
        if !matches!(target, Target::Unknown | Target::External(_)) {
            return target;
        }
    }
    Target::Unknown
}
