//! Writes down what `rights.rs` wants to know of this run.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::kept::{FOLDER, PROGRAM, WORLDS};

/// The folder, without what an earlier run has kept there.
static BEGUN: LazyLock<&Path> = LazyLock::new(|| {
    let folder = Path::new(FOLDER);
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("a folder for the record");
    let program = std::env::current_exe().expect("this program has a path");
    fs::write(folder.join(PROGRAM), program.to_str().expect("a path of text")).expect("the record can be written");
    folder
});

/// Where a control plane's audit log goes.
pub fn audit_log(plane: &str) -> PathBuf {
    BEGUN.join(format!("{plane}.log"))
}

/// Notes what became of a test's world.
pub fn note(word: &str, namespace: &str, by: &Location<'_>) {
    let mut file = OpenOptions::new().create(true).append(true).open(BEGUN.join(WORLDS)).expect("the record can be written");
    // One write: lines of tests side by side don't mix.
    file.write_all(format!("{word} {namespace} {by}\n").as_bytes()).expect("the record can be written");
}

/// A test that makes no World. It counts as well, if it ends well.
pub struct Aside(&'static Location<'static>);

impl Aside {
    #[track_caller]
    pub fn new() -> Self {
        Self(Location::caller())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            note("ended", "aside", self.0);
        }
    }
}
