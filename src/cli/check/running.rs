//! `check`: whether the operators that are installed can work.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;

use super::super::installation::{Installation, OperatorArgs, Settings};
use super::super::kube::{Cluster, Resource};
use super::super::output::{age, progress};
use super::super::scope::LeaseKey;
use super::finding::{Finding, Outcome};
use super::permissions::{Subject, accounts, everywhere, missing};
use crate::controller::{self, Shard};
use crate::error_chain::chain;
use crate::planner::status::time::elapsed;

const LEASES: Resource = Resource { plural: "leases.coordination.k8s.io", kind: "Lease" };
const REVIEWS: Resource = Resource { plural: "subjectaccessreviews.authorization.k8s.io", kind: "SubjectAccessReview" };

/// The group and version of the definition.
const API_VERSION: &str = "synapse-spark.dev/v1alpha1";

/// Makes all checks.
pub(super) async fn check(operator: &OperatorArgs) -> Result<Vec<Finding>, String> {
    let cluster = operator.context.connect().await?;
    progress("Checking the API server.");
    let mut found = vec![Finding::of("Kubernetes", kubernetes(&cluster).await)];
    // If this fails, the others would fail with the same error.
    if !found[0].is_ok() {
        return Ok(found);
    }
    found.push(Finding { check: "definition", outcome: definition(&cluster).await });
    progress("Checking the operator.");
    let installations = match operator.find(&cluster).await {
        Ok(installations) if installations.is_empty() => {
            let why = format!("no operator is installed in {}; install the chart", operator.place());
            found.push(Finding::of("operator", Err(why)));
            return Ok(found);
        }
        Ok(installations) => installations,
        Err(why) => {
            found.push(Finding { check: "operator", outcome: Outcome::Unknown(format!("cannot be read: {why}")) });
            return Ok(found);
        }
    };
    let ahead = controller::clock_ahead(&cluster.calls).await.unwrap_or_default();
    for one in &installations {
        found.push(Finding { check: "operator", outcome: self::operator(one) });
        match one.settings().and_then(|settings| settings.scope.shard().map(|shard| (settings, shard))) {
            Ok((settings, shard)) => found.extend(configured(&cluster, one, &settings, &shard, ahead).await),
            Err(why) => found.push(Finding::of("settings", Err(format!("{}: {why}", one.title())))),
        }
    }
    Ok(found)
}

async fn kubernetes(cluster: &Cluster) -> Result<String, String> {
    let version = cluster.calls.apiserver_version().await.map_err(|error| cluster.refused(&error, "get", ""))?;
    Ok(format!("{} at {}", version.git_version, cluster.server))
}

/// Every authenticated user may read what an API server serves.
async fn definition(cluster: &Cluster) -> Outcome {
    Outcome::Failed(match cluster.calls.list_api_group_resources(API_VERSION).await {
        Ok(served) if served.resources.iter().any(|one| one.name == "synapsesparkattachments") => {
            return super::definition::compare(&cluster.calls).await;
        }
        Ok(_) => format!("{API_VERSION} has no synapsesparkattachments; install the chart, or apply the output of `crd`"),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            format!("{API_VERSION} is not served; install the chart, or apply the output of `crd`")
        }
        Err(error) => chain(&error),
    })
}

/// Whether its replicas are ready, and whether its version is that of this program.
fn operator(one: &Installation) -> Outcome {
    let (ready, wanted) = one.replicas();
    let version = one.version().unwrap_or_else(|| "unknown".to_owned());
    let report = format!("{}: version {version}, {ready} of {wanted} replicas are ready", one.title());
    let own = env!("CARGO_PKG_VERSION");
    match () {
        () if wanted == 0 => Outcome::Failed(format!("{report}: it is scaled to 0, so nothing is reconciled")),
        () if ready == 0 => {
            Outcome::Failed(format!("{report}; to see why, run kubectl describe pods -n {} -l {}", one.namespace(), one.pods()))
        }
        () if version != own => {
            Outcome::Warning(format!("{report}; this program has version {own}; use the version of the operator"))
        }
        () if ready < wanted => Outcome::Warning(report),
        () => Outcome::Ok(report),
    }
}

