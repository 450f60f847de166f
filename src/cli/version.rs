//! `version`: the version of this program, and those of the operators that are installed.

use clap::Args;
use serde_json::json;

use super::installation::OperatorArgs;
use super::output::{Output, print};

/// The version of this program.
const OWN: &str = env!("CARGO_PKG_VERSION");

#[derive(Debug, Args)]
pub(super) struct Version {
    /// Print only the version of this program; no cluster is needed.
    #[arg(long)]
    client: bool,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    operator: OperatorArgs,
}

/// An operator that is installed: its Deployment, and its version if it has one.
struct Server {
    namespace: String,
    name: String,
    version: Option<String>,
}

impl Version {
    pub(super) async fn execute(self) -> Result<u8, String> {
        let servers = if self.client { Ok(Vec::new()) } else { self.servers().await };
        let found = servers.as_deref().unwrap_or_default();
        print(&match self.output {
            Output::Text => {
                let line = |Server { namespace, name, version }: &Server| {
                    format!("server: {} ({namespace}/{name})\n", version.as_deref().unwrap_or("unknown"))
                };
                format!("client: {OWN}\n{}", found.iter().map(line).collect::<String>())
            }
            Output::Json => {
                let one = |Server { namespace, name, version }: &Server| json!({"namespace": namespace, "name": name, "version": version});
                let all: Vec<_> = found.iter().map(one).collect();
                format!("{:#}\n", json!({"client": {"version": OWN}, "servers": all}))
            }
        })?;
        servers.map(|_| 0)
    }

    async fn servers(&self) -> Result<Vec<Server>, String> {
        let cluster = self.operator.context.connect().await?;
        let found = self.operator.find(&cluster).await?;
        if found.is_empty() {
            return Err(format!("no operator is installed in {}", self.operator.place()));
        }
        Ok(found.iter().map(|one| Server { namespace: one.namespace(), name: one.name(), version: one.version() }).collect())
    }
}
