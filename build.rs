//! Fetches the scripts of the page of `kubectl synapse ui` from npm, by the lock file with their checksums, when the feature `ui` is
//! built. Nothing is fetched again until the lock file changes.
//!
//! Without npm or network, the program is built all the same; its `ui` then ends with the message that is written here.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The folder of the lock file.
const LOCK: &str = "src/cli/ui/assets";
/// Files of the package `htmx.org`.
const SCRIPTS: [&str; 3] = ["htmx.min.js", "ext/hx-sse.min.js", "ext/hx-csp.min.js"];

fn main() {
    if env::var_os("CARGO_FEATURE_UI").is_none() {
        println!("cargo::rerun-if-changed=build.rs");
        return;
    }
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    let out = Path::new(&out);
    let lacking = fetch(out).err().unwrap_or_default();
    if lacking.is_empty() {
        println!("cargo::rerun-if-changed=build.rs");
        println!("cargo::rerun-if-changed={LOCK}/package-lock.json");
    } else {
        // Without these lines, cargo runs this program again at the next build.
        println!("cargo::warning=`kubectl synapse ui` will not work: {lacking}");
        println!("cargo::rerun-if-changed={}", out.join("fetched").display());
        for script in SCRIPTS {
            fs::write(out.join(file(script)), "").expect("the folder of the build can be written to");
        }
    }
    fs::write(out.join("lacking.txt"), lacking).expect("the folder of the build can be written to");
}

/// The name of a script in the folder of the build.
fn file(script: &str) -> &str {
    script.rsplit('/').next().unwrap_or(script)
}

/// Fetches the scripts into a folder. An error is text with advice.
fn fetch(out: &Path) -> Result<(), String> {
    for name in ["package.json", "package-lock.json"] {
        fs::copy(Path::new(LOCK).join(name), out.join(name)).map_err(|error| format!("{LOCK}/{name}: {error}"))?;
    }
    let options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    let npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" }).args(options).current_dir(out).output();
    let npm = npm.map_err(|error| {
        format!("npm, which fetches the scripts of the page, cannot be run ({error}). Install Node.js with npm, and build again.")
    })?;
    if !npm.status.success() {
        let said = String::from_utf8_lossy(&npm.stderr);
        let said = said.lines().take(5).collect::<Vec<_>>().join(" ");
        return Err(format!(
            "npm cannot fetch the scripts of the page: {said}. Give it access to its registry, and build again."
        ));
    }
    for script in SCRIPTS {
        let from = out.join("node_modules/htmx.org/dist").join(script);
        fs::copy(&from, out.join(file(script))).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    Ok(())
}