/// What depends on the settings of an operator: its Leases and its permissions.
async fn configured(
    cluster: &Cluster,
    one: &Installation,
    settings: &Settings,
    shard: &Shard,
    ahead: SignedDuration,
) -> Vec<Finding> {
    let Settings { scope, identity } = settings;
    let (namespace, account) = (one.namespace(), one.account());
    let mut found = Vec::new();
    let leases = scope.leases(shard, &namespace);
    if leases.is_empty() {
        let report = format!("{}: leader election is off; only one replica may run", one.title());
        let (_, wanted) = one.replicas();
        found.push(Finding::of("leader", if wanted > 1 { Err(report) } else { Ok(report) }));
    }
    for key in &leases {
        found.push(Finding { check: "leader", outcome: leader(cluster, key, ahead).await });
    }
    let subject = Subject::Account { namespace: &namespace, name: &account };
    let title = format!("ServiceAccount {namespace}/{account}");
    found.push(Finding {
        check: "permissions",
        outcome: match missing(&cluster.calls, subject, (scope, shard), &namespace).await {
            Ok(refused) if refused.is_empty() => Outcome::Ok(format!("{title} has all permissions that the operator needs")),
            Ok(refused) => Outcome::Failed(format!(
                "{title} is not allowed to: {}. Run helm upgrade to restore its roles",
                refused.join(", ")
            )),
            Err(error) => not_reviewed(cluster, &error),
        },
    });
    if identity.require_service_account {
        found.push(Finding {
            check: "ServiceAccounts",
            outcome: match accounts(&cluster.calls, subject, everywhere(scope)).await {
                Ok(report) => Outcome::Ok(report),
                Err(error) => not_reviewed(cluster, &error),
            },
        });
    }
    found
}

/// Who leads, and since when without a renewal. The time that the Lease names is that of another machine: `ahead` corrects it.
async fn leader(cluster: &Cluster, key: &LeaseKey, ahead: SignedDuration) -> Outcome {
    let (namespace, name) = (&key.namespace, key.name());
    let title = format!("the Lease {namespace}/{name}");
    let lease = match Api::<Lease>::namespaced(cluster.calls.clone(), namespace).get_opt(&name).await {
        Ok(Some(lease)) => lease.spec.unwrap_or_default(),
        Ok(None) => return Outcome::Failed(format!("{title} does not exist: no replica has ever led")),
        Err(error) => {
            let why = cluster.of(namespace).refused_for(LEASES, &error, "get", &name);
            return Outcome::Unknown(format!("cannot be read: {why}"));
        }
    };
    let Some(holder) = lease.holder_identity.filter(|holder| !holder.is_empty()) else {
        return Outcome::Failed(format!("nothing holds {title}: no replica leads"));
    };
    let now = Timestamp::now().saturating_sub(ahead).unwrap_or(Timestamp::MAX);
    let renewed = lease.renew_time.and_then(|time| elapsed(time.0, now)).unwrap_or_default();
    let report = format!("{holder} holds {title}, renewed {} ago", age(renewed));
    let limit = u64::try_from(lease.lease_duration_seconds.unwrap_or_default()).unwrap_or_default();
    if renewed.as_secs() > limit {
        Outcome::Failed(format!("{report}: it has expired, so no replica leads"))
    } else {
        Outcome::Ok(report)
    }
}

/// What the user lacks to review the permissions of the operator.
fn not_reviewed(cluster: &Cluster, error: &kube::Error) -> Outcome {
    let why = cluster.refused_for(REVIEWS, error, "create", "");
    match error {
        kube::Error::Api(status) if status.code == 403 => Outcome::Unknown(format!("cannot be read: {why}")),
        _ => Outcome::Failed(why),
    }
}
