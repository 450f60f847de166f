//! What the emulator answers to a probe: as it is, and with each other value of the settings that the probe distinguishes.

use std::time::Duration;

use azure_emulator::Seed;
use serde_json::{Value, json};

use crate::client::Azure;
use crate::cloud::Cloud;
use crate::gaps;
use crate::run::asked;
use crate::seen::{Failure, Seen};
use crate::table::Probe;
use crate::target::{Credential, Target, VERSION};
use crate::transport::{IN_PROCESS, Transport};

/// The tenant of the emulator's default seed.
pub const TENANT: &str = "72f988bf-0000-4000-8000-000000000001";
/// Its application.
pub const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
/// Its client secret.
pub const SECRET: &str = "emulator-secret-not-a-real-one";
/// Its resource group.
pub const GROUP: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group";

/// How many computes there are that no run has created, so that a LIST has several pages.
const FILLERS: usize = 120;

/// What the emulator answers.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The setting that is not as usual, with its value; none: all are.
    pub setting: Option<(&'static str, Value)>,
    /// What the probe sees.
    pub seen: Seen,
    /// Why it ended early.
    pub failure: Option<Failure>,
}

/// The seeds of an emulator that is probed.
///
/// # Errors
///
/// If the emulator does not take the seed of this kit.
pub fn seeds() -> Result<Vec<Seed>, String> {
    let compute = |number: usize| {
        let id = format!("{}/computes/cluster{number}", workspace());
        json!({"id": id, "properties": {"computeType": "AmlCompute", "provisioningState": "Succeeded"}})
    };
    let fillers = Seed::from_json(json!({"computes": (1..=FILLERS).map(compute).collect::<Vec<_>>()}))?;
    Ok(vec![Seed::documented(), fillers])
}

/// These settings, for an emulator whose clock is not moved by hand: what takes minutes takes a second.
#[must_use]
pub fn quick(settings: &Value) -> Value {
    let mut quick = json!({"identityDeletion": "1s"});
    for (key, value) in settings.as_object().into_iter().flatten() {
        quick[key] = value.clone();
    }
    quick
}

fn workspace() -> String {
    format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/yogi-aml-ws")
}

/// The emulator at this address, with the names of its default seed.
#[must_use]
pub fn emulated(endpoint: &str, poll: Duration) -> Target {
    let synapse = format!("{GROUP}/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws");
    let identity = |name: &str| format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}");
    Target {
        arm: endpoint.to_owned(),
        authority: endpoint.to_owned(),
        synapse: format!("{endpoint}/synapse/yogi-synapse-ws"),
        synapse_resource: Cloud::Public.synapse_resource().to_owned(),
        regional: Some(endpoint.to_owned()),
        cloud: Cloud::Public,
        version: VERSION.to_owned(),
        workspace: workspace(),
        pool: format!("{synapse}/bigDataPools/yogisparkpool"),
        other_pool: Some(format!("{synapse}/bigDataPools/othersparkpool")),
        identities: vec![identity("yogi-managed-id"), identity("yogi-second-id")],
        credential: Credential::Secret { tenant: TENANT.to_owned(), client: CLIENT.to_owned(), secret: SECRET.to_owned() },
        poll,
        // The clock of the emulator in this process is moved by hand.
        read_delay: if endpoint == IN_PROCESS { Duration::from_mins(1) } else { Duration::ZERO },
        patience: Duration::from_mins(10),
    }
}

/// Every variant of the emulator for this probe; the usual one comes first.
///
/// # Errors
///
/// If a value of a setting is not one.
pub async fn of(probe: &Probe) -> Result<Vec<Expected>, String> {
    let mut variants = vec![None];
    for row in probe.rows {
        for key in row.settings {
            for value in gaps::values(key) {
                let value: Value = serde_json::from_str(value).map_err(|e| format!("{key}: {e}"))?;
                let variant = Some((*key, value));
                if !variants.contains(&variant) {
                    variants.push(variant);
                }
            }
        }
    }
    let mut all = Vec::new();
    for setting in variants {
        let settings = setting.as_ref().map_or_else(|| json!({}), |(key, value)| json!({*key: value}));
        let transport = Transport::in_process(&settings, seeds()?)?;
        let azure = Azure::new(emulated(IN_PROCESS, Duration::from_millis(500)), transport, None)?;
        azure.open().await.map_err(|failure| failure.to_string())?;
        let (seen, failure) = asked(&azure, probe).await;
        all.push(Expected { setting, seen, failure });
    }
    Ok(all)
}

/// The settings of the emulator with their defaults, by name.
#[must_use]
pub fn defaults() -> Value {
    json!(azure_emulator::Settings::default())
}
