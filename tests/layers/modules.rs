//! The tree of a crate's modules, without what is compiled for tests only.

use std::collections::BTreeMap;

use syn::{Attribute, Item, Meta};

/// The path of a module: empty for the root of the crate.
pub type ModulePath = Vec<String>;

/// A module: the names in its scope, and the items whose paths are to be read.
#[derive(Default)]
pub struct Module {
    /// The file that holds its text.
    pub file: String,
    pub children: Vec<String>,
    /// Items that this module defines.
    pub defined: Vec<String>,
    /// Names that it imports or re-exports, and the path of each as it is written.
    pub imported: BTreeMap<String, Vec<String>>,
    /// Modules whose names it imports all at once.
    pub globs: Vec<Vec<String>>,
    /// Everything but declarations of modules and imports.
    pub items: Vec<Item>,
}

/// The modules of a crate by their paths.
pub type Modules = BTreeMap<ModulePath, Module>;

/// Reads a crate whose root is `lib.rs`. `sources` has the text of each file by its path below `src`.
pub fn read(sources: &BTreeMap<String, String>) -> Modules {
    let mut modules = Modules::new();
    add_file(sources, "lib.rs", Vec::new(), &mut modules);
    modules
}

fn add_file(sources: &BTreeMap<String, String>, file: &str, path: ModulePath, modules: &mut Modules) {
    let text = sources.get(file).unwrap_or_else(|| panic!("{file} is declared and does not exist"));
    let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    add(sources, file, path, parsed.items, modules);
}

fn add(sources: &BTreeMap<String, String>, file: &str, path: ModulePath, items: Vec<Item>, modules: &mut Modules) {
    let mut module = Module { file: file.to_owned(), ..Module::default() };
    for item in items.into_iter().filter(|item| !is_for_tests(attributes(item))) {
        match item {
            Item::Mod(inner) => {
                let name = inner.ident.to_string();
                let below = [path.clone(), vec![name.clone()]].concat();
                module.children.push(name);
                match inner.content {
                    Some((_, items)) => add(sources, file, below, items, modules),
                    None => add_file(sources, &format!("{}.rs", below.join("/")), below, modules),
                }
            }
            Item::Use(import) => add_import(&import.tree, &mut Vec::new(), &mut module),
            item => {
                module.defined.extend(name(&item));
                module.items.push(item);
            }
        }
    }
    modules.insert(path, module);
}

fn add_import(tree: &syn::UseTree, before: &mut Vec<String>, module: &mut Module) {
    match tree {
        syn::UseTree::Path(path) => {
            before.push(path.ident.to_string());
            add_import(&path.tree, before, module);
            before.pop();
        }
        syn::UseTree::Name(name) => add_name(&name.ident, &name.ident, before, module),
        syn::UseTree::Rename(rename) => add_name(&rename.ident, &rename.rename, before, module),
        syn::UseTree::Glob(_) => module.globs.push(before.clone()),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| add_import(tree, before, module)),
    }
}

/// Adds `before::name as alias`; `before::{self}` imports the module itself.
fn add_name(name: &syn::Ident, alias: &syn::Ident, before: &[String], module: &mut Module) {
    let mut path = before.to_vec();
    let is_self = name == "self" && !path.is_empty();
    if !is_self {
        path.push(name.to_string());
    }
    let alias = if is_self && alias == "self" { before.last().cloned().unwrap_or_default() } else { alias.to_string() };
    // An import for its methods only (`as _`) has no name, and each is one of its own.
    let alias = if alias == "_" { format!("_{}", module.imported.len()) } else { alias };
    module.imported.insert(alias, path);
}

/// Whether an item is compiled for tests only.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
