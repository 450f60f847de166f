//! The page of supported versions names the versions that the tests use.

use synapse_spark_operator::spark_versions::{ALL, Lifecycle};

use crate::read;

/// A version that the page names: the words before it there, and the file and the words before it that it comes from.
#[rustfmt::skip]
const NAMED: &[(&str, &str, &str)] = &[
    ("kubelet and kubectl ",             "tests/control-plane/go.mod",                  "\tk8s.io/kubernetes v"),
    ("etcd ",                            "tests/control-plane/go.mod",                  "\tgo.etcd.io/etcd/server/v3 v"),
    ("`--take-ownership` needs 3.17 | ", "tests/gotools/go.mod",                        "\thelm.sh/helm/v3 v"),
    (" and ",                            "tests/gotools/go.mod",                        "\thelm.sh/helm/v4 v"),
    ("fluxcd/cli-utils ",                "tests/gitops/go.mod",                         "\tgithub.com/fluxcd/cli-utils v"),
    ("azure-ai-ml ",                     "tests/sdk/requirements.txt",                  "azure-ai-ml=="),
    ("azureml-core ",                    "tests/sdk-v1/requirements.txt",               "azureml-core=="),
    ("armmachinelearning v",             "tests/sdk-go/go.mod",                         "/armmachinelearning/v4 v"),
    ("@azure/arm-machinelearning ",      "tests/sdk-js/package.json",                   "\"@azure/arm-machinelearning\": \""),
    ("| `Microsoft.MachineLearningServices` | ", "src/cli/args.rs",                     "env = \"AZURE_ML_API_VERSION\", default_value = \""),
    ("linked services | ",               "src/azure/api_version.rs",                    "LINKED_SERVICES: &str = \""),
    ("| `Microsoft.Synapse` | ",         "src/azure/api_version.rs",                    "SYNAPSE: &str = \""),
    ("| Synapse data plane | ",          "src/azure/api_version.rs",                    "SYNAPSE_DATA_PLANE: &str = \""),
    ("| `Microsoft.Storage` | ",         "src/azure/api_version.rs",                    "STORAGE: &str = \""),
    ("| `Microsoft.Authorization` | ",   "src/azure/api_version.rs",                    "AUTHORIZATION: &str = \""),
    ("| `Microsoft.Resources` | ",       "src/azure/api_version.rs",                    "SUBSCRIPTIONS: &str = \""),
    ("| Kubernetes | ",                  "charts/synapse-spark-operator/Chart.yaml",    "kubeVersion: \">="),
];

/// The word after this text.
fn version(file: &str, before: &str) -> String {
    let text = read(file);
    let (_, after) = text.split_once(before).unwrap_or_else(|| panic!("{file} has no {before:?}"));
    after.chars().take_while(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).collect()
}

#[test]
fn supported_versions_are_those_that_the_tests_use() {
    let page = read("docs/supported-versions.md");
    for (words, file, before) in NAMED {
        // The chart's bound includes pre-releases.
        let used = version(file, before).trim_end_matches(".0-0").to_owned();
        assert!(page.contains(&format!("{words}{used}")), "docs/supported-versions.md does not name {words:?} {used} of {file}");
    }
}

#[test]
fn the_page_has_the_dates_of_each_version_of_spark_and_recommends_the_newest() {
    let page = read("docs/supported-versions.md");
    for Lifecycle { version, end_of_support, disabled_from } in ALL {
        let disabled = disabled_from.map(|day| format!("{day} ")).unwrap_or_default();
        let row = format!("| {version} | {end_of_support} | {disabled}|");
        assert!(page.contains(&row), "{row}");
    }
    let newest = ALL[ALL.len() - 1].version;
    assert!(page.contains(&format!("Create new pools with Spark {newest}.")), "{newest}");
}
