//! Records what `rights.rs` needs of this run.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::audit::{FOLDER, PROGRAM, WORLDS};

/// The folder, without what an earlier run has kept there.
static BEGUN: LazyLock<&Path> = LazyLock::new(|| {
    let folder = Path::new(FOLDER);
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("a folder for the record");
    let program = std::env::current_exe().expect("this program has a path");
    let started = std::iter::once(program.to_str().expect("a path of text").to_owned()).chain(std::env::args().skip(1));
    fs::write(folder.join(PROGRAM), started.collect::<Vec<_>>().join("\n")).expect("the record can be written");
    folder
});

/// The path of a control plane's audit log.
pub fn audit_log(plane: &str) -> PathBuf {
    BEGUN.join(format!("{plane}.log"))
}

/// Keeps a manifest with rights of an account, among those of other tests.
pub fn manifest(account: &str, manifest: &str) {
    append(&format!("{account}.yaml"), &format!("---\n{manifest}\n"));
}

/// Notes what became of a test's world.
pub fn note(word: &str, namespace: &str, by: &Location<'_>) {
    append(WORLDS, &format!("{word} {namespace} {by}\n"));
}

fn append(name: &str, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(BEGUN.join(name)).expect("the record can be written");
    // One write: what tests side by side write doesn't mix.
    file.write_all(text.as_bytes()).expect("the record can be written");
}
