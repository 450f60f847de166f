//! The reader of imports itself, on small crates.

use std::collections::BTreeMap;

use super::circles::{Used, circles, used};
use super::modules;

fn read(files: &[(&str, &str)]) -> Used {
    let sources: BTreeMap<_, _> = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    used(&modules::read(&sources))
}

/// The files that `a.rs` uses, in a crate with modules `a`, `b` (with a part that it re-exports) and `c`.
fn used_by_a(text: &str) -> Vec<String> {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", text),
        ("b.rs", "mod part; pub use part::{Thing, make as build}; pub use crate::c::Other;"),
        ("b/part.rs", "pub struct Thing; pub fn make() {}"),
        ("c.rs", "pub struct Other; pub enum Kind { One } pub fn run() {}"),
    ];
    let used = read(&files);
    assert!(used.unknown.is_empty(), "{:?}", used.unknown);
    used.files.get("a.rs").into_iter().flatten().cloned().collect()
}

#[test]
fn an_import_leads_to_the_file_that_defines_the_item() {
    let table: [(&str, &str, &[&str]); 14] = [
        ("plain", "use crate::c::Other;", &["c.rs"]),
        ("nested braces", "use crate::{b::{Thing}, c::{self, Kind::{One}}};", &["b/part.rs", "c.rs"]),
        ("renamed", "use crate::c::Other as Mine;", &["c.rs"]),
        ("a re-export", "use crate::b::Thing;", &["b/part.rs"]),
        ("a renamed re-export", "use crate::b::build;", &["b/part.rs"]),
        ("a re-export of another module", "use crate::b::Other;", &["c.rs"]),
        ("super", "use super::c::Other;", &["c.rs"]),
        ("self", "use self::super::c::Other;", &["c.rs"]),
        ("a path in the code", "fn f() { crate::c::run(); }", &["c.rs"]),
        ("a path through an imported module", "use crate::c; fn f() { c::run(); }", &["c.rs"]),
        ("a path in a macro", "fn f() { println!(\"{}\", crate::c::run()); }", &["c.rs"]),
        ("an import inside a function", "fn f() { use crate::c::run; run(); }", &["c.rs"]),
        ("a type", "fn f(_: Vec<crate::b::Thing>) {}", &["b/part.rs"]),
        ("all names of a module", "use crate::c::*;", &["c.rs"]),
    ];
    for (case, text, files) in table {
        assert_eq!(used_by_a(text), files, "{case}");
    }
}

#[test]
fn text_that_is_no_import_is_ignored() {
    let table = [
        ("a comment", "// use crate::c::Other;\n/* crate::c::run() */"),
        ("a doc comment", "/// See [`crate::c::Other`].\nstruct Mine;"),
        ("a string", "const TEXT: &str = \"crate::c::run()\";"),
        ("a module for tests", "#[cfg(test)] mod tests { use crate::c::Other; }"),
        ("a function for tests", "#[cfg(test)] fn f() { crate::c::run(); }"),
        ("another crate", "use std::fmt::Write;"),
        ("a visibility", "pub(in crate::a) struct Mine;"),
        ("a module whose items are not used", "use crate::c;"),
    ];
    for (case, text) in table {
        assert_eq!(used_by_a(text), Vec::<String>::new(), "{case}");
    }
}

#[test]
fn a_path_that_leads_nowhere_is_reported() {
    let used = read(&[("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::Missing;"), ("b.rs", "")]);
    assert_eq!(used.unknown.into_iter().collect::<Vec<_>>(), ["a.rs: crate::b::Missing"]);
}

#[test]
fn a_parent_that_declares_and_reexports_its_parts_is_in_no_circle() {
    let part = "use super::other::Base; pub struct Thing(Base);";
    let files = [("lib.rs", "mod a;"), ("a.rs", "mod other; mod part; pub use part::Thing;"), ("a/part.rs", part)];
    let used = read(&[&files[..], &[("a/other.rs", "pub struct Base;")]].concat());
    assert!(circles(&used.files).is_empty(), "{:?}", used.files);
}

#[test]
fn a_part_that_uses_its_parent_is_in_a_circle_with_it() {
    let part = "use super::Base; pub struct Thing(Base);";
    let used = read(&[("lib.rs", "mod a;"), ("a.rs", "mod part; pub use part::Thing; struct Base;"), ("a/part.rs", part)]);
    assert_eq!(circles(&used.files).into_iter().collect::<Vec<_>>(), ["a.rs → a/part.rs → a.rs"]);
}

#[test]
fn each_circle_is_reported_once_with_its_files() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "use crate::c::C; pub struct B(C);"),
        ("c.rs", "use crate::a::A; use crate::d::D; pub struct C(A, D);"),
        ("d.rs", "pub struct D;"),
    ];
    assert_eq!(circles(&read(&files).files).into_iter().collect::<Vec<_>>(), ["a.rs → b.rs → c.rs → a.rs"]);
}
