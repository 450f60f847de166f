//! `import` of files as shells and CI systems write them, and of files that are in no format that it reads.

use serde_json::json;

use super::import::{SHORT, import, play};
use super::import_terraform::{resource, terraform};
use super::{POOL, program};

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

#[test]
fn a_file_in_another_format_is_refused_with_the_command_that_converts_it() {
    let log = r#"{"@level":"info","@message":"Terraform 1.9.5","type":"version"}"#;
    let response = json!({"StatusCode": 200, "Content": "{}", "Method": "GET"}).to_string();
    #[rustfmt::skip]
    let table = [
        ("x.bicep",      "param name string\n".as_bytes().to_vec(),  "it is Bicep source: import the output of az bicep build --file"),
        ("x.bicepparam", b"using './x.bicep'\n".to_vec(),            "az bicep build-params"),
        ("x.tf",         b"resource \"a\" \"b\" {}\n".to_vec(),      "it is the source of a Terraform configuration: import the output of terraform show -json"),
        ("x.tfvars",     b"a = 1\n".to_vec(),                        "it has variables of Terraform"),
        ("x.tfplan",     b"PK\x03\x04rest".to_vec(),                 "use the output of terraform show -json FILE"),
        ("x.tfstate",    json!({"version": 4, "terraform_version": "1.9.5", "lineage": "x"}).to_string().into_bytes(), "it is a Terraform state file: import the output of terraform show -json"),
        ("log.json",     format!("{log}\n{log}\n").into_bytes(),     "it is the log of a Terraform command: save the plan with terraform plan -out FILE"),
        ("one.json",     log.as_bytes().to_vec(),                    "it is the log of a Terraform command"),
        ("az.json",      response.into_bytes(),                      "it is the output of Invoke-AzRestMethod: import its property Content"),
        ("latin1.yaml",  b"name: \xf8\n".to_vec(),                   "it is not valid UTF-8"),
        ("half.json",    b"\xff\xfe{".to_vec(),                      "it is not valid UTF-16"),
        ("unmarked",     b"{\0}\0".to_vec(),                         "as UTF-16 without a byte order mark does: save it as UTF-8"),
    ];
    let dir = tempfile::tempdir().expect("a folder");
    for (name, bytes, words) in table {
        let file = dir.path().join(name).display().to_string();
        std::fs::write(&file, bytes).expect("a file");
        let (code, objects, said) = import(&["-f", &file], "");
        assert_eq!((code, objects.len()), (Some(1), 0), "{name}: {said:?}");
        let errors: Vec<_> = said.iter().filter(|line| line.starts_with("error: ")).collect();
        assert!(errors.len() == 1 && errors[0].contains(words) && errors[0].contains(&file), "{name}: {said:#?}");
    }
    // The manifest for `plan` is read in the same way.
    let manifest = json!({"kind": "Other", "apiVersion": "v1"}).to_string();
    let out = program(&["plan", "-f", "-"], &[], &format!("a line\n{manifest}\n"));
    assert!(super::text(&out.stderr).starts_with("-: skipped 1 line"), "{}", super::text(&out.stderr));
}
