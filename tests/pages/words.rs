//! User-visible text has none of the words that readers stumbled over. A word is added when another reader stumbles.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{path, read};

/// In lower case; each is matched as a whole.
const BANNED: [&str; 43] = [
    "a look",
    "anew",
    "anybody",
    "as asked",
    "beside",
    "come right",
    "estate",
    "felt",
    "for ever",
    "given out",
    "gives back",
    "gives out",
    "growing pauses",
    "hear",
    "in small letters",
    "let go",
    "lets go",
    "look at",
    "looked at",
    "looks after",
    "mend",
    "no news",
    "nobody's",
    "nothing but",
    "of now",
    "on paper",
    "passed over",
    "put right",
    "puts right",
    "rests on",
    "run out",
    "see to it",
    "shall",
    "somebody",
    "stand-in",
    "stands there",
    "taken back",
    "tells",
    "to be had",
    "told",
    "whence",
    "whoever",
    "with which words",
];

/// The banned words of a text, each with its line.
fn banned(text: &str) -> Vec<String> {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let has = |line: &str, word: &str| {
        line.match_indices(word)
            .any(|(at, _)| !is_letter(line[..at].chars().last()) && !is_letter(line[at + word.len()..].chars().next()))
    };
    let of_line = |line: &str| BANNED.iter().filter(|word| has(&line.to_lowercase(), word)).copied().collect::<Vec<_>>();
    text.lines()
        .flat_map(|line| of_line(line).into_iter().map(|word| format!("{word:?} in {line:?}")).collect::<Vec<_>>())
        .collect()
}

/// Whether a line has what `Debug` prints for a Rust value: `Some(…)`, `Err(…)`, or `Name { field: …`.
fn is_debug_output(line: &str) -> bool {
    let is_struct = line.split(' ').collect::<Vec<_>>().windows(3).any(|words| {
        let is_field = words[2].strip_suffix(':').is_some_and(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        words[1] == "{" && is_field && words[0].trim_start_matches('(').starts_with(|c: char| c.is_ascii_uppercase())
    });
    is_struct || ["Some(", "Err("].iter().any(|variant| line.contains(variant))
}

fn markdown(folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the folder can be read").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            markdown(&entry, texts);
        } else if entry.extension().is_some_and(|kind| kind == "md") {
            texts.push((entry.display().to_string(), fs::read_to_string(&entry).expect("text")));
        }
    }
}

pub(super) fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_synapse-spark-operator")).args(arguments).output().expect("the program runs");
    String::from_utf8(output.stdout).expect("text")
}

/// What users read, each with the place that it comes from.
fn user_visible_texts() -> Vec<(String, String)> {
    let chart = "charts/synapse-spark-operator";
    let files = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "crds/synapsesparkattachments.yaml",
        "deploy/README.md",
        "tests/fixtures/statuses.yaml",
        &format!("{chart}/README.md"),
        &format!("{chart}/files/alerts.yaml"),
        &format!("{chart}/files/slo.yaml"),
        &format!("{chart}/files/dashboard.json"),
        "deploy/kube-state-metrics/alerts.yaml",
        "deploy/kube-state-metrics/config.yaml",
        &format!("{chart}/templates/NOTES.txt"),
        &format!("{chart}/values.yaml"),
    ];
    let mut texts: Vec<_> = files.iter().map(|file| ((*file).to_owned(), read(file))).collect();
    markdown(&path("docs"), &mut texts);
    let readmes = [
        "conformance",
        "control-plane",
        "docs",
        "emulator",
        "emulator/fixtures",
        "fixtures",
        "node",
        "sdk",
        "sdk-go",
        "sdk-js",
        "sdk-v1",
    ];
    texts.extend(readmes.map(|folder| format!("tests/{folder}/README.md")).map(|file| (file.clone(), read(&file))));
    let commands = [
        "run",
        "plan",
        "import",
        "pools",
        "links",
        "audit",
        "status",
        "events",
        "logs",
        "reconcile",
        "suspend",
        "resume",
        "allow-recreate",
        "bundle",
        "check",
        "transfer",
        "version",
        "completion",
    ];
    texts.push(("--help".to_owned(), help(&["--help"])));
    texts.extend(commands.map(|command| (format!("{command} --help"), help(&[command, "--help"]))));
    texts
}

#[test]
fn user_visible_text_has_no_banned_words() {
    let texts = user_visible_texts();
    let found: Vec<_> =
        texts.iter().flat_map(|(place, text)| banned(text).into_iter().map(move |one| format!("{place}: {one}"))).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn banned_words_are_matched_as_whole_words() {
    let found = banned("Look at it.\nbesides, lookatit, untold\nWhoever wrote this told nobody");
    let words: Vec<_> = found.iter().filter_map(|one| one.split('"').nth(1)).collect();
    assert_eq!(words, ["look at", "told", "whoever"]);
}

#[test]
fn user_visible_text_has_no_debug_output() {
    let texts = user_visible_texts();
    let found: Vec<_> = texts
        .iter()
        .flat_map(|(place, text)| text.lines().filter(|line| is_debug_output(line)).map(move |line| format!("{place}: {line}")))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
    assert!(
        is_debug_output("Forbidden (Status { code: 403 })") && is_debug_output("for Some(3)") && !is_debug_output("{ name: x }")
    );
}

/// The operator's names differ by the chart's values and for shards; this label does not.
#[test]
fn commands_select_the_operator_by_its_own_label() {
    let source = read("src/cli/installation.rs");
    let (_, label) = source.split_once("const LABELS: &str = \"").expect("the label of the operator");
    let selector = format!("-l {}", label.split('"').next().expect("a text"));
    let mut texts = user_visible_texts();
    texts.push(("bug.yml".to_owned(), read(".github/ISSUE_TEMPLATE/bug.yml")));
    let lines = |text: &str| texts.iter().flat_map(|(_, all)| all.lines()).filter(|line| line.contains(text)).count();
    assert!(lines(&selector) > 10);
    assert_eq!((lines("-l app.kubernetes.io/name"), lines("-l 'app.kubernetes.io/name")), (0, 0));
}
