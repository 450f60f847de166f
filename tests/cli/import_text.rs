//! `import` of files as shells and CI systems write them.

use serde_json::json;

use super::import::{SHORT, import, play};
use super::import_terraform::{resource, terraform};
use super::POOL;

/// A file of `tests/fixtures/import`.
pub fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/import/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(order).collect()
}

#[test]
fn files_are_read_in_the_encoding_of_their_byte_order_mark() {
    let state = format!("{:#}\n", terraform(&[resource("spark", &json!({"description": "Instruktører"}))]));
    let dos = state.replace('\n', "\r\n");
    let yaml = format!("name: spark\r\ntype: synapsespark\r\nresource_id: {POOL}\r\ndescription: Instruktører\r\n");
    #[rustfmt::skip]
    let rows = [
        ("UTF-8",                   state.clone().into_bytes()),
        ("UTF-8 with a mark",       format!("\u{feff}{state}").into_bytes()),
        ("CRLF",                    dos.clone().into_bytes()),
        ("UTF-16LE of PowerShell",  utf16(&dos, u16::to_le_bytes)),
        ("UTF-16BE",                utf16(&dos, u16::to_be_bytes)),
        ("YAML in UTF-16LE",        utf16(&yaml, u16::to_le_bytes)),
    ];
    let dir = tempfile::tempdir().expect("a folder");
    for (case, bytes) in rows {
        let file = dir.path().join("file").display().to_string();
        std::fs::write(&file, bytes).expect("a file");
        let (code, objects, said) = import(&["-f", &file, "-w", SHORT], "");
        assert_eq!((code, objects.len()), (Some(0), 1), "{case}: {said:?}");
        assert_eq!(objects[0]["spec"]["description"], "Instruktører", "{case}");
    }
    let (code, objects, said) = import(&["-f", &fixture("terraform-state-utf16le.json")], "");
    assert_eq!((code, objects.len()), (Some(0), 1), "{said:?}");
    assert_eq!(objects[0]["metadata"]["name"], "mysparksystem");
}

#[test]
fn lines_around_json_are_skipped_and_reported() {
    let state = format!("{:#}\n", terraform(&[resource("spark", &json!({"location": null}))]));
    let wanted = json!({"metadata": {"name": "spark"}, "spec": {}});
    let wrapper = format!("[command]/opt/terraform/terraform-bin show -json\n{state}::debug::Terraform exited with code 0.\n");
    #[rustfmt::skip]
    let rows = [
        ("a line of az",      format!("WARNING: This command is in preview.\r\n{state}"), wanted.clone(), &["skipped 1 line that is not part of the JSON document: \"WARNING: This command is in preview.\""][..]),
        ("a plain line",      format!("Refreshing\n\n{state}"), wanted.clone(), &["skipped 1 line"]),
        ("in brackets",       format!("[2026-03-02] start\n[INFO] show\n{state}"), wanted.clone(), &["skipped 2 lines that are not part of the JSON document: \"[2026-03-02] start\""]),
        ("a wrapper of CI",   wrapper, wanted.clone(), &["skipped 2 lines"]),
        ("JSON on one line",  format!("note: compact\n{}", terraform(&[resource("spark", &json!({"location": null}))])), wanted, &["skipped 1 line"]),
    ];
    play(&rows, &[]);
    // A document of YAML may be in the notation of JSON.
    let yaml = format!(
        "name: one\ntype: synapsespark\nresource_id: {POOL}\n---\n{{\"name\": \"two\", \"type\": \"synapsespark\", \"resource_id\": \"{POOL}\"}}\n"
    );
    let (code, objects, said) = import(&["-f", "-", "-w", SHORT], &yaml);
    assert_eq!((code, objects.len(), said.len()), (Some(0), 2, 0), "{said:?}");
    // JSON documents one after the other, as `>>` collects them.
    let one = |name: &str| format!("{:#}\n", json!({"name": name, "type": "synapsespark", "resource_id": POOL}));
    let (code, objects, said) = import(&["-f", "-", "-w", SHORT], &(one("one") + &one("two")));
    assert_eq!((code, objects.len(), said.len()), (Some(0), 2, 0), "{said:?}");
}
