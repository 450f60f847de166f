//! Commands whose server has a certificate that they do not trust.

use serde_json::json;

use super::import::SHORT;
use super::plan::manifest;
use super::{Azure, program, text};

#[test]
fn the_error_of_an_untrusted_certificate_names_the_setting_to_change() {
    let azure = Azure::start();
    let dir = tempfile::tempdir().expect("a folder");
    let kubeconfig = dir.path().join("kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {}}], "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    });
    std::fs::write(&kubeconfig, config.to_string()).expect("a kubeconfig");
    let endpoint = azure.emulator.endpoint();
    let env = [
        ("AZURE_RESOURCE_MANAGER_ENDPOINT", endpoint),
        ("AZURE_AUTHORITY_HOST", endpoint),
        ("AZURE_TENANT_ID", "72f988bf-0000-4000-8000-000000000001"),
        ("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555"),
        ("AZURE_CLIENT_SECRET", "emulator-secret-not-a-real-one"),
        ("KUBECONFIG", kubeconfig.to_str().expect("text")),
    ];
    #[rustfmt::skip]
    let table = [
        (&["check", "--pre"][..],                     2),
        (&["plan", "-f", "-"],                        2),
        (&["import", "--workspace", SHORT],           1),
        (&["links", "--workspace", SHORT],            1),
        (&["pools", "--workspace", SHORT],            1),
    ];
    for (args, times) in table {
        let out = program(args, &env, &manifest(""));
        let said = format!("{}{}", text(&out.stdout), text(&out.stderr));
        assert_eq!(out.status.code(), Some(1), "{args:?}: {said}");
        let lines = said.lines().filter(|line| line.contains("invalid peer certificate"));
        let advised = lines.filter(|line| line.contains("--azure-ca-file (chart: azure.ca)"));
        assert_eq!(advised.count(), times, "{args:?}: {said}");
    }
}
