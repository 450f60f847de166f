//! `bundle`: an archive with what a bug report needs, without secrets.

mod redact;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use serde_json::{Value, json};

use super::installation::{LABELS, main_container};
use super::kube::ClusterArgs;
use super::output::{print, printable, remark};
use crate::error_chain::chain;

const README: &str = "A support bundle of synapse-spark-operator. index.txt lists its files, and what could not be read.

It contains no Secret. In objects, the values of environment variables and annotations are REDACTED unless the operator defines
them. In all texts, what looks like a token, a password or a signature is REDACTED.

It contains resource IDs, subscription and tenant IDs, principal IDs, names of namespaces and objects, tags and descriptions of
attachments, and the operator's log. Read it before you publish it.
";

/// Of objects, the first of each kind.
const MOST_OBJECTS: u32 = 2000;
/// Of the log of one container.
const MOST_LOG_BYTES: u32 = 10 << 20;

#[derive(Debug, Args)]
#[command(mut_arg("namespace", |arg| arg.help("Only the attachments of this namespace. Default: all namespaces")))]
pub(super) struct Bundle {
    /// The file to write. Default: synapse-spark-bundle-TIME.tar.gz in the current folder. It must not exist.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The namespace of the operator.
    #[arg(long, value_name = "NAME", default_value = "synapse-spark-system")]
    operator_namespace: String,
    /// The label selector of the operator's Deployments and pods.
    #[arg(short = 'l', long, default_value = LABELS)]
    selector: String,
    /// The number of lines of each pod's log.
    #[arg(long, value_name = "LINES", default_value_t = 5000)]
    tail: u32,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// A file of the bundle, or why there is none.
struct Entry {
    name: String,
    content: Result<String, String>,
}

impl Bundle {
    /// `known` are the operator's own environment variables.
    pub(super) async fn execute(self, known: &BTreeSet<String>) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let now = Timestamp::now();
        let path = self.output.clone().unwrap_or_else(|| format!("synapse-spark-bundle-{}.tar.gz", now.as_second()).into());
        let named = |error: std::io::Error| format!("{}: {error}", path.display());
        // Before minutes of reading: it may not be possible to write it.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(named)?;
        let entries = Collector { client: cluster.calls.clone(), known, entries: Vec::new() }.collect(&self).await;
        let index = index(&entries);
        let written = write(file, &index, entries, now);
        if written.is_err() {
            // What is left of it is of no use.
            let _ = std::fs::remove_file(&path);
        }
        written.map_err(named)?;
        print(&format!("{index}\nwritten: {}\n", path.display()))?;
        Ok(0)
    }

    /// The attachments of one namespace, or of all.
    fn attachments(&self, of: &str) -> String {
        self.cluster.namespace.as_ref().map_or_else(|| of.to_owned(), |namespace| format!("namespaces/{namespace}/{of}"))
    }
}

struct Collector<'a> {
    client: Client,
    known: &'a BTreeSet<String>,
    entries: Vec<Entry>,
}

