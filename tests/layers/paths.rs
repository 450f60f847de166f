//! Every path that the code of an item names, also inside macros. Comments and strings have none.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{Visit, visit_path};
use syn::{Attribute, Item, Macro, Path, UseTree, Visibility};

/// The paths in an item with two segments or more, as they are written.
pub fn of(item: &Item) -> Vec<Vec<String>> {
    let mut paths = Paths::default();
    paths.visit_item(item);
    paths.0
}

#[derive(Default)]
struct Paths(Vec<Vec<String>>);

impl Paths {
    fn add(&mut self, path: Vec<String>) {
        if path.len() > 1 {
            self.0.push(path);
        }
    }

    /// Adds the paths in the tokens of a macro: identifiers with `::` between them.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Vec::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add(std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                }
                TokenTree::Group(group) => {
                    self.add(std::mem::take(&mut path));
                    self.add_tokens(group.stream());
                }
                _ => self.add(std::mem::take(&mut path)),
            }
            colons = 0;
        }
        self.add(path);
    }

    /// Adds the paths of an import inside a function.
    fn add_import(&mut self, tree: &UseTree, before: &[String]) {
        match tree {
            UseTree::Path(path) => self.add_import(&path.tree, &[before, &[path.ident.to_string()]].concat()),
            UseTree::Name(name) => self.add([before, &[name.ident.to_string()]].concat()),
            UseTree::Rename(rename) => self.add([before, &[rename.ident.to_string()]].concat()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_import(tree, before)),
            UseTree::Glob(_) => self.add(before.to_vec()),
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast Path) {
        self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        self.visit_path(&invocation.path);
        self.add_tokens(invocation.tokens.clone());
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        self.add_import(&import.tree, &[]);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
    }

    // `pub(in crate::cli)` limits the visibility of the item, and uses nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