impl Collector<'_> {
    async fn collect(mut self, bundle: &Bundle) -> Vec<Entry> {
        let (namespace, limit) = (&bundle.operator_namespace, format!("limit={MOST_OBJECTS}"));
        let selected = format!("labelSelector={}&{limit}", encoded(&bundle.selector));
        let server = self.json("/version").await;
        let version = |server: Value| json!({"client": env!("CARGO_PKG_VERSION"), "server": server}).to_string();
        self.add("versions.json", server.map(version));
        let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/synapsesparkattachments.synapse-spark.dev";
        let objects = "/apis/synapse-spark.dev/v1alpha1";
        let about = encoded("involvedObject.kind=SynapseSparkAttachment");
        for (name, path) in [
            ("definition.json", definition.to_owned()),
            ("attachments.json", format!("{objects}/{}?{limit}", bundle.attachments("synapsesparkattachments"))),
            ("attachment-events.json", format!("/api/v1/{}?fieldSelector={about}&{limit}", bundle.attachments("events"))),
            ("operator/deployments.json", format!("/apis/apps/v1/namespaces/{namespace}/deployments?{selected}")),
            ("operator/leases.json", format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases?{limit}")),
            ("operator/events.json", format!("/api/v1/namespaces/{namespace}/events?{limit}")),
        ] {
            let object = self.json(&path).await;
            self.add(name, object.map(|object| format!("{object:#}\n")));
        }
        let pods = self.read(&format!("/api/v1/namespaces/{namespace}/pods?{selected}")).await;
        let logs: Vec<_> =
            pods.iter().flat_map(|pods| pods["items"].as_array().into_iter().flatten()).filter_map(log_of).collect();
        self.add("operator/pods.json", pods.map(|pods| format!("{:#}\n", redact::object(pods, self.known))));
        for (pod, container) in logs {
            let of_pod = format!("/api/v1/namespaces/{namespace}/pods/{pod}");
            let bounds = format!("container={}&tailLines={}&limitBytes={MOST_LOG_BYTES}", encoded(&container), bundle.tail);
            for (name, path) in [
                (format!("operator/{pod}.log"), format!("{of_pod}/log?{bounds}")),
                (format!("operator/{pod}.previous.log"), format!("{of_pod}/log?previous=true&{bounds}")),
                (format!("operator/{pod}.metrics"), format!("/api/v1/namespaces/{namespace}/pods/{pod}:8080/proxy/metrics")),
            ] {
                let text = self.text(&path).await;
                self.add(&name, text.map(|text| redact::text(&text)));
            }
        }
        self.entries
    }

    fn add(&mut self, name: &str, content: Result<String, String>) {
        match &content {
            Ok(_) => remark(&format!("{name}: read")),
            Err(error) => remark(&format!("{name}: not read: {error}")),
        }
        self.entries.push(Entry { name: name.to_owned(), content });
    }

    async fn text(&self, path: &str) -> Result<String, String> {
        let request = http::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())?;
        self.client.request_text(request).await.map_err(|error| redact::text(&chain(&error)))
    }

    /// An object without secrets.
    async fn json(&self, path: &str) -> Result<Value, String> {
        Ok(redact::object(self.read(path).await?, self.known))
    }

    /// An object with its secrets.
    async fn read(&self, path: &str) -> Result<Value, String> {
        serde_json::from_str(&self.text(path).await?).map_err(|error| format!("not JSON: {error}"))
    }
}

/// The names of a pod and of its container that has the operator's log. Kubernetes wants both where a pod has several.
fn log_of(pod: &Value) -> Option<(String, String)> {
    let pod: Pod = serde_json::from_value(pod.clone()).ok()?;
    let container = main_container(Some(&pod.metadata), pod.spec.as_ref())?.name.clone();
    Some((pod.metadata.name?, container))
}

/// A value in the query of a URL.
fn encoded(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value.bytes().fold(String::new(), |mut text, byte| {
        if is_plain(byte) {
            text.push(byte.into());
        } else {
            write!(text, "%{byte:02X}").expect("a String takes it");
        }
        text
    })
}

/// The files, with their sizes, and what could not be read.
fn index(entries: &[Entry]) -> String {
    let mut text = String::from("README.txt\nindex.txt\n");
    for Entry { name, content } in entries {
        let line = match content {
            Ok(content) => {
                let is_cut = serde_json::from_str::<Value>(content)
                    .is_ok_and(|list| list["metadata"]["continue"].as_str().is_some_and(|next| !next.is_empty()));
                let cut = if is_cut { format!(", the first {MOST_OBJECTS} objects") } else { String::new() };
                format!("{name}: {} bytes{cut}\n", content.len())
            }
            Err(error) => format!("{name}: not read: {}\n", printable(error)),
        };
        text.push_str(&line);
    }
    text
}

fn write(file: impl Write, index: &str, entries: Vec<Entry>, now: Timestamp) -> std::io::Result<()> {
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    let read = entries.into_iter().filter_map(|Entry { name, content }| Some((name, content.ok()?)));
    let about = [("README.txt".to_owned(), README.to_owned()), ("index.txt".to_owned(), index.to_owned())];
    for (name, content) in about.into_iter().chain(read) {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(now.as_second()).unwrap_or_default());
        archive.append_data(&mut header, format!("synapse-spark-bundle/{name}"), content.as_bytes())?;
    }
    archive.into_inner()?.finish()?.flush()
}

#[cfg(test)]
mod tests;
